"""What a look-up came to, and each step by which it got there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from ..dialects.dialect import Dialect, Items
from ..errors import UpstreamFailed
from ..exchange import CacheEntry, DialectName, JsonObject, Vector, Verdict
from ..json_text import parse_object, to_json
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
class Origin:
    """Where an answer that is to be kept came from, and what it cost."""

    model: str
    cost_nanos: int
    input_tokens: int
    output_tokens: int
    made_in_ms: int
    user: str = ""
    """For whom it was made; empty: for nobody in particular."""


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


@dataclass(frozen=True, slots=True)
class Parts:
    """The look-ups of a request's items, in order."""

    items: Items
    lookups: tuple[Lookup, ...]

    @property
    def missing(self) -> list[int]:
        return [position for position, lookup in enumerate(self.lookups) if lookup.entry is None]

    @property
    def keeps(self) -> bool:
        return any(lookup.keeps for lookup in self.lookups)

    def remaining(self, body: JsonObject) -> JsonObject:
        missing = self.missing
        return body if len(missing) == len(self.lookups) else self.items.together(body, missing)

    def completed(self, answer: bytes) -> bytes:
        """An answer to all items passes as it came."""
        missing = self.missing
        if len(missing) == len(self.lookups):
            return answer
        call = parse_object(answer) or {}
        if self.items.answers(call, len(self.lookups)):
            return answer
        fresh = self.items.answers(call, len(missing))
        if not fresh:
            raise UpstreamFailed("the provider's answer does not have one part for each item it was asked for")
        return to_json(self.items.joined(self._with_kept(iter(fresh)), call))

    def kept(self) -> bytes:
        """The whole answer where every item is kept."""
        return to_json(self.items.joined(self._with_kept(iter(())), None))

    def answered(self, answer: bytes) -> list[tuple[Lookup, JsonObject]]:
        """The look-ups of the items that an answer answers, which may be all or those that were missing."""
        call = parse_object(answer) or {}
        if answers := self.items.answers(call, len(self.lookups)):
            return list(zip(self.lookups, answers, strict=True))
        missing = [self.lookups[position] for position in self.missing]
        answers = self.items.answers(call, len(missing))
        return list(zip(missing, answers, strict=True)) if answers else []

    def _with_kept(self, fresh: Iterator[JsonObject]) -> list[JsonObject]:
        entries = (lookup.entry for lookup in self.lookups)
        return [next(fresh) if entry is None else parse_object(entry.answer) or {} for entry in entries]


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
    parts: Parts | None = None
    """Of a request that consists of items: what was found of each."""
    odds: Odds | None = None
    """Of a near hit that a comparison with a fresh answer would teach something of."""
    tally: Tally = field(default_factory=Tally, repr=False)

    @property
    def keeps(self) -> bool:
        """Whether `Cache.keep` would do anything; the answer need not be scanned otherwise."""
        return self.slot is not None or (self.parts is not None and self.parts.keeps)

    @property
    def given(self) -> list[CacheEntry]:
        """The entries of which the answer is made."""
        lookups = (self,) if self.parts is None else self.parts.lookups
        return [lookup.entry for lookup in lookups if lookup.entry is not None]

    def remaining(self, body: JsonObject) -> JsonObject:
        """What of a request has to be asked, where some of its items are kept."""
        return body if self.parts is None else self.parts.remaining(body)

    def completed(self, answer: bytes) -> bytes:
        """The whole answer, made of what is kept and of the answer to `remaining`.

        Raises:
            UpstreamFailed: it does not answer what was asked.
        """
        return answer if self.parts is None else self.parts.completed(answer)

    def without_hit(self) -> Lookup:
        """What the refreshing of a stale hit starts from."""
        return replace(self, verdict=Verdict.MISS, entry=None, similarity=None, stale_s=0.0)

    def coalesced(self) -> Lookup:
        """The same, answered by a call that was in flight already; counted as such."""
        self.tally.coalesce(self.verdict)
        return replace(self, verdict=Verdict.COALESCED)
