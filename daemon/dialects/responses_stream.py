"""How OpenAI's responses stream: events to a whole answer, an answer to events, texts inside events.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from ..exchange import JsonObject, Usage
from ..json_text import parse_object, parse_objects
from .dialect import Place, TextKind
from .responses_items import answer_places, output_places, part_places
from .sse import json_event, stream_data
from .texts import content_texts, kind_of
from .untrusted import as_index, as_object, as_objects, as_text

_LAST = ("response.completed", "response.incomplete", "response.failed")
_LAST_IN_BYTES = tuple(kind.encode() for kind in _LAST)
# The last event holds the whole answer, so it may come in many pieces: only its blank line ends it.
_LAST_EVENT = re.compile(
    rb"(?m)^(?:event: ?|data:[^\n]{0,200}?\"type\"\s*:\s*\")response\.(?:completed|incomplete|failed)\b[^\n]*\n"
    rb"(?:[^\n]+\n)*?\r?\n"
)

_TEXTS: Mapping[str, tuple[str, TextKind]] = MappingProxyType(
    {
        "response.output_text": ("text", TextKind.PLAIN),
        "response.refusal": ("refusal", TextKind.PLAIN),
        "response.function_call_arguments": ("arguments", TextKind.JSON),
        "response.mcp_call_arguments": ("arguments", TextKind.JSON),
        "response.custom_tool_call_input": ("input", TextKind.PLAIN),
        "response.code_interpreter_call_code": ("code", TextKind.PLAIN),
        "response.audio.transcript": ("transcript", TextKind.PLAIN),
    }
)
"""Texts that come in deltas: the events' name, and the field that holds the text once it is done."""

_DELTA_FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "function_call": ("response.function_call_arguments", "arguments"),
        "custom_tool_call": ("response.custom_tool_call_input", "input"),
    }
)
"""Items of one text that comes in deltas: these events' name, and the field."""


def ends_stream(piece: bytes) -> bool:
    return any(kind in piece for kind in _LAST_IN_BYTES) and _LAST_EVENT.search(piece) is not None


class ResponsesShape:
    """Responses as a StreamShape; a channel is an output's index, the event's name, a part's index and an item's id."""

    __slots__ = ()

    def places(self, event: JsonObject) -> Iterator[Place]:
        name, _, stage = as_text(event.get("type")).rpartition(".")
        if isinstance(whole := event.get("response"), dict):
            yield from answer_places(whole)
        elif isinstance(item := event.get("item"), dict):
            yield from output_places(item)
        elif isinstance(part := event.get("part"), dict):
            yield from part_places(part)
        elif "annotation" in event:
            yield from content_texts(event["annotation"])
        elif name in _TEXTS:
            yield from _text_place(event, name, stage)

    def ended(self, event: JsonObject) -> Iterator[str]:
        kind = as_text(event.get("type"))
        name, _, stage = kind.rpartition(".")
        if kind in _LAST:
            yield ""
        elif kind == "response.output_item.done":
            yield f"{_output_index(event)}/"
        elif stage == "done" and name in _TEXTS:
            yield _channel(event, name)

    def ends_stream(self, piece: bytes) -> bool:
        return ends_stream(piece)

    def is_unasked(self, event: JsonObject) -> bool:
        return False

    def delta(self, channel: str, text: str, like: JsonObject) -> bytes:
        output_index, name, part_index, item_id = channel.split("/", 3)
        part = {"content_index": int(part_index)} if part_index else {}
        number = {"sequence_number": like["sequence_number"]} if "sequence_number" in like else {}
        event = {"type": f"{name}.delta", **number, "item_id": item_id, "output_index": int(output_index), **part}
        return _event({**event, "delta": text})


def _text_place(event: JsonObject, name: str, stage: str) -> Iterator[Place]:
    field, kind = _TEXTS[name]
    if stage == "delta" and isinstance(event.get("delta"), str):
        yield Place(event, "delta", kind, _channel(event, name))
    elif stage == "done" and isinstance(text := event.get(field), str):
        yield Place(event, field, kind_of(text) if kind is TextKind.PLAIN else kind)


def _channel(event: JsonObject, name: str) -> str:
    part = as_index(event["content_index"], otherwise=0) if "content_index" in event else ""
    return f"{_output_index(event)}/{name}/{part}/{as_text(event.get('item_id'))}"


def _output_index(event: JsonObject) -> int:
    return as_index(event.get("output_index"), otherwise=0)


class ResponsesAssembly:
    """An answer that grows by events. The last event holds all of it, as far as providers follow the protocol."""

    __slots__ = ("_is_ended", "_is_failed", "_items", "_opened", "_response", "_unfinished")

    def __init__(self, stream: bytes) -> None:
        self._response: JsonObject = {}
        self._items: dict[int, JsonObject] = {}
        self._opened: dict[int, JsonObject] = {}
        self._unfinished: dict[int, list[str]] = {}
        self._is_ended = self._is_failed = False
        said = [data for data in stream_data(stream) if data != b"[DONE]"]
        last = parse_object(said[-1]) if said else None
        for event in [last] if _holds_all(last) else parse_objects(said):
            self._add(event)

    @property
    def is_complete(self) -> bool:
        return self._is_ended and not self._is_failed

    def answer(self) -> JsonObject:
        """What has come so far as a whole answer."""
        if self._response.get("output"):
            return self._response
        return {**self._response, "output": self._output()}

    def cut(self) -> tuple[dict[int, JsonObject], JsonObject]:
        """The items that were not done, by their place, and the answer, as they are where an output limit ends them."""
        reason: JsonObject = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        return self._unfinished_items(), {**self._response, **reason, "output": self._output()}

    def _output(self) -> list[JsonObject]:
        return [item for _, item in sorted({**self._unfinished_items(), **self._items}.items())]

    def _add(self, event: JsonObject | None) -> None:
        kind = as_text(event.get("type")) if event is not None else "error"
        if event is None or kind == "error":
            self._is_failed = True
            return
        if isinstance(event.get("response"), dict):
            self._response = event["response"]
            self._is_ended = self._is_ended or kind in _LAST
        elif kind == "response.output_item.added":
            self._opened[_output_index(event)] = as_object(event.get("item"))
        elif kind == "response.output_item.done":
            self._items[_output_index(event)] = as_object(event.get("item"))
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
            self._unfinished.setdefault(_output_index(event), []).append(event["delta"])

    def _unfinished_items(self) -> dict[int, JsonObject]:
        """What was written of items that did not end. One whose beginning was not seen is a message."""
        places = {*self._opened, *self._unfinished} - self._items.keys()
        return {
            index: _unfinished(self._opened.get(index, {}), "".join(self._unfinished.get(index, ())))
            for index in places
        }


def _unfinished(item: JsonObject, text: str) -> JsonObject:
    kind = as_text(item.get("type")) or "message"
    if kind in _DELTA_FIELDS:
        return {**item, "status": "incomplete", _DELTA_FIELDS[kind][1]: text}
    if kind == "reasoning":
        return {**item, "status": "incomplete", "summary": [{"type": "summary_text", "text": text}] if text else []}
    content = [{"type": "output_text", "text": text, "annotations": []}] if text else []
    return {"type": kind, "role": "assistant", **item, "status": "incomplete", "content": content}


def cut(stream: bytes, usage: Usage) -> bytes:
    """The events that end a stream here: each open item as far as it came, then the answer with its reason."""
    unfinished, answer = ResponsesAssembly(stream).cut()
    read, written = usage.prompt_tokens, usage.output_tokens
    answer["usage"] = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    events: list[JsonObject] = [
        *(
            {"type": "response.output_item.done", "output_index": index, "item": item}
            for index, item in sorted(unfinished.items())
        ),
        {"type": "response.incomplete", "response": answer},
    ]
    numbers = itertools.count(_last_number(stream) + 1)
    return b"".join([_event({**event, "sequence_number": next(numbers)}) for event in events])


def _last_number(stream: bytes) -> int:
    events = parse_objects(list(stream_data(stream))[-1:])
    return max((as_index(event.get("sequence_number"), otherwise=0) for event in events if event), default=0)


def _holds_all(event: JsonObject | None) -> bool:
    return event is not None and event.get("type") in _LAST and bool(as_object(event.get("response")).get("output"))


def replay(answer: JsonObject) -> bytes:
    """An answer as the bytes of a stream: its start, each item with its text in one delta, its end."""
    opening = {**answer, "status": "in_progress", "output": [], "usage": None}
    status = as_text(answer.get("status"))
    events = [
        {"type": "response.created", "response": opening},
        {"type": "response.in_progress", "response": opening},
        *(
            event
            for index, item in enumerate(as_objects(answer.get("output")))
            for event in _replayed_item(index, item)
        ),
        {"type": f"response.{status}" if f"response.{status}" in _LAST else _LAST[0], "response": answer},
    ]
    return b"".join([_event({**event, "sequence_number": number}) for number, event in enumerate(events)])


def _replayed_item(index: int, item: JsonObject) -> Iterator[JsonObject]:
    at: JsonObject = {"output_index": index}
    text_at: JsonObject = {"item_id": as_text(item.get("id")), **at}
    opening, texts = _opened(item)
    yield {"type": "response.output_item.added", **at, "item": opening}
    for part_index, part in enumerate(as_objects(item.get("content")) if item.get("type") == "message" else ()):
        yield from _replayed_part({**text_at, "content_index": part_index}, part)
    for name, field in texts:
        yield {"type": f"{name}.delta", **text_at, "delta": item[field]}
        yield {"type": f"{name}.done", **text_at, field: item[field]}
    yield {"type": "response.output_item.done", **at, "item": item}


def _opened(item: JsonObject) -> tuple[JsonObject, list[tuple[str, str]]]:
    """An item as it begins, and which of its texts come in deltas; items without deltas begin whole."""
    if item.get("type") == "message":
        return {**item, "status": "in_progress", "content": []}, []
    name, field = _DELTA_FIELDS.get(as_text(item.get("type")), ("", ""))
    if not isinstance(item.get(field), str):
        return item, []
    return {**item, "status": "in_progress", field: ""}, [(name, field)]


def _replayed_part(at: JsonObject, part: JsonObject) -> Iterator[JsonObject]:
    names = {"output_text": ("response.output_text", "text"), "refusal": ("response.refusal", "refusal")}
    name, field = names.get(as_text(part.get("type")), ("", ""))
    has_deltas = isinstance(part.get(field), str)
    yield {"type": "response.content_part.added", **at, "part": {**part, field: ""} if has_deltas else part}
    if has_deltas:
        logprobs: JsonObject = {"logprobs": []} if field == "text" else {}
        yield {"type": f"{name}.delta", **at, "delta": part[field], **logprobs}
        yield {"type": f"{name}.done", **at, field: part[field], **logprobs}
    yield {"type": "response.content_part.done", **at, "part": part}


def _event(event: JsonObject) -> bytes:
    return json_event(event, name=event["type"])
