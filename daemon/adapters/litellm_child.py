"""litellm in a process of its own: `python -m daemon.adapters.litellm_child SOCKET`, started by provider_litellm.

Importing litellm costs seconds and hundreds of megabytes, a call through it milliseconds of CPU; none of that
is spent in the daemon. This process listens on a unix socket in a private directory, writes `ready` to stdout once it
can answer, and leaves when its stdin ends, which is when the daemon is gone, however it went.

`POST /chat` and `/messages` take {"body", "api_key", "api_base", "extra_headers", "timeout_s"} and answer as a
provider of that dialect would. Where no answer came from the provider, FAILURE_HEADER says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import orjson
from aiohttp import web

from ..exchange import DialectName, JsonObject
from .provider_litellm import FAILURE_HEADER, TIMED_OUT, UNREACHABLE

_CHAT_FIELDS = frozenset(
    (  # noqa: SIM905  one name a line would be a page
        "model messages stream stream_options temperature top_p n stop max_tokens max_completion_tokens seed user "
        "presence_penalty frequency_penalty logit_bias logprobs top_logprobs response_format tools tool_choice "
        "parallel_tool_calls functions function_call modalities prediction audio reasoning_effort verbosity "
        "thinking web_search_options service_tier safety_identifier prompt_cache_key"
    ).split()
)
_MESSAGES_FIELDS = frozenset(
    (  # noqa: SIM905
        "model messages stream max_tokens system temperature top_k top_p stop_sequences tools tool_choice thinking "
        "metadata container context_management output_config service_tier"
    ).split()
)
"""What a caller may set by name. litellm reads its own settings from the same arguments (`api_base`,
`mock_response`, files with credentials …), so every other field can only become a part of the provider's body."""

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def main() -> None:
    socket_path = Path(sys.argv[1])
    threading.Thread(target=_leave_with_parent, args=(socket_path,), daemon=True).start()
    answering = Answering(_load_litellm())
    socket_path.unlink(missing_ok=True)
    asyncio.run(_serve(socket_path, answering))


def _leave_with_parent(socket_path: Path) -> None:
    """Wait, also while litellm is being imported, for the end of stdin."""
    sys.stdin.buffer.read()
    with contextlib.suppress(OSError):
        socket_path.unlink(missing_ok=True)
        socket_path.parent.rmdir()
    os._exit(0)


async def _serve(socket_path: Path, answering: Answering) -> None:
    app = web.Application(client_max_size=2**30)
    app.router.add_post("/{dialect:chat|messages}", answering.answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket_path)).start()
    _say_ready()
    await asyncio.Event().wait()


def _load_litellm() -> Any:
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    # OpenAI's models are otherwise asked through /responses, which compatible servers seldom have.
    litellm.use_chat_completions_url_for_anthropic_messages = True
    return litellm


def _say_ready() -> None:
    """The last word on stdout: what litellm prints afterwards must not fill a pipe that nobody reads."""
    os.write(1, b"ready\n")
    os.dup2(2, 1)


class Answering:
    """The routes: a request in, litellm asked, its answer put back into the dialect's bytes."""

    def __init__(self, litellm: Any) -> None:
        self._litellm = litellm

    async def answer(self, request: web.Request) -> web.StreamResponse:
        dialect: DialectName = "chat" if request.match_info["dialect"] == "chat" else "messages"
        asked = json.loads(await request.read())
        try:
            answer = await self._ask(dialect, asked)
            if not asked["body"].get("stream"):
                return web.Response(body=_whole(answer), content_type="application/json")
            async with aclosing(_events(dialect, answer)) as events:
                return await _stream(request, events)
        except Exception as error:  # the border of this process: whatever litellm raises becomes an answer
            return _refusal(dialect, error)

    async def _ask(self, dialect: DialectName, asked: JsonObject) -> Any:
        ask = self._litellm.acompletion if dialect == "chat" else self._litellm.anthropic.messages.acreate
        given = {name: asked[name] for name in ("api_key", "api_base", "extra_headers") if asked[name]}
        # A repeated call may be charged twice; whoever knows the price decides.
        limits = {"timeout": asked["timeout_s"], "max_retries": 0, "num_retries": 0}
        return await ask(**self._fields(dialect, asked["body"]), **given, **limits)

    def _fields(self, dialect: DialectName, body: JsonObject) -> JsonObject:
        known = _CHAT_FIELDS if dialect == "chat" else _MESSAGES_FIELDS
        fields = {name: value for name, value in body.items() if name in known}
        unknown = {name: value for name, value in body.items() if name not in known}
        if unknown and self._speaks_openai(body["model"]):
            fields["extra_body"] = unknown
        return fields

    def _speaks_openai(self, model: str) -> bool:
        """Whether fields that litellm cannot translate mean something to the provider; others refuse them."""
        _, provider, _, _ = self._litellm.get_llm_provider(model=model)
        return provider in ("openai", "azure") or provider in self._litellm.openai_compatible_providers


def _whole(answer: Any) -> bytes:
    return orjson.dumps(answer, default=_plain)


def _plain(value: Any) -> Any:
    """litellm's pydantic objects, wherever they stand."""
    return value.model_dump(exclude_none=True)


async def _events(dialect: DialectName, answer: Any) -> AsyncGenerator[bytes, None]:
    """litellm's stream as server-sent events; closing it ends the provider's."""
    try:
        async for chunk in answer:
            yield chunk if dialect == "messages" else _chat_event(chunk)
        if dialect == "chat":
            yield b"data: [DONE]\n\n"
    finally:
        if (close := getattr(answer, "aclose", None)) is not None:
            await close()


def _chat_event(chunk: Any) -> bytes:
    event = _plain(chunk)
    if "usage" in event and not any(choice.get("delta") or choice.get("finish_reason") for choice in event["choices"]):
        event["choices"] = []  # as OpenAI sends it; litellm adds a choice in which nothing is
    return b"data: " + orjson.dumps(event) + b"\n\n"


async def _stream(request: web.Request, events: AsyncIterator[bytes]) -> web.StreamResponse:
    """The status goes out with the first event, so that a refusal can still have its own."""
    first = await anext(events, b"")
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    try:
        await response.write(first)
        async for event in events:
            await response.write(event)
    except Exception:  # litellm's, or the daemon hung up: a stream cut off is what the daemon understands
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _refusal(dialect: DialectName, error: Exception) -> web.Response:
    causes = list(_causes(error))
    status, headers = _status(causes), _retry_headers(error)
    if any(isinstance(cause, httpx.TimeoutException) for cause in causes):
        headers[FAILURE_HEADER] = TIMED_OUT
    elif any(isinstance(cause, httpx.TransportError) for cause in causes):
        headers[FAILURE_HEADER] = UNREACHABLE
    body = _error_body(dialect, _ERROR_TYPES.get(status, "api_error"), str(error))
    return web.json_response(body, status=status, headers=headers)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _status(causes: list[BaseException]) -> int:
    """The provider's own status where there was one, else what litellm makes of it."""
    for cause in causes:
        if isinstance(cause, httpx.HTTPStatusError):
            return cause.response.status_code
    status = getattr(causes[0], "status_code", None)
    return status if isinstance(status, int) and 400 <= status < 600 else 500


def _retry_headers(error: Exception) -> dict[str, str]:
    given = getattr(error, "litellm_response_headers", None) or {}
    return {name: given[name] for name in ("retry-after", "x-should-retry") if name in given}


def _error_body(dialect: DialectName, error_type: str, message: str) -> JsonObject:
    if dialect == "messages":
        return {"type": "error", "error": {"type": error_type, "message": message}}
    return {"error": {"message": message, "type": error_type, "code": None, "param": None}}


if __name__ == "__main__":
    main()
