"""What a look-up came to, and each step by which it got there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ..dialects.dialect import Dialect
from ..exchange import CacheEntry, DialectName, Vector, Verdict
from .verifier import Odds

Outcome = Literal["pass", "stop", "hit"]


class Step(NamedTuple):
    """One rung of the ladder: scope, exact, eligible, candidates, age, threshold, placeholders, guards, verifier,
    bound."""

    step: str
    outcome: Outcome
    detail: str = ""


class Candidate(NamedTuple):
    """A kept question that was near, and how it fared: `hit`, or the check that refused it."""

    id: int
    similarity: float
    question: str
    verdict: str


@dataclass(slots=True)
class Tally:
    """What was counted since the start."""

    exact: int = 0
    semantic: int = 0
    coalesced: int = 0
    misses: int = 0
    saved_nanos: int = 0
    saved_ms: int = 0

    def count(self, verdict: Verdict, entry: CacheEntry | None) -> None:
        """A bypass is neither hit nor miss."""
        self.exact += verdict is Verdict.EXACT
        self.semantic += verdict is Verdict.SEMANTIC
        self.misses += verdict is Verdict.MISS
        if entry is not None:
            self.saved_nanos += entry.cost_nanos
            self.saved_ms += entry.made_in_ms

    def coalesce(self, verdict: Verdict) -> None:
        """What was counted as a look-up without a hit got another request's answer after all."""
        self.coalesced += 1
        self.misses -= verdict is Verdict.MISS


@dataclass(frozen=True, slots=True)
class Trial:
    """A kept answer that was not given, to be compared with the fresh one: so the cache learns how right it is."""

    dialect: Dialect = field(repr=False)
    answer: bytes = field(repr=False)
    odds: Odds


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the answer of a request that found none is kept."""

    key: bytes
    partition: bytes
    scope: str
    dialect: DialectName
    question: str = field(repr=False)
    is_near: bool
    """Whether near look-ups may find it, so that it needs a vector."""
    vector: Vector | None = field(repr=False)
    ttl_s: float
    namespace: str
    tags: tuple[str, ...]
    generation: int
    """How often the cache had been cleared when the request came."""
    trial: Trial | None = None


@dataclass(slots=True)
class Lookup:
    """What the cache says to one request. Nobody changes it; frozen it would cost every hit a microsecond.

    `key` is None where the call must not be shared with identical requests in flight; `slot` is None where
    nothing is to be kept.
    """

    verdict: Verdict
    key: bytes | None
    entry: CacheEntry | None = field(default=None, repr=False)
    similarity: float | None = None
    slot: Slot | None = None
    stale_s: float = 0.0
    """Of a hit: by how much it is older than the request wants it. It is given all the same, and asked anew: the
    answer of that call goes into `slot`."""
    steps: tuple[Step, ...] = ()
    candidates: tuple[Candidate, ...] = field(default=(), repr=False)
    tally: Tally = field(default_factory=Tally, repr=False)

    @property
    def keeps(self) -> bool:
        """Whether `Cache.keep` would do anything; the answer need not be scanned otherwise."""
        return self.slot is not None

    def without_hit(self) -> Lookup:
        """What the refreshing of a stale hit starts from."""
        return replace(self, verdict=Verdict.MISS, entry=None, similarity=None, stale_s=0.0)

    def coalesced(self) -> Lookup:
        """The same, answered by a call that was in flight already; counted as such."""
        self.tally.coalesce(self.verdict)
        return replace(self, verdict=Verdict.COALESCED)
