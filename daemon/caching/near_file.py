"""The vector index's file: written anew in the background, from the store, while searches go on."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np

from ..errors import PartUnavailable, StoreUnavailable
from ..ports.caching import EntryStore, VectorIndex, VectorPage, VectorRow
from ..ports.clock import Clock
from .keys import signed_rows
from .worker import Worker

logger = logging.getLogger(__name__)

PAGE_ROWS = 500
"""Read in a few milliseconds, for which look-ups wait."""

GROWTH = 4
"""A file grows by at most so many times what the index had. So the first near look-ups need not wait until all of a
large store is in it, and little is lost where this process ends meanwhile."""

FAILED_FOR_S = 600.0
"""How long it is not tried again."""

STORE_AWAY_S = 1.0


class NearFile:
    """One file at a time is in the making. `saved_id` is the newest entry that was offered to the one in use."""

    def __init__(
        self, store: EntryStore, index: VectorIndex, worker: Worker, clock: Clock, *, ended: Callable[[], None]
    ) -> None:
        """`ended` is called when one has come into use, or has failed."""
        self.saved_id = 0
        self.trouble = ""
        """Why the last one could not be written."""
        self._store = store
        self._index = index
        self._worker = worker
        self._clock = clock
        self._tell_ended = ended
        self._task: asyncio.Task[None] | None = None
        self._failed_s = -math.inf

    async def load(self, epoch: str) -> None:
        """Use the file of this epoch of the store, if there is one."""
        await self.stop()
        last_id = await self._worker.do(self._index.load, epoch)
        self.saved_id = last_id or 0

    @property
    def may_begin(self) -> bool:
        """Not while one is being written, nor soon after one failed."""
        return self._task is None and self._clock.monotonic_s() - self._failed_s >= FAILED_FOR_S

    def begin(self, epoch: str, *, anew: bool = False) -> None:
        """Write one that has what the store has now, or as much as may be (`GROWTH`); only where one may begin."""
        if self.may_begin:
            self._task = asyncio.create_task(self._write(epoch, anew=anew))
            self._task.add_done_callback(self._ended)

    async def written(self) -> None:
        """Until the one that is being written is in use, or has failed."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    async def stop(self) -> None:
        """What is half written is thrown away."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _write(self, epoch: str, *, anew: bool) -> None:
        saving = await self._worker.do(self._index.begin_saving, anew=anew)
        if saving is None:
            return
        # A file that is made anew takes the place of one that serves meanwhile.
        limit = math.inf if anew else GROWTH * self._index.size
        await saving.write(self._pages_after(saving.last_id, limit), epoch)
        await self._worker.do(self._index.adopt)
        self.saved_id = saving.last_id

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        self._tell_ended()
        if task.cancelled():
            return
        error = task.exception()
        self.trouble = ""
        if error is not None:
            self._failed_s = self._clock.monotonic_s()
            self.trouble = str(error) if isinstance(error, PartUnavailable) else f"failed: {type(error).__name__}"
            logger.warning("vector index: %s", self.trouble, exc_info=not isinstance(error, PartUnavailable) and error)

    async def _pages_after(self, entry_id: int, limit: float) -> AsyncIterator[VectorPage]:
        while limit > 0 and (rows := await self._rows_after(entry_id)):
            yield page_of(rows)
            entry_id = rows[-1].id
            limit -= len(rows)

    async def _rows_after(self, entry_id: int) -> list[VectorRow]:
        """A store that is away is waited for: what was written so far took minutes."""
        while True:
            try:
                return await self._store.vectors_after(entry_id, PAGE_ROWS)
            except StoreUnavailable:
                await asyncio.sleep(STORE_AWAY_S)


def page_of(rows: Sequence[VectorRow]) -> VectorPage:
    vectors = np.frombuffer(b"".join(row.vector for row in rows), "<f2").reshape(len(rows), -1)
    ids = np.fromiter((row.id for row in rows), np.uint64)
    return ids, signed_rows(vectors, [row.partition for row in rows])
