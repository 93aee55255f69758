"""The newest ledger rows, in memory, and those who watch them come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable

from ..exchange import LedgerRow

_KEPT_ROWS = 1_000
_WATCHER_ROWS = 1_000


class Recent:
    """A ring of rows. A watcher that reads too slowly loses the oldest, never slows a request."""

    def __init__(self) -> None:
        self._rows: deque[LedgerRow] = deque(maxlen=_KEPT_ROWS)
        self._watchers: set[_Watcher] = set()

    def fill(self, rows: Iterable[LedgerRow]) -> None:
        """Start with what an earlier run left, oldest first."""
        self._rows.extend(rows)

    def add(self, row: LedgerRow) -> None:
        self._rows.append(row)
        for watcher in self._watchers:
            watcher.offer(row)

    def rename_user(self, user: str, pseudonym: str) -> None:
        for row in self._rows:
            if row.user == user:
                row.user, row.session = pseudonym, ""

    def last(self, limit: int) -> list[LedgerRow]:
        """Oldest first."""
        return list(self._rows)[-limit:] if limit > 0 else []

    async def watch(self, limit: int, beat_s: float) -> AsyncGenerator[LedgerRow | None, None]:
        """The last `limit` rows, then each as it comes; None after `beat_s` seconds in which nothing happened."""
        watcher = _Watcher(self.last(limit))
        self._watchers.add(watcher)
        try:
            while True:
                yield await watcher.next(beat_s)
        finally:
            self._watchers.discard(watcher)


class _Watcher:
    def __init__(self, rows: list[LedgerRow]) -> None:
        self._rows: deque[LedgerRow] = deque(rows, maxlen=_WATCHER_ROWS)
        self._came = asyncio.Event()

    def offer(self, row: LedgerRow) -> None:
        self._rows.append(row)
        self._came.set()

    async def next(self, beat_s: float) -> LedgerRow | None:
        if not self._rows:
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), beat_s)
            except TimeoutError:
                return None
        return self._rows.popleft()
