"""The kept entries, which stand in up to three places: the store, this process's memory, the vector index.

The store is the truth; memory and index are derived from it, and what they have beyond it is never given out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from ..errors import StoreUnavailable
from ..exchange import CacheEntry, Selection, Vector
from ..ports.caching import EntryStore, StoreStats, VectorIndex
from ..ports.clock import Clock
from ..ports.storage import RecordStore
from .clearings import Clearings
from .memory import EntryMemory
from .near import NearIndex
from .trouble import Trouble

OTHERS_FOLLOWED_EVERY_S = 0.5
OTHERS_BELIEVED_S = 2.0
"""How long an entry of a shared store is taken from memory without asking: another node may clear it."""

PAGE_ENTRIES = 100
"""Read at once where many are looked at: an answer may be megabytes."""

SEARCHED = 5
"""Candidates are searched for beyond those that are judged, since some may have left the store."""


class Entries:
    """Reads, writes and removes them in all three places. Used on the event loop.

    `is_shared`: other processes write the store as well.
    """

    def __init__(
        self,
        store: EntryStore,
        index: VectorIndex,
        clock: Clock,
        trouble: Trouble,
        *,
        records: RecordStore | None,
        memory_bytes: int,
        is_shared: bool,
    ) -> None:
        self.is_shared = is_shared
        self.near = NearIndex(store, index, clock, follow_s=OTHERS_FOLLOWED_EVERY_S if is_shared else None)
        self.clearings = Clearings(records, self._remove, clock)
        self.puts = 0
        """Since the last eviction."""
        self.generation = 0
        """How often something was cleared: what was asked for before is not kept after."""
        self._store = store
        self._memory = EntryMemory(
            max_bytes=memory_bytes, believed_s=OTHERS_BELIEVED_S if is_shared else None, clock=clock
        )
        self._trouble = trouble

    def remembered(self, key: bytes, *, however_old: bool = False) -> CacheEntry | None:
        """From this process's memory. `however_old`: believe it, since the store cannot be asked."""
        return self._memory.get(key, however_old=however_old)

    async def get(self, key: bytes) -> CacheEntry | None:
        """What was kept under that key itself: a store that others write may lead to another row.

        Raises:
            StoreUnavailable
        """
        try:
            entry = await self._store.get(key)
        except StoreUnavailable as error:
            self._trouble.begins("store", error)
            raise
        self._trouble.ends("store")
        if entry is None or entry.key != key or self.clearings.hide(entry):
            return None
        self._memory.put(entry)
        return entry

    async def nearest(self, vector: Vector, partition: bytes, *, min_similarity: float) -> list[CacheEntry]:
        """Entries of the partition that are near, in no order; what the store has no more is forgotten."""
        near = await self.near.search(vector, partition, SEARCHED, min_similarity=min_similarity)
        entries = await self._store.get_by_ids([entry_id for entry_id, _ in near]) if near else {}
        if gone := [entry_id for entry_id, _ in near if entry_id not in entries]:
            self.near.forget(gone)
        ours = (entry for entry in entries.values() if entry.partition == partition)
        return [entry for entry in ours if not self.clearings.hide(entry)]

    async def put(self, entry: CacheEntry) -> bool:
        """Whether the store has it now. Where a shared store is away this process's memory takes its place."""
        generation = self.generation
        try:
            entry = replace(entry, id=await self._store.put(entry))
        except StoreUnavailable as error:
            self._trouble.begins("store", error)
            if self.is_shared:
                self._memory.put(entry)
            return False
        self._trouble.ends("store")
        if generation != self.generation:  # cleared behind the put
            return False
        self._memory.put(entry)
        if entry.vector is not None:
            self.near.add(entry.id, entry.partition, np.frombuffer(entry.vector, "<f2").astype(np.float32))
        self.puts += 1
        return True

    async def put_with_vector(self, entry: CacheEntry, vector: Vector) -> None:
        """The same entry again, now that near look-ups can find it; not where another took its place or it is gone."""
        generation = self.generation
        current = await self._store.get(entry.key)
        is_there = current is not None and current.created_at == entry.created_at
        if is_there and generation == self.generation:
            await self.put(replace(entry, vector=vector.astype("<f2").tobytes()))

    async def touch(self, hits: Mapping[int, int]) -> None:
        """Counts that cannot be written now are lost; they only order eviction."""
        with suppress(StoreUnavailable):
            await self._store.touch(hits)

    async def clear(self, selection: Selection) -> int | None:
        """How many were removed; None where it goes on in the background. From here on nobody gets any of them.

        Raises:
            StoreUnavailable: some may be removed already.
        """
        self.generation += 1
        self._memory.clear(selection)
        return await self.clearings.clear(selection)

    async def remove(self, selection: Selection) -> int:
        """The same, but back only when all of it has left the store."""
        self.generation += 1
        self._memory.clear(selection)
        removed = await self.clearings.remove(selection)
        await self.near.renew()
        return removed

    async def _remove(self, selection: Selection) -> int:
        try:
            return await self._store.clear(selection)
        finally:
            self._memory.clear(selection)
            self.near.restart()

    async def all_after(self, entry_id: int, limit: int) -> list[CacheEntry]:
        """The next that are kept, in the order of their making; none only where there are no more.

        Raises:
            StoreUnavailable
        """
        while page := await self._store.entries_after(entry_id, limit):
            if kept := [entry for entry in page if not self.clearings.hide(entry)]:
                return kept
            entry_id = page[-1].id
        return []

    async def still_kept(self, entries: Sequence[CacheEntry]) -> set[int]:
        """The ids of those that could be given.

        Raises:
            StoreUnavailable
        """
        kept: set[int] = set()
        for start in range(0, len(entries), PAGE_ENTRIES):
            ids = [entry.id for entry in entries[start : start + PAGE_ENTRIES]]
            found = await self._store.get_by_ids(ids)
            kept.update(entry_id for entry_id, entry in found.items() if not self.clearings.hide(entry))
        return kept

    async def evict(self, max_entries: int) -> None:
        self.puts = 0
        try:
            gone = await self._store.evict(max_entries)
        except StoreUnavailable as error:
            self._trouble.begins("store", error)
            return
        self._memory.discard(gone)
        self.near.forget(gone)

    async def stats(self) -> StoreStats:
        """
        Raises:
            StoreUnavailable
        """
        return await self._store.stats()

    async def aclose(self) -> None:
        """The store must still be open."""
        await self.clearings.aclose()
        await self.near.aclose()

    async def look_after_store(self) -> None:
        """A shared store that was away is asked, so that its coming back is told also where no request needs it."""
        if self.is_shared and "store" in self._trouble:
            with suppress(StoreUnavailable):
                await self._store.epoch()
                self._trouble.ends("store")
