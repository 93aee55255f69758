"""What the gateway needs from outside, as Protocols. Each has one contract test, run over all its adapters."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal, Protocol

from .exchange import (
    EVERYTHING,
    Answer,
    CacheEntry,
    Call,
    DialectName,
    JsonObject,
    LedgerRow,
    Selection,
    Span,
    Vector,
)
from .spend_sums import BilledDay, Charge, HourSum, PromptCacheSum, Repeats, SmallCalls


class Clock(Protocol):
    """Time, passed in so that tests own it."""

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...


class Provider(Protocol):
    """Something that answers a call: a server over HTTP, a child process, an echo."""

    speaks: frozenset[DialectName]

    async def ask(self, call: Call) -> Answer:
        """Send the call; return once the status and headers are there.

        An error answer of the provider (401, 429, 500 …) is an Answer like any other.

        Raises:
            UpstreamFailed: it could not be reached, or spoke no HTTP.
            UpstreamTimeout: it did not answer in time.
        """
        ...

    async def aclose(self) -> None: ...


class Embedder(Protocol):
    """Text to a unit vector."""

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded; `embed` before that raises."""
        ...

    async def warm(self) -> None:
        """Load the model, off the event loop; safe to call twice.

        Raises:
            EmbedderUnavailable: a model file is missing, damaged or not what the manifest says.
        """
        ...

    async def embed(self, text: str) -> Vector:
        """The text's unit vector, float32, shape (384,), computed off the event loop.

        One text at a time, unpadded: dynamic int8 is not batch-invariant. Text beyond 256 tokens is cut.

        Raises:
            EmbedderUnavailable: not loaded, or the model failed.
        """
        ...

    async def aclose(self) -> None: ...


class Finder(Protocol):
    """Finds PII in one text."""

    @property
    def version(self) -> str:
        """Changes when the same text could give other findings; part of the cache key."""
        ...

    @property
    def is_ready(self) -> bool: ...

    @property
    def degraded(self) -> str | None:
        """Why it finds less than it should, once it is ready; None when it does not."""
        ...

    def warm(self) -> None:
        """Load and run once; takes about a second of CPU. Called from a worker thread.

        Raises:
            FinderUnavailable: it cannot be loaded.
        """
        ...

    def find(self, text: str) -> tuple[Span, ...]:
        """What is in the text, sorted by start, without overlaps. Safe from several threads.

        Raises:
            FinderUnavailable: the scan failed; the message holds nothing of the text.
        """
        ...


class Operators(Protocol):
    """The operators that need no vault: what a found value becomes when it is not to be restored."""

    def apply(self, operator: str, entity_type: str, value: str) -> str:
        """`operator` is mask, hash or encrypt. Equal values give equal results in one installation.

        Raises:
            FinderUnavailable: the operator failed; the message does not hold the value.
        """
        ...


class VectorIndex(Protocol):
    """Approximate nearest neighbours by cosine, in memory; derived from the store, never the truth.

    All methods but `size` are called from one worker thread at a time.
    """

    @property
    def size(self) -> int: ...

    @property
    def needs_rebuild(self) -> bool:
        """Whether removed vectors slow its searches so much that `clear` and adding all again pays."""
        ...

    def add(self, ids: Sequence[int], vectors: Sequence[Vector]) -> None:
        """Each id once; an id already there is ignored."""
        ...

    def remove(self, ids: Iterable[int]) -> None:
        """Ids that are not there are ignored."""
        ...

    def search(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """Up to `count` (id, cosine similarity), nearest first."""
        ...

    def save(self, last_id: int, store_epoch: str) -> None:
        """Write, fsync, rename: a crash leaves the old file or the new one. `last_id` is the newest
        entry that was offered to `add`, `store_epoch` names the store it was derived from."""
        ...

    def load(self, store_epoch: str) -> int | None:
        """Restore what `save` wrote and return its `last_id`; None where there is nothing usable
        (absent, damaged, of another store or another model), and the index is empty then."""
        ...

    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class VectorRow:
    """What the index needs of an entry. `vector` is as CacheEntry has it: float16, 384 values."""

    id: int
    partition: bytes
    vector: bytes
    expires_at: float


@dataclass(frozen=True, slots=True)
class StoreStats:
    entries: int
    bytes: int


class EntryStore(Protocol):
    """Where cached answers live. Expired entries are never returned."""

    async def epoch(self) -> str:
        """A name given at the store's creation and anew by a `clear` of all: an index of another epoch is stale."""
        ...

    async def get(self, key: bytes) -> CacheEntry | None: ...

    async def get_by_ids(self, ids: Sequence[int]) -> dict[int, CacheEntry]:
        """Those that still exist and have not expired."""
        ...

    async def put(self, entry: CacheEntry) -> int:
        """Keep it and return its id; an entry of the same key is replaced under a new id.
        When this returns, the entry survives the death of this process."""
        ...

    async def vectors_after(self, entry_id: int, limit: int) -> list[VectorRow]:
        """Entries that have a vector, with id > `entry_id`, in rising order: what an index catches up with."""
        ...

    async def entries_after(self, entry_id: int, limit: int) -> list[CacheEntry]:
        """Up to `limit` with id > `entry_id`, in rising order; none only where there are no more."""
        ...

    async def touch(self, hits: Mapping[int, int]) -> None:
        """Add the counted hits to the worth of the entries; unknown ids are ignored."""
        ...

    async def clear(self, selection: Selection = EVERYTHING) -> int:
        """Remove what is selected; how many there were."""
        ...

    async def evict(self, max_entries: int) -> list[int]:
        """Remove expired entries, then those that are worth least until at most `max_entries` are left; their ids.

        An entry is worth the sum of its uses, its making and each hit: what the call had cost, halved for every day
        since then."""
        ...

    async def stats(self) -> StoreStats: ...


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


@dataclass(frozen=True, slots=True)
class RateCaps:
    """What a key may use in any minute, and at the same time; None: as much as it likes."""

    rpm: int | None
    tpm: int | None
    parallel: int | None


@dataclass(frozen=True, slots=True)
class RateUse:
    """What all nodes together had counted for a key before one more request, and whether that was let in.

    A use is (seconds until it leaves the minute, amount), oldest first.
    """

    is_admitted: bool
    at: int
    """The second in which it was counted, Unix time."""
    under_way: int
    requests: Sequence[tuple[float, int]]
    tokens: Sequence[tuple[float, int]]


class RateStore(Protocol):
    """What keys use, counted by a fleet together. Methods raise StoreUnavailable where it cannot be asked in time."""

    async def admit(self, key: str, request: str, caps: RateCaps, tokens: int) -> RateUse:
        """Count a request and its tokens unless that would pass one of the caps; one atomic step."""
        ...

    async def leave(self, key: str, request: str, at: int, counted_tokens: int, spent_tokens: int) -> None:
        """The request has ended; the tokens that it spent take the place of those counted in the second `at`."""
        ...

    async def renew(self, key: str, requests: Sequence[str]) -> None:
        """They are still under way; one that is not renewed for a minute is taken for dead."""
        ...

    async def aclose(self) -> None: ...


class RecordStore(Protocol):
    """Small named JSON documents that the owner makes at run time: budgets, later keys."""

    async def records(self, kind: str) -> dict[str, JsonObject]: ...

    async def put_record(self, kind: str, name: str, record: JsonObject) -> None: ...

    async def remove_record(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        ...


class VaultStore(Protocol):
    """Where the vaults of stateful calls live, sealed, each for its lifetime. Every method raises StoreUnavailable
    where the store cannot be asked in time."""

    async def open(self) -> None: ...

    async def get(self, name: str) -> bytes | None:
        """None where there is none, or its time is over."""
        ...

    async def put(self, name: str, owner: str, sealed: bytes, expires_at: float, *, instead_of: bytes | None) -> bool:
        """Keep it where nothing else is kept than `instead_of` (None: nothing at all); atomic across processes.

        `owner` is whose it is, for `remove_of`; `expires_at` is in Unix seconds.

        Returns:
            Whether it is kept. On False nothing has changed.
        """
        ...

    async def remove(self, name: str) -> None: ...

    async def remove_of(self, owner: str) -> int:
        """Remove all that are of `owner`; how many there were."""
        ...

    async def aclose(self) -> None: ...


AuditSide = Literal["question", "answer"]
AuditGroup = Literal["type", "key", "day"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """So many findings of one kind in one text, and what became of them."""

    at: datetime
    request_id: str
    key: str
    side: AuditSide
    type: str
    operator: str
    """As `pii.entities` names them, or `detect`: found and let through."""
    count: int


@dataclass(frozen=True, slots=True)
class AuditQuery:
    since: datetime
    until: datetime
    by: AuditGroup
    zone: tzinfo
    """Where days begin."""


class AuditLog(Protocol):
    """Where it is written down what was found. Every method raises StoreUnavailable where it cannot be used."""

    async def open(self) -> None: ...

    async def write(self, rows: Sequence[AuditRow]) -> None: ...

    async def report(self, query: AuditQuery) -> JsonObject:
        """The shape of control_api's PiiReport."""
        ...

    async def remove_before(self, moment: datetime) -> int: ...

    async def remove_of(self, keys: Sequence[str]) -> int:
        """How many rows of these keys there were."""
        ...

    async def aclose(self) -> None: ...


class Store(EntryStore, CounterStore, RecordStore, Protocol):
    """One place for all three: one SQLite file, or Redis. Every method raises StoreUnavailable where
    the store cannot be asked in time; nothing may be assumed done then."""

    async def open(self) -> None: ...

    async def ping(self) -> None: ...

    async def aclose(self) -> None: ...


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
