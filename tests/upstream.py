"""A provider for tests: a real HTTP server that speaks OpenAI's and Anthropic's protocols and records what it is sent.

    async with Upstream() as upstream:
        upstream.next("Hello, Ann")                      # the next answer's text
        upstream.next(Reply.error(429, retry_after_s=3)) # and then a refusal
        ...                                              # point a client at upstream.url
        assert "Hi" == upstream.last.question

Without a script it answers "Hello from upstream" to everything. `url` has no `/v1`: an `openai` provider wants
`upstream.openai_url`, an `anthropic` one `upstream.url`.

What a Reply can do is its fields: hold back until the test lets go, cut a stream, send tool calls, raw bytes,
garbage. No test needs to sleep: `await upstream.until_asked(2)` and `until_hung_up()` wait for what happens.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import socket
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from aiohttp import web

DEFAULT_TEXT = "Hello from upstream"

CREATED = 1_760_000_000


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model makes; `arguments` is the JSON text exactly as the model would write it."""

    name: str
    arguments: str = "{}"
    id: str = "call_1"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Lower-case names."""
    raw: bytes
    body: Any
    """The parsed JSON, None where it is none."""
    connection: int = 0
    """The client's port: equal numbers came over one connection."""

    @property
    def question(self) -> str:
        """The last user text."""
        turns = next(self.body[field] for field in ("messages", "input", "prompt") if field in self.body)
        if isinstance(turns, str):
            return turns
        content = next(m["content"] for m in reversed(turns) if m.get("role") == "user")
        if isinstance(content, str):
            return content
        return "".join(part["text"] for part in content if part.get("type") in ("text", "input_text"))

    def holds(self, value: str) -> bool:
        """Whether the value stands anywhere in it, escaped in whatever way JSON allows."""
        return any(value in place for place in self._places())

    @property
    def everything(self) -> str:
        """All that it says, as it stands and with JSON's escapes undone."""
        return "\n".join(self._places())

    def _places(self) -> Iterator[str]:
        yield from (self.path, *self.headers.values(), self.raw.decode("utf-8", "replace"), *_strings(self.body))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the upstream does with one request. A whole answer or a stream is made as the request asks."""

    text: str = DEFAULT_TEXT
    tool_calls: tuple[ToolCall, ...] = ()
    input_tokens: int = 11
    output_tokens: int = 7
    cached_tokens: int = 0
    """Of the input, read from the provider's cache; on top of `input_tokens`, as Anthropic counts."""
    stop: Literal["stop", "length", "tool"] | None = None
    """Why it ended; None: "tool" where there are tool calls, else "stop"."""
    model: str | None = None
    """The model it names; None: the one asked for."""
    pieces: tuple[str, ...] | None = None
    """How a stream cuts the text into deltas; None: word by word."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Mapping[str, Any] | None = None
    """Sent instead of the whole answer or the stream, as it stands (a Mapping as JSON)."""
    content_type: str | None = None
    """None: JSON, or an event stream where a stream was asked for and the status is 200."""
    raw_stream: bytes | None = None
    """Sent instead of the stream's events."""
    cuts: tuple[int, ...] | None = None
    """Positions at which the body is cut into separate writes; None: one write for each event."""
    garbage: bytes | None = None
    """Written in place of any HTTP, then the connection closes; b"" only hangs up."""
    gzipped: bool = False

    cut_after: int | None = None
    """Break the connection after so many writes (events, unless `cuts` says otherwise)."""
    hold: asyncio.Event | None = None
    """Wait for this before answering …"""
    hold_after: int | None = None
    """… or, the status being sent, after so many writes."""
    gap_s: float = 0.0
    """Pause between two writes, for what measures; tests use `hold`."""

    @classmethod
    def error(cls, status: int, message: str = "no", *, retry_after_s: int | None = None) -> Reply:
        """A provider's refusal, in a body that both kinds of SDK can read."""
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        error = {"type": "upstream_says_no", "message": message, "code": None, "param": None}
        return cls(status=status, headers=headers, body={"type": "error", "error": error})

    @classmethod
    def tools(cls, *calls: ToolCall, text: str = "") -> Reply:
        """An answer that calls tools."""
        return cls(text=text, tool_calls=calls)

    @property
    def stop_reason(self) -> Literal["stop", "length", "tool"]:
        return self.stop or ("tool" if self.tool_calls else "stop")


Script = Reply | str | Callable[[Asked], "Reply | str"]


class Upstream:
    """The server. Enter it inside the running loop; it listens on a free port of 127.0.0.1, or on `listener`, which it
    leaves open."""

    def __init__(self, answer: Script = DEFAULT_TEXT, *, listener: socket.socket | None = None) -> None:
        self.asked: list[Asked] = []
        self.hung_up = 0
        """Requests whose client went away before the answer was whole."""
        self.url = ""
        self._default = answer
        self._listener = listener
        self._script: deque[Script] = deque()
        self._changed = asyncio.Condition()
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Upstream:
        app = web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        if self._listener is None:
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        else:
            await web.SockSite(self._runner, self._listener.dup()).start()
        self.url = "http://127.0.0.1:{1}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def openai_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    def next(self, *answers: Script) -> None:
        """What the next requests get, one each, before the default again."""
        self._script.extend(answers)

    def always(self, answer: Script) -> None:
        """What every request gets that `next` does not cover."""
        self._default = answer

    def saw(self, value: str) -> bool:
        """Whether any request so far holds the value."""
        return any(asked.holds(value) for asked in self.asked)

    async def until_asked(self, count: int = 1) -> None:
        """Wait until `count` requests have arrived since the start."""
        await self._until(lambda: len(self.asked) >= count)

    async def until_hung_up(self, count: int = 1) -> None:
        """Wait until `count` clients have gone away early."""
        await self._until(lambda: self.hung_up >= count)

    async def _until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(happened)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        asked = await _record(request)
        self.asked.append(asked)
        reply = self._reply_to(asked)
        await self._tell()
        try:
            return await self._answer(request, asked, reply)
        except (asyncio.CancelledError, ConnectionError):
            self.hung_up += 1
            await asyncio.shield(self._tell())
            raise

    def _reply_to(self, asked: Asked) -> Reply:
        script = self._script.popleft() if self._script else self._default
        if callable(script):
            script = script(asked)
        return Reply(text=script) if isinstance(script, str) else script

    async def _answer(self, request: web.Request, asked: Asked, reply: Reply) -> web.StreamResponse:
        if reply.hold is not None and reply.hold_after is None:
            await reply.hold.wait()
        if reply.garbage is not None:
            return _spoil(request, reply.garbage)
        if _protocol(asked) is None and reply.body is None and "/responses/" not in asked.path:
            reply = replace(Reply.error(404, f"no route {asked.path}"), hold=None)

        body = _body_of(asked, reply, next(self._numbers))
        response = web.StreamResponse(status=reply.status, headers=_headers_of(asked, reply, body))
        await response.prepare(request)
        for number, piece in enumerate(_writes(asked, reply, body)):
            if number == reply.hold_after and reply.hold is not None:
                await reply.hold.wait()
            if number == reply.cut_after:
                break
            await response.write(piece)
            if reply.gap_s:
                await asyncio.sleep(reply.gap_s)
        if reply.cut_after is not None and request.transport is not None:
            request.transport.close()
            return response
        await response.write_eof()
        return response


async def _record(request: web.Request) -> Asked:
    raw = await request.read()
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    headers = {name.lower(): value for name, value in request.headers.items()}
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return Asked(request.method, request.path_qs, headers, raw, body, peer[1] if peer else 0)


def _spoil(request: web.Request, garbage: bytes) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.write(garbage)
        request.transport.close()
    return web.Response()


def _streams(asked: Asked, reply: Reply) -> bool:
    asks = isinstance(asked.body, dict) and asked.body.get("stream") is True
    return asks and reply.status == 200 and reply.body is None


def _headers_of(asked: Asked, reply: Reply, body: bytes) -> dict[str, str]:
    streams = _streams(asked, reply)
    content_type = reply.content_type or ("text/event-stream; charset=utf-8" if streams else "application/json")
    headers = {"content-type": content_type, **reply.headers}
    if reply.gzipped:
        headers["content-encoding"] = "gzip"
    if not streams:
        headers["content-length"] = str(len(body))
    return headers


def _writes(asked: Asked, reply: Reply, body: bytes) -> Iterator[bytes]:
    if reply.cuts is not None:
        edges = [0, *(cut for cut in reply.cuts if 0 < cut < len(body)), len(body)]
        yield from (body[start:end] for start, end in itertools.pairwise(edges))
    elif _streams(asked, reply) and not reply.gzipped:
        yield from (event + b"\n\n" for event in body.split(b"\n\n") if event)
    else:
        middle = len(body) // 2
        yield from (body[:middle], body[middle:])


def _body_of(asked: Asked, reply: Reply, number: int) -> bytes:
    if isinstance(reply.body, bytes):
        body = reply.body
    elif reply.body is not None:
        body = _json(reply.body)
    elif _streams(asked, reply):
        body = reply.raw_stream if reply.raw_stream is not None else _stream(asked, reply, number)
    else:
        body = _json(_whole(asked, reply, number))
    return gzip.compress(body) if reply.gzipped else body


def _protocol(asked: Asked) -> str | None:
    """The protocol of a request, by its path."""
    return next((path for path in (*_WHOLE, *_WHOLE_AS_ASKED) if asked.path.endswith(path)), None)


def _whole(asked: Asked, reply: Reply, number: int) -> dict[str, Any]:
    path = _protocol(asked)
    assert path is not None
    model = reply.model or asked.body["model"]
    if path in _WHOLE_AS_ASKED:
        return _WHOLE_AS_ASKED[path](reply, model, number, asked.body)
    return _WHOLE[path](reply, model, number)


def _stream(asked: Asked, reply: Reply, number: int) -> bytes:
    model, path = reply.model or asked.body["model"], _protocol(asked)
    if path == "/messages":
        return b"".join(messages_events(reply, model, number))
    with_usage = bool((asked.body.get("stream_options") or {}).get("include_usage"))
    if path == "/chat/completions":
        return b"".join(chat_events(reply, model, number, with_usage=with_usage))
    if path == "/responses":
        return b"".join(responses_events(reply, model, number, asked.body))
    assert path == "/completions"
    return b"".join(completions_events(reply, model, number, with_usage=with_usage))


# Chat completions, as api.openai.com sends them.

_CHAT_STOP = {"stop": "stop", "length": "length", "tool": "tool_calls"}


def chat_usage(reply: Reply) -> dict[str, Any]:
    prompt = reply.input_tokens + reply.cached_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": reply.output_tokens,
        "total_tokens": prompt + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def chat_answer(reply: Reply, model: str, number: int = 1) -> dict[str, Any]:
    """A whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in reply.tool_calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _CHAT_STOP[reply.stop_reason]}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [choice],
        "usage": chat_usage(reply),
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def chat_events(reply: Reply, model: str, number: int = 1, *, with_usage: bool = False) -> list[bytes]:
    """The events of a streamed chat completion, `[DONE]` included."""
    frame = {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": model,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }
    usage = {"usage": None} if with_usage else {}

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return b"data: " + _json({**frame, "choices": [choice], **usage}) + b"\n\n"

    events = [event({"role": "assistant", "content": "" if reply.text else None, "refusal": None})]
    events += [event({"content": piece}) for piece in _text_pieces(reply)]
    for index, call in enumerate(reply.tool_calls):
        opening = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        events.append(event({"tool_calls": [{"index": index, **opening}]}))
        events += [
            event({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
            for part in _argument_pieces(call)
        ]
    events.append(event({}, _CHAT_STOP[reply.stop_reason]))
    if with_usage:
        events.append(b"data: " + _json({**frame, "choices": [], "usage": chat_usage(reply)}) + b"\n\n")
    return [*events, b"data: [DONE]\n\n"]


# Text completions and embeddings, as api.openai.com sends them.


def completions_answer(reply: Reply, model: str, number: int = 1) -> dict[str, Any]:
    """A whole text completion."""
    return {
        "id": f"cmpl-{number}",
        "object": "text_completion",
        "created": CREATED,
        "model": model,
        "choices": [_completion(reply.text, _CHAT_STOP[reply.stop_reason])],
        "usage": chat_usage(reply),
    }


def completions_events(reply: Reply, model: str, number: int = 1, *, with_usage: bool = False) -> list[bytes]:
    """The events of a streamed text completion, `[DONE]` included."""
    frame = {"id": f"cmpl-{number}", "object": "text_completion", "created": CREATED, "model": model}
    choices = [_completion(piece, None) for piece in _text_pieces(reply)]
    choices.append(_completion("", _CHAT_STOP[reply.stop_reason]))
    events = [b"data: " + _json({**frame, "choices": [choice]}) + b"\n\n" for choice in choices]
    if with_usage:
        events.append(b"data: " + _json({**frame, "choices": [], "usage": chat_usage(reply)}) + b"\n\n")
    return [*events, b"data: [DONE]\n\n"]


def _completion(text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}


def embeddings_answer(
    reply: Reply, model: str, number: int = 1, asked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """One vector for each text, or list of tokens, by which it can be told apart."""
    given = (asked or {}).get("input", "")
    items = given if isinstance(given, list) and isinstance(given[0], str | list) else [given]
    data = [{"object": "embedding", "index": at, "embedding": embedding_of(item)} for at, item in enumerate(items)]
    usage = {"prompt_tokens": reply.input_tokens, "total_tokens": reply.input_tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def embedding_of(item: str | list[int]) -> list[float]:
    return [0.6, -0.8, zlib.crc32(_json(item)) / 2**32]


# Responses, as api.openai.com sends them.


def responses_answer(
    reply: Reply, model: str, number: int = 1, asked: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A whole response; it repeats some of what was asked."""
    repeated = {field: (asked or {}).get(field) for field in ("instructions", "user", "previous_response_id")}
    output = [_reasoning(number), *([_message(reply, number)] if reply.text else [])]
    output += [_function_call(call) for call in reply.tool_calls]
    read, wrote = reply.input_tokens + reply.cached_tokens, reply.output_tokens
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reply.stop == "length" else "completed",
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if reply.stop == "length" else None,
        **repeated,
        "metadata": (asked or {}).get("metadata") or {},
        "model": model,
        "output": output,
        "parallel_tool_calls": True,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": (asked or {}).get("tools") or [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": reply.cached_tokens},
            "output_tokens": wrote,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": read + wrote,
        },
    }


def responses_events(reply: Reply, model: str, number: int = 1, asked: Mapping[str, Any] | None = None) -> list[bytes]:
    """The events of a streamed response; each numbered, the last one with the whole answer."""
    whole = responses_answer(reply, model, number, asked)
    opening = {**whole, "status": "in_progress", "output": [], "usage": None}
    events = [("response.created", {"response": opening}), ("response.in_progress", {"response": opening})]
    for index, item in enumerate(whole["output"]):
        events += _item_events(reply, index, item)
    events.append((f"response.{whole['status']}", {"response": whole}))
    return [_named(name, sequence_number=count, **fields) for count, (name, fields) in enumerate(events)]


def _item_events(reply: Reply, index: int, item: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    at = {"item_id": item["id"], "output_index": index}
    if item["type"] == "reasoning":
        opening, inner = item, []
    elif item["type"] == "message":
        part = item["content"][0]
        opening, at = {**item, "status": "in_progress", "content": []}, {**at, "content_index": 0}
        inner = [
            ("response.content_part.added", {**at, "part": {**part, "text": ""}}),
            *(("response.output_text.delta", {**at, "delta": piece, "logprobs": []}) for piece in _text_pieces(reply)),
            ("response.output_text.done", {**at, "text": reply.text, "logprobs": []}),
            ("response.content_part.done", {**at, "part": part}),
        ]
    else:
        opening, call = {**item, "status": "in_progress", "arguments": ""}, item["arguments"]
        parts = [call[start : start + 8] for start in range(0, len(call), 8)]
        inner = [
            *(("response.function_call_arguments.delta", {**at, "delta": part}) for part in parts),
            ("response.function_call_arguments.done", {**at, "arguments": call}),
        ]
    return [
        ("response.output_item.added", {"output_index": index, "item": opening}),
        *inner,
        ("response.output_item.done", {"output_index": index, "item": item}),
    ]


def _reasoning(number: int) -> dict[str, Any]:
    return {"id": f"rs_{number}", "type": "reasoning", "summary": [], "encrypted_content": "gAAAAsealed"}


def _message(reply: Reply, number: int) -> dict[str, Any]:
    part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    return {"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}


def _function_call(call: ToolCall) -> dict[str, Any]:
    called = {"call_id": call.id, "name": call.name, "arguments": call.arguments}
    return {"id": f"fc_{call.id}", "type": "function_call", "status": "completed", **called}


# Messages, as api.anthropic.com sends them.

_MESSAGES_STOP = {"stop": "end_turn", "length": "max_tokens", "tool": "tool_use"}


def messages_usage(reply: Reply) -> dict[str, Any]:
    return {
        "input_tokens": reply.input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": reply.output_tokens,
        "service_tier": "standard",
    }


def messages_answer(reply: Reply, model: str, number: int = 1) -> dict[str, Any]:
    """A whole message."""
    content: list[dict[str, Any]] = [{"type": "text", "text": reply.text}] if reply.text else []
    content += [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": json.loads(call.arguments)}
        for call in reply.tool_calls
    ]
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": _MESSAGES_STOP[reply.stop_reason],
        "stop_sequence": None,
        "usage": messages_usage(reply),
    }


def messages_events(reply: Reply, model: str, number: int = 1) -> list[bytes]:
    """The events of a streamed message, `message_stop` included."""
    opening = messages_answer(replace(reply, text="", tool_calls=(), output_tokens=1), model, number)
    opening["stop_reason"] = None
    events = [_named("message_start", message=opening)]
    index = 0
    if reply.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in _text_pieces(reply)]
        events += _block(index, {"type": "text", "text": ""}, deltas)
        index += 1
    for call in reply.tool_calls:
        deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *_argument_pieces(call))]
        events += _block(index, {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}, deltas)
        index += 1
    events.insert(2, _named("ping"))
    ending = {"stop_reason": _MESSAGES_STOP[reply.stop_reason], "stop_sequence": None}
    events.append(_named("message_delta", delta=ending, usage={"output_tokens": reply.output_tokens}))
    return [*events, _named("message_stop")]


def token_count(reply: Reply, model: str, number: int = 1) -> dict[str, Any]:
    """The answer of count_tokens."""
    return {"input_tokens": reply.input_tokens}


def _block(index: int, opening: dict[str, Any], deltas: list[dict[str, str]]) -> list[bytes]:
    return [
        _named("content_block_start", index=index, content_block=opening),
        *(_named("content_block_delta", index=index, delta=delta) for delta in deltas),
        _named("content_block_stop", index=index),
    ]


def _named(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: ".encode() + _json({"type": name, **fields}) + b"\n\n"


def _text_pieces(reply: Reply) -> tuple[str, ...]:
    if reply.pieces is not None:
        return reply.pieces
    words = reply.text.split(" ")
    return tuple(word if number == 0 else f" {word}" for number, word in enumerate(words)) if reply.text else ()


def _argument_pieces(call: ToolCall) -> list[str]:
    return [call.arguments[start : start + 8] for start in range(0, len(call.arguments), 8)]


# The longer path first: `/chat/completions` ends in `/completions`.
_WHOLE: Mapping[str, Callable[[Reply, str, int], dict[str, Any]]] = {
    "/chat/completions": chat_answer,
    "/completions": completions_answer,
    "/messages": messages_answer,
    "/messages/count_tokens": token_count,
}
_WHOLE_AS_ASKED: Mapping[str, Callable[[Reply, str, int, Mapping[str, Any]], dict[str, Any]]] = {
    "/embeddings": embeddings_answer,
    "/responses": responses_answer,
}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
