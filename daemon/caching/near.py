"""The vector index beside the store: searched, followed and saved on a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress

import numpy as np

from ..errors import PartUnavailable
from ..exchange import Vector
from ..ports.caching import EntryStore, VectorIndex, VectorRow
from ..ports.clock import Clock
from .keys import signed
from .near_file import NearFile, page_of
from .worker import Worker

logger = logging.getLogger(__name__)

PAGE_ROWS = 1_000
SLICE_ROWS = 16
"""Rows added in one go: an insert takes 2 ms, and a search waits for what was begun before it."""

MAX_PENDING = 64
"""Vectors that wait for the next search to add them, which saves waking the thread for each; more are added at once."""

UNSAVED = 10_000
"""Or two in a hundred, where that is more: with so many that are in no file the next is written. A start reads them
from the store, a few seconds in the background."""

LOOK_AROUND_S = 900.0
RETRY_S = 1.0

REBUILD_ABOVE = 0.25
"""Share of vectors whose entries have left the store unnoticed, as by a clearing."""


class NearIndex:
    """Vectors of entries, each times its partition's signs. Derived from the store: what is lost comes back.

    `follow_s`: how often entries of other processes are looked for; None: this process alone writes the store.
    """

    def __init__(self, store: EntryStore, index: VectorIndex, clock: Clock, *, follow_s: float | None) -> None:
        self._store = store
        self._index = index
        self._follow_s = follow_s
        self._worker = Worker("cache-index")
        self._pending: deque[tuple[int, bytes, Vector]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        self._file = NearFile(store, index, self._worker, clock, ended=self._stir.set)
        self._epoch = ""
        self._last_id = 0
        self._added = 0
        self._caught_up = asyncio.Event()
        self._has_forgotten = False
        self._trouble = "loading"

    @property
    def trouble(self) -> str:
        """Why near look-ups may miss what the store has; empty when nothing is wrong."""
        return self._trouble or self._file.trouble

    def start(self) -> None:
        """Load what was saved and catch up with the store in the background; twice does nothing more."""
        if self._task is None:
            self._task = asyncio.create_task(self._follow())

    async def aclose(self) -> None:
        """End the thread, and a file that is being written; twice does nothing more. The next start catches up."""
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait((task,))
            await self._file.stop()
        self._worker.stop()

    async def caught_up(self) -> None:
        """Until the index has all that the store has now."""
        await self._caught_up.wait()

    async def search(
        self, vector: Vector, partition: bytes, count: int, *, min_similarity: float
    ) -> list[tuple[int, float]]:
        """Up to `count` ids with their similarity, nearest first. Such of other partitions are far from everything."""
        matches = await self._worker.do(self._search, vector, partition, count)
        return [match for match in matches if match[1] >= min_similarity]

    def add(self, entry_id: int, partition: bytes, vector: Vector) -> None:
        """Searches that begin after this find it."""
        self._pending.append((entry_id, partition, vector))
        if len(self._pending) == MAX_PENDING:
            self._worker.hand_over(self._add_pending)
        self._added += 1
        if self._added >= UNSAVED:
            self._stir.set()

    def forget(self, ids: Iterable[int]) -> None:
        """Entries that the store has no more."""
        self._worker.hand_over(self._forget, list(ids))
        self._has_forgotten = True

    def restart(self) -> None:
        """The store was cleared: look at once what is left."""
        self._has_forgotten = True
        self._stir.set()

    async def renew(self) -> None:
        """Leave nothing on the disk of what the store has lost: the file is removed now, and made anew behind that."""
        await self._worker.do(self._index.remove_file)
        await self._file.stop()  # one that was begun before may have it
        if self._task is not None:
            self._file.begin(self._epoch, anew=True)

    # --- in the background

    async def _follow(self) -> None:
        while True:
            await self._try(self._keep_up)
            await self._pause()

    async def _try(self, step: Callable[[], Awaitable[None]]) -> None:
        """A failure of the index or the store is a state, not an error: hits are exact only meanwhile."""
        try:
            await step()
            self._trouble = ""
        except PartUnavailable as error:
            self._say(str(error))
        except Exception as error:  # the index is outside code
            logger.exception("the vector index failed")
            self._say(f"failed: {type(error).__name__}")

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            logger.warning("vector index: %s", trouble)
        self._trouble = trouble

    async def _pause(self) -> None:
        pause_s = (self._follow_s or LOOK_AROUND_S) if self._caught_up.is_set() else RETRY_S
        self._stir.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stir.wait()

    async def _keep_up(self) -> None:
        epoch = await self._store.epoch()
        if epoch != self._epoch:
            await self._begin(epoch)
        elif self._has_forgotten and self._file.may_begin:
            self._has_forgotten = False
            await self._rebuild_where_it_pays()
        await self._catch_up()
        self._caught_up.set()

    async def _begin(self, epoch: str) -> None:
        self._caught_up.clear()
        await self._file.load(epoch)
        self._trouble = "catching up with the store"
        self._last_id = self._file.saved_id
        self._epoch = epoch

    async def _rebuild_where_it_pays(self) -> None:
        if not await self._is_mostly_dead():
            return
        logger.info("the vector index is rebuilt")
        if self._index.has_file:
            self._file.begin(self._epoch, anew=True)
        else:
            await self._begin_from_nothing()

    async def _is_mostly_dead(self) -> bool:
        if await self._worker.do(lambda: self._index.needs_rebuild):
            return True
        kept = (await self._store.stats()).entries
        return self._index.size - kept > REBUILD_ABOVE * self._index.size

    async def _begin_from_nothing(self) -> None:
        """Near look-ups find less until it is done, and nothing wrong."""
        self._caught_up.clear()
        self._trouble = "being rebuilt"
        await self._worker.do(self._index.clear)
        self._last_id = 0

    async def _catch_up(self) -> None:
        self._added = 0
        while rows := await self._store.vectors_after(self._last_id, PAGE_ROWS):
            for start in range(0, len(rows), SLICE_ROWS):
                await self._worker.do(self._add_rows, rows[start : start + SLICE_ROWS])
            self._last_id = rows[-1].id
            await self._leave_to_the_file()

    async def _leave_to_the_file(self) -> None:
        """Have a file written of what it lacks; where that is much, leave it to that rather than do it here as well."""
        enough = max(UNSAVED, self._index.size // 50)
        if self._index.unsaved >= enough:
            self._file.begin(self._epoch)
        if self._index.unsaved >= 2 * enough:
            await self._file.written()
            self._last_id = max(self._last_id, self._file.saved_id)

    # --- on the worker

    def _search(self, vector: Vector, partition: bytes, count: int) -> list[tuple[int, float]]:
        self._add_pending()
        return self._index.search(signed(vector, partition), count) if self._index.size else []

    def _add_pending(self) -> None:
        while self._pending:
            entry_id, partition, vector = self._pending.popleft()
            self._index.add([entry_id], [signed(vector, partition)])

    def _add_rows(self, rows: Sequence[VectorRow]) -> None:
        ids, vectors = page_of(rows)
        self._index.add(ids.tolist(), list(vectors.astype(np.float32)))

    def _forget(self, ids: Sequence[int]) -> None:
        self._index.remove(ids)
