"""What the echo says, in the words of each protocol."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ..exchange import Call, DialectName, JsonObject
from ..json_text import to_json

_CHARS_PER_TOKEN = 4
"""A rule of thumb for English; the echo has no tokenizer."""

_NOTHING_SAID = "(nothing to echo)"

_DIMENSIONS, _MOST_DIMENSIONS = 64, 4096


@dataclass(frozen=True, slots=True)
class Echo:
    """What every dialect says in its own shape."""

    id: str
    model: str
    text: str
    is_cut: bool
    input_tokens: int
    output_tokens: int
    created: int
    """Unix seconds."""

    @classmethod
    def of(cls, call: Call) -> Echo:
        turns = _turns(call.body)
        said = _last_user_text(turns) or _NOTHING_SAID
        limit = _output_limit(call.body)
        text = said if limit is None else said[: limit * _CHARS_PER_TOKEN]
        return cls(
            id=hashlib.sha256(repr(turns).encode("utf-8", "replace")).hexdigest()[:24],
            model=call.target.model,
            text=text,
            is_cut=text != said,
            input_tokens=_tokens("".join(_text_of(message) for message in turns)),
            output_tokens=_tokens(text),
            created=int(time.time()),
        )

    @property
    def words(self) -> Iterator[str]:
        """The text in parts that together are the text."""
        return (match[0] for match in re.finditer(r"\s*\S+|\s+", self.text))


def _turns(body: JsonObject) -> list[JsonObject]:
    """What was said, as turns: each protocol has its own field for it, and a text alone is the user's."""
    given: Any = next((body[field] for field in ("messages", "input", "prompt") if field in body), [])
    return [
        turn if isinstance(turn, dict) else {"role": "user", "content": turn}
        for turn in (given if isinstance(given, list) else [given])
    ]


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
    limits = [body.get(name) for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")]
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def _tokens(text: str) -> int:
    return -(-len(text) // _CHARS_PER_TOKEN)


def _chat_answer(echo: Echo, body: JsonObject) -> JsonObject:
    message = {"role": "assistant", "content": echo.text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _chat_finish(echo)}
    return {**_chat_frame(echo, "chat.completion"), "choices": [choice], "usage": _chat_usage(echo)}


def _chat_events(echo: Echo, body: JsonObject) -> Iterator[bytes]:
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


def _chat_frame(echo: Echo, kind: str) -> JsonObject:
    return {"id": f"chatcmpl-{echo.id}", "object": kind, "created": echo.created, "model": echo.model}


def _chat_finish(echo: Echo) -> str:
    return "length" if echo.is_cut else "stop"


def _chat_usage(echo: Echo) -> JsonObject:
    return {
        "prompt_tokens": echo.input_tokens,
        "completion_tokens": echo.output_tokens,
        "total_tokens": echo.input_tokens + echo.output_tokens,
    }


def _messages_answer(echo: Echo, body: JsonObject) -> JsonObject:
    return {
        **_messages_frame(echo),
        "content": [{"type": "text", "text": echo.text}],
        "stop_reason": _messages_stop(echo),
        "usage": {"input_tokens": echo.input_tokens, "output_tokens": echo.output_tokens},
    }


def _messages_events(echo: Echo, body: JsonObject) -> Iterator[bytes]:
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


def _messages_frame(echo: Echo) -> JsonObject:
    return {
        "id": f"msg_{echo.id}",
        "type": "message",
        "role": "assistant",
        "model": echo.model,
        "stop_sequence": None,
    }


def _messages_stop(echo: Echo) -> str:
    return "max_tokens" if echo.is_cut else "end_turn"


def _data(event: JsonObject) -> bytes:
    return b"data: " + to_json(event) + b"\n\n"


def _named(name: str, **fields: object) -> bytes:
    return b"event: " + name.encode() + b"\n" + _data({"type": name, **fields})


def _completions_answer(echo: Echo, body: JsonObject) -> JsonObject:
    return {**_completions_event(echo, echo.text, _chat_finish(echo)), "usage": _chat_usage(echo)}


def _completions_events(echo: Echo, body: JsonObject) -> Iterator[bytes]:
    for word in echo.words:
        yield _data(_completions_event(echo, word))
    yield _data(_completions_event(echo, "", _chat_finish(echo)))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _data({**_completions_event(echo, ""), "choices": [], "usage": _chat_usage(echo)})
    yield b"data: [DONE]\n\n"


def _completions_event(echo: Echo, text: str, finish: str | None = None) -> JsonObject:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return {**_chat_frame(echo, "text_completion"), "id": f"cmpl-{echo.id}", "choices": [choice]}


def _responses_answer(echo: Echo, body: JsonObject) -> JsonObject:
    item = {**_responses_item(echo), "status": "completed", "content": [_responses_part(echo.text)]}
    return {
        **_responses_frame(echo),
        "status": "incomplete" if echo.is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if echo.is_cut else None,
        "output": [item],
        "usage": {
            "input_tokens": echo.input_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": echo.output_tokens,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": echo.input_tokens + echo.output_tokens,
        },
    }


def _responses_events(echo: Echo, body: JsonObject) -> Iterator[bytes]:
    whole = _responses_answer(echo, body)
    opening = {**_responses_frame(echo), "status": "in_progress"}
    at = {"item_id": f"msg_{echo.id}", "output_index": 0, "content_index": 0}
    numbers = itertools.count()

    def event(name: str, **fields: object) -> bytes:
        return _named(f"response.{name}", sequence_number=next(numbers), **fields)

    yield event("created", response=opening)
    yield event("output_item.added", output_index=0, item=_responses_item(echo))
    yield event("content_part.added", **at, part=_responses_part(""))
    for word in echo.words:
        yield event("output_text.delta", **at, delta=word, logprobs=[])
    yield event("output_text.done", **at, text=echo.text, logprobs=[])
    yield event("content_part.done", **at, part=_responses_part(echo.text))
    yield event("output_item.done", output_index=0, item=whole["output"][0])
    yield event("incomplete" if echo.is_cut else "completed", response=whole)


def _responses_frame(echo: Echo) -> JsonObject:
    return {
        "id": f"resp_{echo.id}",
        "object": "response",
        "created_at": echo.created,
        "model": echo.model,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "output": [],
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }


def _responses_item(echo: Echo) -> JsonObject:
    opening = {"id": f"msg_{echo.id}", "type": "message", "role": "assistant"}
    return {**opening, "status": "in_progress", "content": []}


def _responses_part(text: str) -> JsonObject:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _token_count(echo: Echo, body: JsonObject) -> JsonObject:
    return {"input_tokens": echo.input_tokens}


def _embeddings_answer(echo: Echo, body: JsonObject) -> JsonObject:
    given = body["input"]
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    vectors = [
        {"object": "embedding", "index": index, "embedding": _vector(it, body)} for index, it in enumerate(inputs)
    ]
    usage = {"prompt_tokens": echo.input_tokens, "total_tokens": echo.input_tokens}
    return {"object": "list", "data": vectors, "model": echo.model, "usage": usage}


def _vector(text: object, body: JsonObject) -> Any:
    """A unit vector that is always the same for a text, and means nothing."""
    size = min(body.get("dimensions") or _DIMENSIONS, _MOST_DIMENSIONS)
    digest = hashlib.shake_128(repr(text).encode("utf-8", "replace")).digest(size)
    values = np.frombuffer(digest, dtype=np.uint8).astype("<f4") - 127.5
    values /= np.linalg.norm(values)
    if body.get("encoding_format") == "base64":
        return base64.b64encode(values.tobytes()).decode()
    return values.tolist()


WHOLE: Mapping[DialectName, Callable[[Echo, JsonObject], JsonObject]] = MappingProxyType(
    {
        "chat": _chat_answer,
        "messages": _messages_answer,
        "count_tokens": _token_count,
        "responses": _responses_answer,
        "embeddings": _embeddings_answer,
        "completions": _completions_answer,
    }
)
"""The whole answer to a request."""

EVENTS: Mapping[DialectName, Callable[[Echo, JsonObject], Iterator[bytes]]] = MappingProxyType(
    {
        "chat": _chat_events,
        "messages": _messages_events,
        "responses": _responses_events,
        "completions": _completions_events,
    }
)
"""The events of a streamed answer, for the protocols that have streams."""
