"""`helix/echo`: a model that says what it was told, for trying Helix out with nothing but Helix.

It never leaves this machine, and the same question gets the same answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass

from ..exchange import Answer, Call, DialectName, JsonObject
from ..json_text import to_json

_CHARS_PER_TOKEN = 4
"""A rule of thumb for English; the echo has no tokenizer."""

_NOTHING_SAID = "(nothing to echo)"


class EchoProvider:
    """Answers with the last user text, at most as long as the request allows; a stream comes word by word."""

    speaks: frozenset[DialectName] = frozenset({"chat", "messages"})

    async def ask(self, call: Call) -> Answer:
        echo = _Echo.of(call)
        if call.stream:
            events = _chat_events(echo, call.body) if call.dialect == "chat" else _messages_events(echo)
            return Answer(200, {"content-type": "text/event-stream"}, _one_by_one(events))
        whole = _chat_answer(echo) if call.dialect == "chat" else _messages_answer(echo)
        return Answer(200, {"content-type": "application/json"}, _one_by_one([to_json(whole)]))

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class _Echo:
    """What both dialects say in their own shape."""

    id: str
    model: str
    text: str
    is_cut: bool
    input_tokens: int
    output_tokens: int
    created: int
    """Unix seconds."""

    @classmethod
    def of(cls, call: Call) -> _Echo:
        messages = call.body["messages"]
        said = _last_user_text(messages) or _NOTHING_SAID
        limit = _output_limit(call.body)
        text = said if limit is None else said[: limit * _CHARS_PER_TOKEN]
        return cls(
            id=hashlib.sha256(repr(messages).encode("utf-8", "replace")).hexdigest()[:24],
            model=call.target.model,
            text=text,
            is_cut=text != said,
            input_tokens=_tokens("".join(_text_of(message) for message in messages)),
            output_tokens=_tokens(text),
            created=int(time.time()),
        )

    @property
    def words(self) -> Iterator[str]:
        """The text in parts that together are the text."""
        return (match[0] for match in re.finditer(r"\s*\S+|\s+", self.text))


def _last_user_text(messages: Iterable[JsonObject]) -> str:
    said = [_text_of(message) for message in messages if message.get("role") == "user"]
    return said[-1] if said else ""


def _text_of(message: JsonObject) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _output_limit(body: JsonObject) -> int | None:
    limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens")]
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARS_PER_TOKEN)


async def _one_by_one(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)  # lets others run, as a provider's pauses would


def _chat_answer(echo: _Echo) -> JsonObject:
    message = {"role": "assistant", "content": echo.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _chat_finish(echo)}
    return {**_chat_frame(echo, "chat.completion"), "choices": [choice], "usage": _chat_usage(echo)}


def _chat_events(echo: _Echo, body: JsonObject) -> Iterator[bytes]:
    frame = _chat_frame(echo, "chat.completion.chunk")

    def event(delta: JsonObject, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _data({**frame, "choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    for word in echo.words:
        yield event({"content": word})
    yield event({}, _chat_finish(echo))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _data({**frame, "choices": [], "usage": _chat_usage(echo)})
    yield b"data: [DONE]\n\n"


def _chat_frame(echo: _Echo, kind: str) -> JsonObject:
    return {"id": f"chatcmpl-{echo.id}", "object": kind, "created": echo.created, "model": echo.model}


def _chat_finish(echo: _Echo) -> str:
    return "length" if echo.is_cut else "stop"


def _chat_usage(echo: _Echo) -> JsonObject:
    return {
        "prompt_tokens": echo.input_tokens,
        "completion_tokens": echo.output_tokens,
        "total_tokens": echo.input_tokens + echo.output_tokens,
    }


def _messages_answer(echo: _Echo) -> JsonObject:
    return {
        **_messages_frame(echo),
        "content": [{"type": "text", "text": echo.text}],
        "stop_reason": _messages_stop(echo),
        "usage": {"input_tokens": echo.input_tokens, "output_tokens": echo.output_tokens},
    }


def _messages_events(echo: _Echo) -> Iterator[bytes]:
    opening = {
        **_messages_frame(echo),
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": echo.input_tokens, "output_tokens": 0},
    }
    yield _named("message_start", message=opening)
    yield _named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for word in echo.words:
        yield _named("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    yield _named("content_block_stop", index=0)
    ending = {"stop_reason": _messages_stop(echo), "stop_sequence": None}
    yield _named("message_delta", delta=ending, usage={"output_tokens": echo.output_tokens})
    yield _named("message_stop")


def _messages_frame(echo: _Echo) -> JsonObject:
    return {
        "id": f"msg_{echo.id}",
        "type": "message",
        "role": "assistant",
        "model": echo.model,
        "stop_sequence": None,
    }


def _messages_stop(echo: _Echo) -> str:
    return "max_tokens" if echo.is_cut else "end_turn"


def _data(event: JsonObject) -> bytes:
    return b"data: " + to_json(event) + b"\n\n"


def _named(name: str, **fields: object) -> bytes:
    return b"event: " + name.encode() + b"\n" + _data({"type": name, **fields})
