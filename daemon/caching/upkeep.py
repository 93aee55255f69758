"""What goes on in the background: counts are written, what was learned is shared, entries are evicted."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from ..errors import StoreUnavailable
from ..ports.clock import Clock
from .entries import Entries
from .error_bound import ErrorBounds

TIDY_EVERY_S = 5.0
EVICT_EVERY_S = 60.0
EVICT_AFTER_PUTS = 1_000
"""Or after a tenth of `max_entries`, where that is less: by so much it may be passed for a moment."""


class Upkeep:
    """One task that comes round every few seconds, and at once when enough was kept for an eviction."""

    def __init__(self, entries: Entries, bounds: ErrorBounds, clock: Clock, *, max_entries: int) -> None:
        self.max_entries = max_entries
        self._entries = entries
        self._bounds = bounds
        self._clock = clock
        self._touched: Counter[int] = Counter()
        self._evicted_s = clock.monotonic_s()
        self._task: asyncio.Task[None] | None = None
        self._now = asyncio.Event()

    @property
    def is_running(self) -> bool:
        return self._task is not None

    def start(self) -> None:
        self._task = asyncio.create_task(self._tidy_forever())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def write(self) -> None:
        """What was only counted so far."""
        await self._bounds.save()
        touched, self._touched = self._touched, Counter()
        if touched:
            await self._entries.touch(touched)

    def touch(self, entry_id: int) -> None:
        """An entry was of use."""
        self._touched[entry_id] += 1

    def entry_kept(self) -> None:
        if self._is_time_to_evict():
            self._now.set()

    async def _tidy_forever(self) -> None:
        has_followed = await self._follow(resumes=True)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TIDY_EVERY_S):
                    await self._now.wait()
            self._now.clear()
            await self._entries.look_after_store()
            await self.write()
            if self._entries.is_shared or not has_followed:
                has_followed = await self._follow(resumes=not has_followed) or has_followed
            if self._is_time_to_evict():
                self._evicted_s = self._clock.monotonic_s()
                await self._entries.evict(self.max_entries)

    async def _follow(self, *, resumes: bool) -> bool:
        """Read what was learned and cleared before, and by other nodes; whether it could be read. Until then every
        scope is in shadow."""
        try:
            await self._bounds.load()
            await self._entries.clearings.load(resumes=resumes)
        except StoreUnavailable:
            return False
        return True

    def _is_time_to_evict(self) -> bool:
        enough = min(EVICT_AFTER_PUTS, self.max_entries // 10 + 1)
        return self._entries.puts >= enough or self._clock.monotonic_s() - self._evicted_s >= EVICT_EVERY_S
