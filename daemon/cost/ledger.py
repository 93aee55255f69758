"""The ledger: one row for each attempt at a provider, each hit and each refusal, whatever happens.

A call's intent is in the journal before the provider is asked, its outcome before the answer's last byte goes
out; hits and refusals follow in groups. Rows rest in the spend log, which is written in batches; the journal's
last number that it holds is stored in the batch's own transaction, so a row is there exactly once after any
crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from ..errors import CannotStart, JournalUnavailable, SpendLogUnavailable
from ..exchange import JsonObject, LedgerRow
from ..ports.cost import Hold, Journal, SpendLog
from .records import hold_of, record_of_hold, record_of_row, record_of_rows, row_of, rows_of

log = logging.getLogger(__name__)

NOTE_S = 0.05
"""How long a hit or a refusal may wait for others, to be journaled with them in one line."""

FLUSH_S = 1.0
FLUSH_ROWS = 8_000
"""A batch costs 3 ms of CPU, and each row in it 5 µs."""
RETRY_S = 5.0

ROWS_IN_MEMORY = 20_000
"""When the spend log fails for longer, later rows are left to the journal and read back: some 20 MB at most."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A call of an earlier run whose settlement the budgets may have missed."""

    row: LedgerRow
    holds: Sequence[Hold]


@dataclass(slots=True)
class _Replayed:
    """What the journal holds of an earlier run."""

    last_seq: int = 0
    rows: list[LedgerRow] = field(default_factory=list)
    """Those that the spend log does not have."""
    closed: list[Closed] = field(default_factory=list)


class Ledger:
    """Writes rows down. `intend`, `conclude` and `note` never wait, so they hold under cancellation."""

    def __init__(self, journal: Journal, spend_log: SpendLog, on_row: Callable[[LedgerRow], None]) -> None:
        self._journal = journal
        self._spend_log = spend_log
        self._on_row = on_row
        self._open_calls: dict[str, int] = {}
        self._noted: list[LedgerRow] = []
        self._write_noted_call: asyncio.TimerHandle | None = None
        self._pending: list[LedgerRow] = []
        self._last_seq = 0
        self._is_behind = False
        self._trouble = ""
        self._has_news = asyncio.Event()
        self._is_full = asyncio.Event()
        self._flushing = asyncio.Lock()

    @property
    def trouble(self) -> str:
        """Why reports are behind; empty while they are not."""
        return self._trouble

    async def start(self) -> list[Closed]:
        """Bring the spend log up to the journal. Calls without an outcome become rows `unknown`.

        Returns:
            The calls that ended, or were cut off, since the spend log was last written.

        Raises:
            CannotStart: the spend log cannot be opened or written.
        """
        await self._spend_log.open()
        try:
            written_seq = await self._spend_log.last_seq()
            replayed = await asyncio.to_thread(_replay, self._journal, written_seq)
            self._last_seq = max(written_seq, replayed.last_seq)
            await self._spend_log.write(replayed.rows, self._last_seq)
        except SpendLogUnavailable as error:
            raise CannotStart(f"{error}; check the free space and the rights of the data directory") from error
        self._journal.start_after(self._last_seq)
        self._journal.forget_through(self._last_seq)
        return replayed.closed

    def intend(self, row: LedgerRow, holds: Iterable[Hold]) -> None:
        """Write down a call that is about to be made.

        Raises:
            JournalUnavailable: it is not written down, so it must not be made.
        """
        record: JsonObject = {"intent": record_of_row(row), "holds": [record_of_hold(hold) for hold in holds]}
        self._open_calls[row.id] = self._journal.append(record)
        self._has_news.set()

    def conclude(self, row: LedgerRow) -> None:
        """Write down how a call ended. Where the journal fails, the spend log still gets the row."""
        try:
            self._last_seq = self._journal.append({"row": record_of_row(row)})
        except JournalUnavailable as error:
            log.warning("the outcome of call %s is not in the journal: %s", row.id, error)
        self._open_calls.pop(row.id, None)
        self._take(row)

    def note(self, row: LedgerRow) -> None:
        """Write down a hit or a refusal; a crash may take with it those of the last `NOTE_S`."""
        self._noted.append(row)
        if self._write_noted_call is None:
            self._write_noted_call = asyncio.get_running_loop().call_later(NOTE_S, self._write_noted)
        self._take(row)

    async def flush(self) -> None:
        """Put all rows into the spend log.

        Raises:
            SpendLogUnavailable: the rows stay in the journal.
        """
        async with self._flushing:
            self._write_noted()
            try:
                while self._is_behind:
                    await self._catch_up()
                await self._write_pending()
            except SpendLogUnavailable as error:
                self._trouble = f"reports are behind: {error}"
                raise
            self._trouble = ""

    async def flush_forever(self) -> None:
        """Flush within a second of the first row, or at once when many wait; until cancelled."""
        while True:
            await self._has_news.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    await self._is_full.wait()
            self._has_news.clear()
            self._is_full.clear()
            self._write_noted()
            await self._journal.sync()
            try:
                await self.flush()
            except SpendLogUnavailable:
                await asyncio.sleep(RETRY_S)
                self._has_news.set()

    async def aclose(self) -> None:
        """Flush and close. Rows that the spend log does not take are taken at the next start."""
        with suppress(SpendLogUnavailable):
            await self.flush()
        await self._spend_log.aclose()
        self._journal.close()

    async def up_to_date(self) -> SpendLog:
        """The spend log to ask, all rows included where it can be written."""
        await self._flush_if_possible()
        return self._spend_log

    async def erase_user(self, user: str, pseudonym: str) -> int:
        """Put a pseudonym in the place of a user, in all rows that ended; how many there were.

        Raises:
            SpendLogUnavailable: nothing may be assumed done.
        """
        await self.flush()
        async with self._flushing:
            count = await self._spend_log.erase_user(user, pseudonym)
            self._journal.begin_file()
            self._forget_written(self._last_seq)
        return count

    async def recent(self, limit: int) -> list[LedgerRow]:
        """The newest rows, newest last."""
        await self._flush_if_possible()
        return await self._spend_log.recent(limit)

    async def spent_nanos(self, scope: str, since: datetime | None, until: datetime | None) -> int:
        """What counts against a budget.

        Raises:
            SpendLogUnavailable: it cannot be said, not even roughly.
        """
        await self.flush()
        return await self._spend_log.spent_nanos(scope, since, until)

    def _take(self, row: LedgerRow) -> None:
        if len(self._pending) >= ROWS_IN_MEMORY:
            self._is_behind = True
        if not self._is_behind:
            self._pending.append(row)
            if len(self._pending) >= FLUSH_ROWS:
                self._is_full.set()
        if not self._has_news.is_set():
            self._has_news.set()
        self._on_row(row)

    def _write_noted(self) -> None:
        """Journal what was noted. Where that fails, the spend log still gets it."""
        if self._write_noted_call is None:
            return
        self._write_noted_call.cancel()
        self._write_noted_call = None
        rows, self._noted = self._noted, []
        try:
            self._last_seq = self._journal.append({"rows": record_of_rows(rows)})
        except JournalUnavailable as error:
            log.warning("%d hits and refusals are not in the journal: %s", len(rows), error)

    async def _flush_if_possible(self) -> None:
        with suppress(SpendLogUnavailable):
            await self.flush()

    async def _write_pending(self) -> None:
        rows, self._pending, last_seq = self._pending, [], self._last_seq
        if not rows:
            return
        try:
            await self._spend_log.write(rows, last_seq)
        except BaseException:
            self._pending = rows + self._pending
            raise
        self._forget_written(last_seq)

    async def _catch_up(self) -> None:
        """Write what was left to the journal. Rows that come meanwhile are kept in memory again, and those
        that are met twice are left out by their id."""
        self._pending, self._is_behind = [], False
        try:
            await self._journal.sync()
            await self._write_from_journal()
        except BaseException:
            self._is_behind = True
            raise

    async def _write_from_journal(self) -> None:
        seq = await self._spend_log.last_seq()
        while True:
            rows, seq = await asyncio.to_thread(_rows_after, self._journal, seq, ROWS_IN_MEMORY)
            if not rows:
                return
            await self._spend_log.write(rows, seq)
            self._forget_written(seq)

    def _forget_written(self, seq: int) -> None:
        """An open call's intent stays, or a crash would leave no trace of it."""
        oldest_open = next(iter(self._open_calls.values()), seq + 1)
        self._journal.forget_through(min(seq, oldest_open - 1))


def _replay(journal: Journal, written_seq: int) -> _Replayed:
    replayed = _Replayed()
    intents: dict[str, Closed] = {}
    for seq, record in journal.replay():
        replayed.last_seq = max(replayed.last_seq, seq)
        if "intent" in record:
            intent = Closed(row_of(record["intent"]), [hold_of(hold) for hold in record["holds"]])
            intents[intent.row.id] = intent
            continue
        for row in _rows_in(record):
            intent_of_row = intents.pop(row.id, None)
            if seq > written_seq:
                replayed.rows.append(row)
                if intent_of_row is not None:
                    replayed.closed.append(Closed(row, intent_of_row.holds))
    replayed.closed.extend(intents.values())
    replayed.rows.extend(intent.row for intent in intents.values())
    return replayed


def _rows_in(record: JsonObject) -> Iterator[LedgerRow]:
    if "rows" in record:
        yield from rows_of(record["rows"])
    elif "row" in record:
        yield row_of(record["row"])


def _rows_after(journal: Journal, seq: int, limit: int) -> tuple[list[LedgerRow], int]:
    """About `limit` rows that follow the number `seq`, and the number of the last."""
    rows: list[LedgerRow] = []
    for at, record in journal.replay():
        if len(rows) >= limit:
            break
        if at > seq:
            rows.extend(_rows_in(record))
            seq = at
    return rows, seq
