"""The entries used last, in this process: an exact hit from here costs microseconds and waits for nothing."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from ..exchange import EVERYTHING, CacheEntry, Selection
from ..ports.clock import Clock

# Slots of the entry, its key and partition, the two dict items: measured with tracemalloc.
_OVERHEAD_BYTES = 900


@dataclass(slots=True)
class _Held:
    entry: CacheEntry
    bytes: int
    since_s: float
    """Monotonic: when the store was last seen to hold it."""


class EntryMemory:
    """An LRU of entries bounded in bytes. Used on the event loop only.

    `believed_s` is for a store that other processes may clear: an entry is then taken without asking
    the store for that long only; None: this process alone writes, so an entry is believed until it expires.
    """

    def __init__(self, *, max_bytes: int, believed_s: float | None, clock: Clock) -> None:
        self._max_bytes = max_bytes
        self._believed_s = believed_s
        self._clock = clock
        self._held: OrderedDict[bytes, _Held] = OrderedDict()
        self._keys: dict[int, bytes] = {}
        self._bytes = 0

    @property
    def held_bytes(self) -> int:
        return self._bytes

    def get(self, key: bytes, *, however_old: bool = False) -> CacheEntry | None:
        """The entry, unless it has expired. `however_old`: believe it, since the store cannot be asked."""
        held = self._held.get(key)
        if held is None:
            return None
        if held.entry.expires_at <= self._clock.now().timestamp():
            self._drop(key)
            return None
        if not however_old and not self._is_believed(held):
            return None
        self._held.move_to_end(key)
        return held.entry

    def put(self, entry: CacheEntry) -> None:
        """Hold it as the one used last; others leave where it needs their room."""
        self._drop(entry.key)
        held = _Held(entry, _bytes_of(entry), self._clock.monotonic_s())
        if held.bytes > self._max_bytes:
            return
        self._held[entry.key] = held
        self._keys[entry.id] = entry.key
        self._bytes += held.bytes
        self._make_room()

    def discard(self, ids: Iterable[int]) -> None:
        for entry_id in ids:
            if (key := self._keys.get(entry_id)) is not None:
                self._drop(key)

    def clear(self, selection: Selection = EVERYTHING) -> None:
        """Drop what is selected."""
        for key, held in list(self._held.items()):
            if selection.covers(held.entry):
                self._drop(key)

    def _is_believed(self, held: _Held) -> bool:
        return self._believed_s is None or self._clock.monotonic_s() - held.since_s < self._believed_s

    def _make_room(self) -> None:
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._held)))

    def _drop(self, key: bytes) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._keys.pop(held.entry.id, None)
            self._bytes -= held.bytes


def _bytes_of(entry: CacheEntry) -> int:
    return _OVERHEAD_BYTES + sum(map(sys.getsizeof, (entry.question, entry.answer, entry.vector)))
