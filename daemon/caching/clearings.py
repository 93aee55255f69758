"""What was cleared takes effect at once; removing it from the store may take minutes and goes on behind that.

A clearing is a selection of entries made until a moment: its generation. An entry that a pending clearing covers is
not given to anybody, whatever a store still has, so the time to clear does not depend on how much is kept.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, replace

from ..exchange import CacheEntry, JsonObject, Selection
from ..ports.clock import Clock
from ..ports.storage import RecordStore

logger = logging.getLogger(__name__)

RECORDS = "cache-clearings"

WAITED_FOR_S = 5.0
"""A removal that takes longer goes on in the background; who asked for it hears no count."""


class Clearings:
    """Those that are pending. They are records as well, so that neither a death in the middle nor another node
    brings back what was cleared."""

    def __init__(
        self, records: RecordStore | None, remove: Callable[[Selection], Awaitable[int]], clock: Clock
    ) -> None:
        """`remove` takes what is selected out of the store and tells how many entries that were."""
        self._records = records
        self._remove = remove
        self._clock = clock
        self._pending: dict[str, Selection] = {}
        self._removals: dict[str, asyncio.Task[int]] = {}

    def hide(self, entry: CacheEntry) -> bool:
        return bool(self._pending) and any(pending.covers(entry) for pending in self._pending.values())

    async def clear(self, selection: Selection) -> int | None:
        """How many entries were removed; None where more remain to be removed, which nobody gets to see any more.

        Raises:
            StoreUnavailable: it could not be written down; some may be removed already.
        """
        removal = await self._begin(selection)
        with suppress(TimeoutError):
            async with asyncio.timeout(WAITED_FOR_S):
                return await asyncio.shield(removal)
        return None

    async def remove(self, selection: Selection) -> int:
        """The same, but back only when all of it has left the store.

        Raises:
            StoreUnavailable: some may be removed already.
        """
        return await asyncio.shield(await self._begin(selection))

    async def load(self, *, resumes: bool) -> None:
        """Those of other nodes, and those that a death interrupted; `resumes`: go on with the latter.

        Raises:
            StoreUnavailable
        """
        if self._records is None:
            return
        read = await self._records.records(RECORDS)
        found = {name: Selection(**record) for name, record in read.items()}
        self._pending = {name: pending for name, pending in self._pending.items() if name in self._removals} | found
        for name in found.keys() - self._removals.keys() if resumes else ():
            self._start_removal(name, found[name])

    async def aclose(self) -> None:
        """What is not removed yet is removed after the next start."""
        for removal in self._removals.values():
            removal.cancel()
        await asyncio.gather(*self._removals.values(), return_exceptions=True)

    async def _begin(self, selection: Selection) -> asyncio.Task[int]:
        name, pending = secrets.token_hex(8), self._until_now(selection)
        self._pending[name] = pending
        if self._records is not None:
            await self._records.put_record(RECORDS, name, _record(pending))
        # All of them is more than all until now: the store begins anew, and so does the index.
        return self._start_removal(name, selection if selection.is_everything else pending)

    def _until_now(self, selection: Selection) -> Selection:
        now = math.nextafter(self._clock.now().timestamp(), math.inf)
        until = now if selection.made_before is None else min(selection.made_before, now)
        return replace(selection, made_before=until)

    def _start_removal(self, name: str, selection: Selection) -> asyncio.Task[int]:
        removal = self._removals[name] = asyncio.create_task(self._remove_all(name, selection))
        removal.add_done_callback(lambda task: self._ended(name, task))
        return removal

    async def _remove_all(self, name: str, selection: Selection) -> int:
        removed = await self._remove(selection)
        if self._records is not None:
            await self._records.remove_record(RECORDS, name)
        return removed

    def _ended(self, name: str, removal: asyncio.Task[int]) -> None:
        """A removal that failed leaves its clearing pending until the next start."""
        del self._removals[name]
        if removal.cancelled():
            return
        if (error := removal.exception()) is None:
            self._pending.pop(name, None)
        else:
            logger.warning("what was cleared is hidden, and removed after the next start: %s", error)


def _record(selection: Selection) -> JsonObject:
    return {name: value for name, value in asdict(selection).items() if value is not None}
