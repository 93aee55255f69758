"""Putting originals back into a stream as it passes: what both protocols share.

A protocol says where an event's texts are and which of them it ends (`StreamShape`). Each text of the answer
is a channel with a restorer of its own, which holds back what may still become a placeholder. Events in which
nothing changes pass byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from ..exchange import JsonObject
from .dialect import Place, StreamRestore, TextKind, TextRestorer
from .sse import EventSplitter, event_json, with_json
from .texts import kind_of

MAX_CHANNELS = 4096
"""More texts than any answer interleaves; those beyond pass as they are, so that memory stays bounded."""

_ALL = ""
_NOWHERE: Mapping[str, Place] = MappingProxyType({})


class StreamShape(Protocol):
    """How one protocol streams. Any JSON object may come as an event; none of this raises."""

    def places(self, event: JsonObject) -> Iterable[Place]:
        """The texts of an event; one without a channel is complete in itself."""
        ...

    def ended(self, event: JsonObject) -> Iterable[str]:
        """What the event ends: the channels that begin so. The empty string stands for all."""
        ...

    def ends_stream(self, piece: bytes) -> bool: ...

    def is_unasked(self, event: JsonObject) -> bool:
        """Whether the caller did not ask for the event and must not see it."""
        ...

    def delta(self, channel: str, text: str, like: JsonObject) -> bytes:
        """An event that adds `text` to a channel, in the envelope of another event."""
        ...


def delta_texts(shape: StreamShape, event: JsonObject) -> list[str]:
    """What an event adds to texts that grow; a text that is complete in itself repeats what came before."""
    return [place.text for place in shape.places(event) if place.channel]


class RestoringRewriter:
    """A StreamRewriter for any protocol that has a StreamShape. For one stream."""

    __slots__ = ("_last_event", "_open", "_restore", "_shape", "_splitter")

    def __init__(self, shape: StreamShape, restore: StreamRestore) -> None:
        self._shape = shape
        self._restore = restore
        self._splitter = EventSplitter()
        self._open: dict[str, TextRestorer] = {}
        self._last_event: JsonObject = {}

    def feed(self, piece: bytes) -> bytes:
        return b"".join([self._rewritten(block) for block in self._splitter.feed(piece)])

    def finish(self) -> bytes:
        rest = self._splitter.rest()
        if event_json(rest) is None and not self._shape.ends_stream(rest):
            # An event that was cut comes last: readers would take what follows for a part of it.
            return self._end(_ALL) + rest
        passed = self._rewritten(rest)
        held = self._end(_ALL)
        return passed + b"\n\n" + held if held else passed

    def _rewritten(self, block: bytes) -> bytes:
        event = event_json(block)
        if event is None:
            return self._end(_ALL) + block if self._shape.ends_stream(block) else block
        if self._shape.is_unasked(event):
            return b""
        self._last_event = event
        places = list(self._shape.places(event))
        is_changed = False
        for place in places:
            is_changed |= self._puts_back(place)
        ended = list(self._shape.ended(event))
        if not ended:
            return with_json(block, event) if is_changed else block
        before = [place.text for place in places]
        here = {place.channel: place for place in places}
        flushed = b"".join([self._end(channels, here) for channels in ended])
        is_changed = is_changed or before != [place.text for place in places]
        return flushed + (with_json(block, event) if is_changed else block)

    def _puts_back(self, place: Place) -> bool:
        """Restore the text of a place; whether that changed it."""
        text = place.text
        restored = self._restored(place, text)
        if restored == text:
            return False
        place.text = restored
        return True

    def _restored(self, place: Place, text: str) -> str:
        if not place.channel:
            complete = self._restore(place.kind)
            return complete.feed(text) + complete.finish()
        restorer = self._open.get(place.channel) or self._opened(place, text)
        return text if restorer is None else restorer.feed(text)

    def _opened(self, place: Place, text: str) -> TextRestorer | None:
        """A new channel; none yet while the text is blank, for its first character decides its kind."""
        if not text or text.isspace() or len(self._open) >= MAX_CHANNELS:
            return None
        kind = kind_of(text) if place.kind is TextKind.PLAIN else place.kind
        restorer = self._open[place.channel] = self._restore(kind)
        return restorer

    def _end(self, prefix: str, here: Mapping[str, Place] = _NOWHERE) -> bytes:
        """Close channels; what they held back goes into the event at hand where that has their text, else into an
        event of its own."""
        extra = []
        for channel in [name for name in self._open if name.startswith(prefix)]:
            held = self._open.pop(channel).finish()
            if held and channel in here:
                here[channel].text += held
            elif held:
                extra.append(self._shape.delta(channel, held, self._last_event))
        return b"".join(extra)
