"""How OpenAI's chat completions stream: chunks to a whole answer, an answer to chunks, texts inside chunks.

https://platform.openai.com/docs/api-reference/chat-streaming
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..exchange import JsonObject
from ..json_text import parse_objects
from .dialect import Place, TextKind
from .sse import EventSplitter, event_json, json_event, stream_data
from .untrusted import as_index, as_object, as_objects, as_text, without

DONE = b"data: [DONE]\n\n"

_DONE_LINE = re.compile(rb"(?m)^data: ?\[DONE\]")
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_CHUNKS_OWN = frozenset({"object", "choices", "obfuscation"})
"""What a chunk says of itself; `obfuscation` is padding against traffic analysis."""
_REPLY_TEXTS = frozenset({"content", "refusal", "reasoning_content", "reasoning"})
_CALL_TEXTS = (
    ("function", "arguments", TextKind.JSON),
    ("function_call", "arguments", TextKind.JSON),
    ("custom", "input", TextKind.PLAIN),
    ("audio", "transcript", TextKind.PLAIN),
)


def ends_stream(piece: bytes) -> bool:
    return b"[DONE]" in piece and _DONE_LINE.search(piece) is not None


def is_usage_event(event: JsonObject) -> bool:
    """The chunk that `stream_options.include_usage` adds: usage and no choices."""
    return event.get("choices") == [] and isinstance(event.get("usage"), dict)


def reply_places(reply: JsonObject, channel: str = "") -> Iterator[Place]:
    """The texts of a message or a delta in which placeholders may stand.

    Channels are `channel` and the path of the text, tool calls by their index, so that `delta_at` can
    build a delta from one. `reasoning_details` are sealed by providers and stay as they are.
    """
    for field, value in reply.items():
        if field in _REPLY_TEXTS:
            if isinstance(value, str):
                yield Place(reply, field, channel=f"{channel}/{field}")
            else:  # parts, as Mistral sends them
                texts = [part for part in as_objects(value) if isinstance(part.get("text"), str)]
                yield from (Place(part, "text", channel=f"{channel}/{field}") for part in texts)
        elif field == "tool_calls":
            for position, call in enumerate(as_objects(value)):
                index = as_index(call.get("index"), otherwise=position)
                yield from _call_places(call, f"{channel}/tool_calls/{index}")
        elif field in ("function_call", "audio"):
            yield from _call_places({field: value}, channel)


def _call_places(call: JsonObject, channel: str) -> Iterator[Place]:
    for field, at, kind in _CALL_TEXTS:
        inner = call.get(field)
        if isinstance(inner, dict) and isinstance(inner.get(at), str):
            yield Place(inner, at, kind, f"{channel}/{field}/{at}")


def delta_at(path: list[str], text: str) -> Any:
    """The smallest delta that adds `text` at a path: `["tool_calls", "0", "function", "arguments"]`."""
    value: Any = text
    for step in reversed(path):
        value = [{"index": int(step), **value}] if step.isdigit() else {step: value}
    return value


class ChatShape:
    """Chat completions as a StreamShape; a channel is the choice's index and the path of the text."""

    __slots__ = ("_with_usage",)

    def __init__(self, *, with_usage: bool) -> None:
        self._with_usage = with_usage

    def places(self, event: JsonObject) -> list[Place]:
        places: list[Place] = []
        for position, choice in enumerate(as_objects(event.get("choices"))):
            if isinstance(delta := choice.get("delta"), dict):
                places += reply_places(delta, str(as_index(choice.get("index"), otherwise=position)))
        return places

    def ended(self, event: JsonObject) -> list[str]:
        return [
            f"{as_index(choice.get('index'), otherwise=position)}/"
            for position, choice in enumerate(as_objects(event.get("choices")))
            if choice.get("finish_reason") is not None
        ]

    def ends_stream(self, piece: bytes) -> bool:
        return ends_stream(piece)

    def is_unasked(self, event: JsonObject) -> bool:
        return not self._with_usage and is_usage_event(event)

    def delta(self, channel: str, text: str, like: JsonObject) -> bytes:
        index, *path = channel.split("/")
        choice = {"index": int(index), "delta": delta_at(path, text), "finish_reason": None}
        return json_event({**_envelope(like), "choices": [choice]})


class UsageFilter:
    """A StreamRewriter that only takes the usage event out."""

    __slots__ = ("_splitter",)

    def __init__(self) -> None:
        self._splitter = EventSplitter()

    def feed(self, piece: bytes) -> bytes:
        # Nearly always a piece is whole events without one to take out; looking for the word first is cheapest.
        has_usage = b'"usage"' in piece and _NO_CHOICES.search(piece) is not None
        if self._splitter.is_empty and piece.endswith(b"\n\n") and not has_usage:
            return piece
        return b"".join([block for block in self._splitter.feed(piece) if not self._is_usage(block)])

    def finish(self) -> bytes:
        rest = self._splitter.rest()
        return b"" if self._is_usage(rest) else rest

    @staticmethod
    def _is_usage(block: bytes) -> bool:
        # Looking costs a tenth of parsing, and one event of a stream has no choices.
        if _NO_CHOICES.search(block) is None:
            return False
        event = event_json(block)
        return event is not None and is_usage_event(event)


class ChatAssembly:
    """An answer that grows by chunks."""

    __slots__ = ("_choices", "_envelope", "_is_done", "_is_failed")

    def __init__(self, stream: bytes) -> None:
        self._envelope: JsonObject = {}
        self._choices: dict[int, JsonObject] = {}
        self._is_failed = False
        said = list(stream_data(stream))
        chunks = [data for data in said if data.startswith(b"{") or data.strip() != b"[DONE]"]
        self._is_done = len(chunks) < len(said)
        for chunk in parse_objects(chunks):
            self._add(chunk)

    @property
    def is_complete(self) -> bool:
        """Whether the stream ended as it should, and so did every choice."""
        finished = [choice["finish_reason"] is not None for choice in self._choices.values()]
        return self._is_done and not self._is_failed and bool(finished) and all(finished)

    def answer(self) -> JsonObject:
        """What has come so far as a whole answer."""
        choices = [_closed_choice(choice) for _, choice in sorted(self._choices.items())]
        return {**self._envelope, "object": "chat.completion", "choices": choices}

    def _add(self, chunk: JsonObject | None) -> None:
        if chunk is None or chunk.get("error"):
            self._is_failed = True
            return
        for field, value in chunk.items():
            if value is not None and field not in _CHUNKS_OWN:
                self._envelope[field] = value
        for position, choice in enumerate(as_objects(chunk.get("choices"))):
            self._add_choice(as_index(choice.get("index"), otherwise=position), choice)

    def _add_choice(self, index: int, chunk: JsonObject) -> None:
        choice = self._choices.get(index)
        if choice is None:
            message = {"role": "assistant", "content": None}
            choice = self._choices[index] = {"index": index, "message": message, "finish_reason": None}
        for field, value in chunk.items():
            if field == "delta":
                merge(choice["message"], as_object(value))
            elif field == "logprobs":
                merge(choice, {field: value})
            elif field not in ("index", "message") and value is not None:
                choice[field] = value


class _Pieces:
    """A string that still grows; joined once, at the end, because adding each time would copy it each time."""

    __slots__ = ("parts",)

    def __init__(self, *parts: str) -> None:
        self.parts = list(parts)


def merge(whole: JsonObject, delta: JsonObject) -> None:
    """Add a delta up as OpenAI's own SDK does: strings are joined, lists grow, entries meet by their index."""
    for field, value in delta.items():
        known = whole.get(field)
        if value is None:
            whole.setdefault(field, None)
        elif known is None:
            whole[field] = value
        elif field in ("index", "type", "role", "id"):
            whole[field] = value or known
        elif isinstance(known, _Pieces) and isinstance(value, str):
            known.parts.append(value)
        elif isinstance(known, str) and isinstance(value, str):
            whole[field] = _Pieces(known, value)
        elif isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            _merge_entries(known, value)
        else:
            whole[field] = value


def _merge_entries(whole: list[Any], entries: list[Any]) -> None:
    for entry in entries:
        known = _entry_at(whole, entry["index"]) if _is_indexed(entry) else None
        if known is None:
            whole.append(entry)
        else:
            merge(known, entry)


def _entry_at(entries: list[Any], index: int) -> JsonObject | None:
    return next((entry for entry in entries if _is_indexed(entry) and entry["index"] == index), None)


def _is_indexed(entry: object) -> bool:
    return isinstance(entry, dict) and type(entry.get("index")) is int


def joined(value: Any) -> Any:
    """The value with all that `merge` collected joined."""
    if isinstance(value, _Pieces):
        return "".join(value.parts)
    if isinstance(value, dict):
        return {field: joined(inner) for field, inner in value.items()}
    return [joined(inner) for inner in value] if isinstance(value, list) else value


def _closed_choice(choice: JsonObject) -> JsonObject:
    """The choice as a whole answer has it: strings joined, tool calls in order, their index left out."""
    closed: JsonObject = joined(choice)
    message = closed["message"]
    if isinstance(message.get("tool_calls"), list):
        calls = as_objects(message["tool_calls"])
        calls.sort(key=lambda call: as_index(call.get("index"), otherwise=0))
        message["tool_calls"] = [without(call, "index") for call in calls]
    return closed


def replay(answer: JsonObject, *, with_usage: bool) -> bytes:
    """An answer as the bytes of a stream: for each choice its role, all of its message, its end."""
    envelope = _envelope(answer)
    events = []
    for position, choice in enumerate(as_objects(answer.get("choices"))):
        index = as_index(choice.get("index"), otherwise=position)
        parts = [{"index": index, **part} for part in _replayed_choice(choice)]
        events += [json_event({**envelope, "choices": [part]}) for part in parts]
    if with_usage and isinstance(answer.get("usage"), dict):
        events.append(json_event({**envelope, "choices": [], "usage": answer["usage"]}))
    return b"".join(events) + DONE


def cut(answer: JsonObject, usage: JsonObject) -> bytes:
    """The events that end the stream of an answer that is not whole."""
    return ended_by_length(_envelope(answer), answer["choices"], {"delta": {}}, usage)


def ended_by_length(
    envelope: JsonObject, choices: Iterable[JsonObject], closing: JsonObject, usage: JsonObject
) -> bytes:
    """Each open choice with `closing` and its reason, usage for whoever asked for it, the mark."""
    events = [
        json_event({**envelope, "choices": [{"index": choice["index"], **closing, "finish_reason": "length"}]})
        for choice in choices
        if choice.get("finish_reason") is None
    ]
    events.append(json_event({**envelope, "choices": [], "usage": usage}))
    return b"".join(events) + DONE


def _replayed_choice(choice: JsonObject) -> Iterator[JsonObject]:
    message = as_object(choice.get("message"))
    role = as_text(message.get("role")) or "assistant"
    delta = without(message, "role")
    if calls := as_objects(message.get("tool_calls")):
        delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(calls)]
    logprobs = {"logprobs": choice["logprobs"]} if "logprobs" in choice else {}
    yield {"delta": {"role": role}, "finish_reason": None}
    yield {"delta": delta, **logprobs, "finish_reason": None}
    yield {**without(choice, "index", "message", "logprobs"), "delta": {}}


def _envelope(answer: JsonObject) -> JsonObject:
    return {**without(answer, "choices", "usage"), "object": "chat.completion.chunk"}
