"""What counting money needs from outside: counters, a journal, the spend log, and prices."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ..exchange import JsonObject, LedgerRow
from ..spend_sums import BilledDay, Charge, HourSum, PromptCacheSum, Repeats, SmallCalls


@dataclass(frozen=True, slots=True)
class Hold:
    """An amount to set aside on one counter, in nano-dollars.

    `counter` names budget and window instance (`team:research/month/2026-11`); `limit_nanos` is what
    settled + reserved may not pass, those of the counters `beside` it included.
    """

    counter: str
    amount_nanos: int
    limit_nanos: int
    beside: tuple[str, ...] = ()


NODE_LEASE = "node:"


@dataclass(frozen=True, slots=True)
class CounterState:
    settled_nanos: int
    reserved_nanos: int
    """By leases of every kind."""
    aside_nanos: int = 0
    """Of these by leases of nodes, whose names begin with `NODE_LEASE`: no call is under way for them."""


class CounterStore(Protocol):
    """Budget counters: settled money, and leases on money that may still be spent."""

    async def reserve(self, lease: str, holds: Sequence[Hold], lease_s: float) -> int | None:
        """Set aside every hold or none, atomically across all processes of the store.

        A lease ends by itself after `lease_s` seconds, as after a crash. A counter that the store does not know
        has no room for anything: it may have known it, with all that was spent, before it lost its data.

        Returns:
            None when all are held; else the position in `holds` of the first that did not fit,
            and nothing has changed.
        """
        ...

    async def renew(self, lease: str, lease_s: float) -> None:
        """Give the lease `lease_s` seconds from now; an unknown lease is ignored."""
        ...

    async def settle(self, lease: str, holds: Sequence[Hold], spent_nanos: int) -> None:
        """End the lease and add what was spent to each of its counters that the store knows; the ledger seeds
        the others. `holds` are those reserved, so that money is counted even where the lease has ended by itself.
        Once per lease: a second time does nothing."""
        ...

    async def counters(self, names: Sequence[str]) -> list[CounterState | None]:
        """Their state, in order; None for a counter that the store does not know."""
        ...

    async def seed(self, counter: str, settled_nanos: int, resets_at: float | None) -> bool:
        """Give a counter that the store does not know its settled amount; False, and nothing changed, if known.
        It may be forgotten from `resets_at` (Unix seconds) on, None: never."""
        ...

    async def settled_at_least(self, counter: str, settled_nanos: int) -> None:
        """Raise what is settled on a counter that the store knows to this amount, where it is less: a store that was
        brought back from an older copy is told what is known of later."""
        ...

    async def forget(self, counters: Sequence[str]) -> None: ...


class Journal(Protocol):
    """Append-only records that survive the death of the process. Sequence numbers rise by one from 1.

    A record is JSON, in which Decimals and moments may stand: they come back as text.
    """

    def append(self, record: JsonObject) -> int:
        """Hand the record to the operating system before returning; its sequence number.

        Raises:
            JournalUnavailable: it could not be written, as on a full disk; nothing was.
        """
        ...

    def replay(self) -> Iterable[tuple[int, JsonObject]]:
        """All records on disk, oldest first; a torn last line is dropped."""
        ...

    async def sync(self) -> None:
        """fsync, off the event loop."""
        ...

    def start_after(self, seq: int) -> None:
        """Number the next record above `seq`, where it would be lower: the files may be gone while the spend
        log still knows their numbers. Before the first append."""
        ...

    def forget_through(self, seq: int) -> None:
        """Records up to `seq` are no longer needed; whole files of them are removed."""
        ...

    def begin_file(self) -> None:
        """Write what comes into a new file, so that `forget_through` can remove all that there is now.

        Raises:
            JournalUnavailable: what comes is written where it was.
        """
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SpendQuery:
    """What `helix spend` asks. `by` is one of model, key, user, team, org, tag, day, session, client; None: only the
    totals."""

    since: datetime
    until: datetime
    by: str | None = None
    timezone: str = "UTC"


class SpendLog(Protocol):
    """Where settled rows rest and reports are answered. Methods run off the event loop, one at a time, and
    raise SpendLogUnavailable where it cannot be read or written."""

    async def open(self) -> None:
        """Make it, or bring an older one forward.

        Raises:
            CannotStart: another process holds it, a newer Helix wrote it, or it cannot be made there.
        """
        ...

    async def last_seq(self) -> int:
        """The journal's sequence stored with the newest batch; 0 at first."""
        ...

    async def write(self, rows: Sequence[LedgerRow], last_seq: int) -> None:
        """All rows and the sequence in one transaction; rows whose id is there already are left out."""
        ...

    async def report(self, query: SpendQuery) -> JsonObject:
        """The shape of `helix spend --json`, money as Decimal."""
        ...

    async def hours(self, query: SpendQuery) -> list[HourSum]:
        """Those in which something was asked, in order, by the query's time zone."""
        ...

    async def prompt_caches(self, query: SpendQuery) -> list[PromptCacheSum]:
        """What the providers' own prompt caches read and wrote; only calls whose price is known."""
        ...

    async def small_calls(
        self, query: SpendQuery, *, max_input_tokens: int, max_output_tokens: int
    ) -> list[SmallCalls]: ...

    async def billed_days(self, query: SpendQuery) -> list[BilledDay]:
        """What each model of each provider cost on each day, in UTC as invoices are; failed calls left out."""
        ...

    def charges(self, query: SpendQuery) -> AsyncGenerator[list[Charge], None]:
        """What providers billed, day by day, in batches. Whoever takes it closes it."""
        ...

    async def repeats(self, query: SpendQuery) -> list[Repeats]:
        """Each `why` at most once."""
        ...

    async def spent_nanos(self, scope: str, since: datetime | None, until: datetime | None) -> int:
        """What counts against a budget's scope (`team:research`, `all`) from `since` up to, not including, `until`;
        None: without end. Each row is rounded up to whole nano-dollars, one of unknown cost counts with its bound."""
        ...

    async def recent(self, limit: int) -> list[LedgerRow]:
        """Newest last."""
        ...

    async def of_request(self, request_id: str) -> list[LedgerRow]:
        """The rows of one request, or the one row of that id; oldest first."""
        ...

    async def erase_user(self, user: str, pseudonym: str) -> int:
        """Put the pseudonym where the user stands, and take out what else tells of a person: session and the print of
        the prompt. Money and tokens stay. Nothing of it is left in the files. How many rows there were."""
        ...

    async def export_parquet(self, query: SpendQuery, path: str) -> int:
        """Write the raw rows; how many."""
        ...

    async def aclose(self) -> None: ...


PriceTable = Mapping[str, Mapping[str, Any]]
"""litellm's table: model name to its attributes, numbers as Decimal."""


class PriceSource(Protocol):
    """Where a table of prices comes from."""

    @property
    def name(self) -> str:
        """The table and its version, as a ledger row names it: `litellm 1.106.2`."""
        ...

    def load(self) -> PriceTable:
        """Read it, a big file; called from a worker thread. Empty, with a warning, where there is none."""
        ...
