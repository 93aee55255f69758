"""litellm in a process of its own: `python -m daemon.adapters.litellm_child SOCKET`, started by provider_litellm.

Importing litellm costs seconds and hundreds of megabytes, a call through it milliseconds of CPU; none of that
is spent in the daemon. This process listens on a unix socket in a private directory, writes `ready` to stdout once it
can answer, and leaves when its stdin ends, which is when the daemon is gone, however it went.

`POST /chat`, `/messages` and the like take {"body", "api_key", "api_base", "options", "extra_headers", "timeout_s"} and
answer as a provider of that dialect would (litellm_dialects.py). Where no answer came from the provider,
FAILURE_HEADER says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import openai
from aiohttp import web

from ..core_dumps import forbid_core_dumps
from ..exchange import DialectName, JsonObject
from .litellm_dialects import spoken_by
from .provider_litellm import FAILURE_HEADER, TIMED_OUT, UNREACHABLE

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


_LITELLMS_WORDS = re.compile(r"^(litellm\.\w+: |\w+Exception - )+")


_UNDERSTOOD = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
}
"""What litellm makes out of the prose of many providers, as OpenAI's codes."""


def main() -> None:
    forbid_core_dumps()
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
    for dialect in answering.dialects:
        app.router.add_post(f"/{dialect}", partial(answering.answer, dialect))
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket_path)).start()
    _say_ready()
    await asyncio.Event().wait()


def _load_litellm() -> Any:
    gateway = ModuleType("litellm.responses.mcp.litellm_proxy_mcp_handler")
    gateway.LiteLLM_Proxy_MCP_Handler = _NoMcpGateway  # type: ignore[attr-defined]
    # The real one needs packages of litellm's proxy: without them every call with tools would fail.
    sys.modules[gateway.__name__] = gateway
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


class _NoMcpGateway:
    """Stands for litellm's gateway to tool servers, which litellm asks about each call with tools."""

    @staticmethod
    def should_use_litellm_mcp_gateway(tools: object = None) -> bool:
        return False


class Answering:
    """The routes: a request in, litellm asked, its answer put back into the dialect's bytes."""

    def __init__(self, litellm: Any) -> None:
        self._spoken = spoken_by(litellm)

    @property
    def dialects(self) -> Iterable[DialectName]:
        return self._spoken.keys()

    async def answer(self, dialect: DialectName, request: web.Request) -> web.StreamResponse:
        asked, spoken = json.loads(await request.read()), self._spoken[dialect]
        try:
            answer = await spoken.ask(asked)
            if not asked["body"].get("stream"):
                return web.Response(body=spoken.whole(answer), content_type="application/json")
            async with aclosing(spoken.events(answer)) as events:
                return await _stream(request, events)
        except Exception as error:  # the border of this process: whatever litellm raises becomes an answer
            return _refusal(dialect, error)


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
    if (failure := _failure(causes)) is not None:
        headers[FAILURE_HEADER] = failure
    body = _error_body(dialect, _ERROR_TYPES.get(status, "api_error"), *_said(causes))
    return web.json_response(body, status=status, headers=headers)


def _failure(causes: list[BaseException]) -> str | None:
    """Why no answer came; None: one did. litellm's own classes count where it asked by another client than httpx."""
    if any(isinstance(cause, httpx.HTTPStatusError) for cause in causes):
        return None
    if any(isinstance(cause, httpx.TimeoutException | TimeoutError | openai.APITimeoutError) for cause in causes):
        return TIMED_OUT
    if any(isinstance(cause, httpx.TransportError | openai.APIConnectionError) for cause in causes):
        return UNREACHABLE
    return None


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


def _said(causes: list[BaseException]) -> tuple[str, str | None]:
    """The provider's own sentence and code, where it gave one, else litellm's without what is for its users."""
    understood = next((code for cause in causes if (code := _UNDERSTOOD.get(type(cause).__name__))), None)
    for cause in causes:
        error = _error_in(getattr(cause, "body", None)) or _error_in(getattr(cause, "message", None))
        if error is not None:
            code = error.get("code")
            return error["message"], code if isinstance(code, str) else understood
    return _LITELLMS_WORDS.sub("", str(causes[0])).partition(" To drop these")[0], understood


def _error_in(answer: Any) -> JsonObject | None:
    """The error that a provider's body holds, as bytes, text or an object."""
    if isinstance(answer, bytes | str):
        try:
            answer = json.loads(answer)
        except ValueError:
            return None
    if isinstance(answer, dict) and isinstance(inner := answer.get("error"), dict):
        answer = inner
    return answer if isinstance(answer, dict) and isinstance(answer.get("message"), str) else None


def _error_body(dialect: DialectName, error_type: str, message: str, code: str | None) -> JsonObject:
    if dialect in ("messages", "count_tokens"):
        coded = {} if code is None else {"code": code}  # not Anthropic's, but fallbacks are chosen by it
        return {"type": "error", "error": {"type": error_type, "message": message, **coded}}
    return {"error": {"message": message, "type": error_type, "code": code, "param": None}}


if __name__ == "__main__":
    main()
