"""How Anthropic's messages stream: events to a whole answer, an answer to events, texts inside events.

https://docs.anthropic.com/en/api/messages-streaming
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..exchange import JsonObject, Usage
from ..json_text import parse_object, parse_objects, to_json
from .dialect import Place, TextKind
from .sse import json_event, stream_data
from .texts import content_texts, kind_of, value_at
from .untrusted import as_index, as_object, as_objects, as_text

_STOP_LINE = re.compile(rb'(?m)^(?:event: ?message_stop\b|data:.*"type"\s*:\s*"message_stop")')
_TEXT_DELTAS = {"text_delta": "text", "input_json_delta": "partial_json"}
_MESSAGE_DELTA_FIELDS = ("stop_reason", "stop_sequence", "stop_details", "container")


def ends_stream(piece: bytes) -> bool:
    return b"message_stop" in piece and _STOP_LINE.search(piece) is not None


def block_places(block: JsonObject) -> Iterator[Place]:
    """The texts of an answer's content block, each complete. Thinking is left as it is: its signature covers it."""
    kind = as_text(block.get("type"))
    if kind == "text":
        if isinstance(text := block.get("text"), str):
            yield Place(block, "text", kind_of(text))
        yield from content_texts(block.get("citations"))
    elif kind.endswith("tool_use"):
        if "input" in block:
            yield from value_at(block, "input")
    elif kind != "thinking":
        yield from content_texts(block)


class MessagesShape:
    """Messages as a StreamShape; a channel is the block's index and the delta's type."""

    __slots__ = ()

    def places(self, event: JsonObject) -> Iterator[Place]:
        kind, index = event.get("type"), _index(event)
        if kind == "content_block_delta":
            yield from _delta_places(as_object(event.get("delta")), index)
        elif kind == "content_block_start":
            for place in block_places(as_object(event.get("content_block"))):
                is_text = place.at == "text" and place.holder is event["content_block"]
                yield Place(place.holder, "text", channel=f"{index}/text_delta") if is_text else place
        elif kind == "message_delta" and isinstance(as_object(event.get("delta")).get("stop_sequence"), str):
            yield Place(event["delta"], "stop_sequence")

    def ended(self, event: JsonObject) -> Iterator[str]:
        kind = event.get("type")
        if kind == "content_block_stop":
            yield f"{_index(event)}/"
        elif kind in ("message_delta", "message_stop"):
            yield ""

    def ends_stream(self, piece: bytes) -> bool:
        return ends_stream(piece)

    def is_unasked(self, event: JsonObject) -> bool:
        return False

    def delta(self, channel: str, text: str, like: JsonObject) -> bytes:
        index, kind = channel.split("/")
        delta = {"type": kind, _TEXT_DELTAS[kind]: text}
        return _delta_event(int(index), delta)


def _delta_places(delta: JsonObject, index: int) -> Iterator[Place]:
    kind = delta.get("type")
    if kind == "text_delta" and isinstance(delta.get("text"), str):
        yield Place(delta, "text", channel=f"{index}/text_delta")
    elif kind == "input_json_delta" and isinstance(delta.get("partial_json"), str):
        yield Place(delta, "partial_json", TextKind.JSON, f"{index}/input_json_delta")
    elif kind == "citations_delta":
        yield from content_texts(delta.get("citation"))


class MessagesAssembly:
    """An answer that grows by events."""

    __slots__ = ("_blocks", "_is_failed", "_is_stopped", "_message")

    def __init__(self, stream: bytes) -> None:
        self._message: JsonObject = {}
        self._blocks: dict[int, _Block] = {}
        self._is_stopped = self._is_failed = False
        # Some compatible servers end with OpenAI's mark as well.
        for event in parse_objects([data for data in stream_data(stream) if data != b"[DONE]"]):
            self._add(event)

    @property
    def is_complete(self) -> bool:
        """Whether the stream ended as it should, and so did every block."""
        return (
            self._is_stopped
            and not self._is_failed
            and self._message.get("stop_reason") is not None
            and all(block.is_sound for block in self._blocks.values())
        )

    def answer(self) -> JsonObject:
        """What has come so far as a whole answer."""
        return {**self._message, "content": [block.whole() for _, block in sorted(self._blocks.items())]}

    def open_blocks(self) -> list[int]:
        """Where the blocks stand that have not ended yet."""
        return sorted(index for index, block in self._blocks.items() if not block.is_stopped)

    def _add(self, event: JsonObject | None) -> None:
        if event is None:
            self._is_failed = True
            return
        kind, index = event.get("type"), _index(event)
        if kind == "message_start":
            self._message = dict(as_object(event.get("message")))
        elif kind == "content_block_start":
            self._blocks[index] = _Block(as_object(event.get("content_block")))
        elif kind == "content_block_delta" and index in self._blocks:
            self._blocks[index].add(as_object(event.get("delta")))
        elif kind == "content_block_stop" and index in self._blocks:
            self._blocks[index].is_stopped = True
        elif kind == "message_delta":
            self._add_message_delta(event)
        elif kind == "message_stop":
            self._is_stopped = bool(self._message)
        elif kind == "error":
            self._is_failed = True

    def _add_message_delta(self, event: JsonObject) -> None:
        """Counts are totals, so they replace; one that is left out or null keeps what the start said."""
        usage = as_object(event.get("usage"))
        known = as_object(self._message.get("usage"))
        self._message.update(as_object(event.get("delta")))
        for field, value in event.items():
            if field not in ("type", "delta", "usage"):
                self._message[field] = value
        if known or usage:
            newer = {field: value for field, value in usage.items() if value is not None}
            self._message["usage"] = {**known, **newer}


class _Block:
    """One content block while its deltas come."""

    __slots__ = ("_block", "_citations", "_json", "_texts", "is_stopped")

    def __init__(self, block: JsonObject) -> None:
        self._block = dict(block)
        self._texts: dict[str, list[str]] = {}
        self._citations: list[object] = []
        self._json: list[str] = []
        self.is_stopped = False

    def add(self, delta: JsonObject) -> None:
        """Texts of a delta join the block's field of the same name, also those of types yet to come."""
        for field, value in delta.items():
            if field == "type" or not value:
                continue
            if field == "partial_json":
                self._json.append(as_text(value))
            elif field == "citation":
                self._citations.append(value)
            elif isinstance(value, str) and field != "signature":
                self._texts.setdefault(field, [as_text(self._block.get(field))]).append(value)
            else:
                self._block[field] = value

    @property
    def is_sound(self) -> bool:
        return self.is_stopped and (not self._json or self._input() is not None)

    def whole(self) -> JsonObject:
        """The block with its texts joined. Tool input that is no JSON object, as when it was cut, stays text."""
        whole = {**self._block, **{field: "".join(parts) for field, parts in self._texts.items()}}
        if self._citations:
            whole["citations"] = [*as_objects(whole.get("citations")), *self._citations]
        if self._json:
            parsed = self._input()
            whole["input"] = "".join(self._json) if parsed is None else parsed
        return whole

    def _input(self) -> JsonObject | None:
        return parse_object("".join(self._json))


def replay(answer: JsonObject) -> bytes:
    """An answer as the bytes of a stream: its start, each block in one delta, its end."""
    usage = as_object(answer.get("usage"))
    opening = {**answer, "content": [], "stop_reason": None, "stop_sequence": None}
    if usage:
        opening["usage"] = {**usage, "output_tokens": 0}
    closing = {field: answer[field] for field in _MESSAGE_DELTA_FIELDS if field in answer}
    return b"".join(
        (
            json_event({"type": "message_start", "message": opening}, name="message_start"),
            *(
                event
                for index, block in enumerate(as_objects(answer.get("content")))
                for event in _replayed_block(index, block)
            ),
            json_event({"type": "message_delta", "delta": closing, "usage": usage}, name="message_delta"),
            json_event({"type": "message_stop"}, name="message_stop"),
        )
    )


def cut(stream: bytes, usage: Usage) -> bytes:
    """The events that end a stream here: each open block closed, the reason with the counts, the stop."""
    assembly = MessagesAssembly(stream)
    counts = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    closing = {"stop_reason": "max_tokens", "stop_sequence": None}
    return b"".join(
        (
            *(_block_stop(index) for index in assembly.open_blocks()),
            json_event({"type": "message_delta", "delta": closing, "usage": counts}, name="message_delta"),
            json_event({"type": "message_stop"}, name="message_stop"),
        )
    )


def _replayed_block(index: int, block: JsonObject) -> Iterator[bytes]:
    opening, deltas = _opened(block)
    start = {"type": "content_block_start", "index": index, "content_block": opening}
    yield json_event(start, name="content_block_start")
    for delta in deltas:
        yield _delta_event(index, delta)
    yield _block_stop(index)


def _block_stop(index: int) -> bytes:
    return json_event({"type": "content_block_stop", "index": index}, name="content_block_stop")


def _opened(block: JsonObject) -> tuple[JsonObject, list[JsonObject]]:
    """A block as it begins, and the deltas that fill it; blocks without deltas begin whole."""
    kind = as_text(block.get("type"))
    if kind == "text" and isinstance(text := block.get("text"), str):
        citations = as_objects(block.get("citations"))
        opening = {**block, "text": "", **({"citations": []} if citations else {})}
        cited = [{"type": "citations_delta", "citation": citation} for citation in citations]
        return opening, [{"type": "text_delta", "text": text}, *cited]
    if kind.endswith("tool_use") and isinstance(given := block.get("input"), dict):
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": to_json(given).decode()}]
    if kind == "thinking" and isinstance(thought := block.get("thinking"), str):
        thinking = {"type": "thinking_delta", "thinking": thought}
        if not isinstance(signature := block.get("signature"), str):
            return {**block, "thinking": ""}, [thinking]
        signed = {"type": "signature_delta", "signature": signature}
        return {**block, "thinking": "", "signature": ""}, [thinking, signed]
    return block, []


def _delta_event(index: int, delta: JsonObject) -> bytes:
    event = {"type": "content_block_delta", "index": index, "delta": delta}
    return json_event(event, name="content_block_delta")


def _index(event: JsonObject) -> int:
    return as_index(event.get("index"), otherwise=0)
