"""How often near hits of a scope are wrong, and how far its cache may therefore go.

The verifier gives each candidate its odds in two readings. What the scope's threshold admits is served, what it does
not admit is asked of the provider, and the fresh answer is compared with the kept one: a check. A threshold is one of
BANDS of one reading. Its error is believed from what lies in each band at or above it:

    share = candidates in the band / candidates at or above the threshold
    mean  = (wrong + prior x certified) / (checks + prior)                           prior = PRIOR_CHECKS x share
    error = sum(share x mean) + CAUTION x sqrt(sum(share^2 x mean x (1 - mean) / (checks + prior + 1)))

Band by band, since everything below a threshold is checked and of what is served only a part: the doubtful bands
would count for more than they are. The certified error is that of questions which training never saw. A threshold may
be served where this error is at most `max_error`, and it has enough checks. Of those that may, the one with the most
candidates is the scope's: it goes down as evidence grows.

So a scope begins in shadow: it learns from each candidate and serves only those that are proven, see admission.py.
Of what could be served a part is still checked, at least one in 20 (none of what has the same words), and a sequential
test of these (Wald, 1945; Page, 1954) stops the scope where it finds three times `max_error` 200 times as likely.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import reduce
from typing import Any, Literal, NamedTuple

from ..errors import StoreUnavailable
from ..exchange import JsonObject
from ..ports.storage import RecordStore
from .verifier import READINGS, Odds, Reading

logger = logging.getLogger(__name__)

BANDS: Mapping[Reading, tuple[float, ...]] = {
    "specific": (0.80, 0.90, 0.95, 0.97, 0.98, 0.99),
    "topical": (0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.85, 0.90, 0.95, 0.97, 0.99),
}
"""Thresholds that a scope can have. What is 30% likely by subject elsewhere may be nearly always right in a scope
whose subjects lie far apart."""

NOTHING_CERTIFIED: Mapping[Reading, tuple[float, ...]] = {
    reading: (1.0,) * len(bands) for reading, bands in BANDS.items()
}

MIN_CHECKS = 30
EVIDENCE = 0.02
"""Checks that are enough, times the square of `max_error`: 50 for 2%, 200 for 1%, and never fewer than MIN_CHECKS. At
50 for 1% too, banking77 opened by luck and had 2% wrong."""

PRIOR_CHECKS = 10
"""What certification on other people's questions is worth, in checks of a scope's own."""

CAUTION = 1.0
"""Standard deviations: a threshold opens at its luckiest moment. Chosen on the development streams."""

CHECKED_SHARE = 1 / 20
CHECKED_AT_FIRST = 10
"""Of served candidates so many are asked all the same, chosen by the request's key: the more, the fewer checks the
threshold has, 10 / checks, until it is one in 20."""

SUSPECTED = 3.0
STOPS_AT = math.log(200)

RECORDS = "cache-errors"

Mode = Literal["shadow", "serving", "stopped"]


class Threshold(NamedTuple):
    """What a scope serves: at least `probability` in a reading."""

    reading: Reading
    probability: float

    def admits(self, odds: Odds) -> bool:
        return odds.of(self.reading) >= self.probability

    def __str__(self) -> str:
        reading = "in detail" if self.reading == "specific" else "by subject"
        return f"this scope serves from {self.probability:.2f} {reading} on"


@dataclass(slots=True)
class Checks:
    """Those of one reading: for each of its bands, what lies between it and the next."""

    right: list[int]
    wrong: list[int]
    served: list[int]
    """Candidates that were served unchecked."""

    @classmethod
    def none(cls, reading: Reading) -> Checks:
        return cls(*([0] * len(BANDS[reading]) for _ in range(3)))

    def above(self, band: int) -> tuple[int, int]:
        """All at or above a band, and how many of them were wrong."""
        wrong = sum(self.wrong[band:])
        return sum(self.right[band:]) + wrong, wrong

    @property
    def unchecked(self) -> list[int]:
        """`served`, of which an audit takes back; more than there were, where another node has forgotten the scope."""
        return [max(0, served) for served in self.served]

    def candidates(self, band: int) -> int:
        """All at or above a band, checked or served."""
        return self.above(band)[0] + sum(self.unchecked[band:])

    def error(self, band: int, certified: float) -> float:
        """What is believed of all at or above a band, with caution; see the top of this file."""
        candidates = self.candidates(band)
        mean = variance = 0.0
        for right, wrong, served in zip(self.right[band:], self.wrong[band:], self.unchecked[band:], strict=True):
            share = (right + wrong + served) / candidates
            weight = right + wrong + PRIOR_CHECKS * share
            if weight:
                error = (wrong + PRIOR_CHECKS * share * certified) / weight
                mean += share * error
                variance += share**2 * error * (1 - error) / (weight + 1)
        return mean + CAUTION * math.sqrt(variance)

    def together_with(self, other: Checks) -> Checks:
        return Checks(
            _added(self.right, other.right), _added(self.wrong, other.wrong), _added(self.served, other.served)
        )


def _added(mine: Sequence[int], theirs: Sequence[int]) -> list[int]:
    return [one + other for one, other in zip(mine, theirs, strict=True)]


@dataclass(slots=True)
class ScopeErrors:
    """What is known of one scope."""

    specific: Checks = field(default_factory=lambda: Checks.none("specific"))
    topical: Checks = field(default_factory=lambda: Checks.none("topical"))
    suspicion: float = 0.0
    """Wald's log likelihood ratio."""
    is_stopped: bool = False

    def checks(self, reading: Reading) -> Checks:
        return self.specific if reading == "specific" else self.topical

    def add(self, odds: Odds, what: Literal["right", "wrong", "served"], times: int = 1) -> None:
        for reading in READINGS:
            band = _band_of(reading, odds)
            if band is not None:
                getattr(self.checks(reading), what)[band] += times

    def together_with(self, other: ScopeErrors) -> ScopeErrors:
        """Both together."""
        suspicion = max(0.0, self.suspicion + other.suspicion)
        return ScopeErrors(
            specific=self.specific.together_with(other.specific),
            topical=self.topical.together_with(other.topical),
            suspicion=suspicion,
            is_stopped=self.is_stopped or other.is_stopped or suspicion >= STOPS_AT,
        )


class ErrorBounds:
    """What is known of every scope. Used on the event loop; what is new is written by `save`.

    In a shared store nodes add their counts to the common ones, and none is lost where two save in the same moment.
    """

    def __init__(self, records: RecordStore | None, certified: Mapping[Reading, Sequence[float]]) -> None:
        """`certified`: the error at or above each of BANDS on questions that training never saw."""
        self._records = records
        self._certified = certified
        self._stored: Mapping[str, JsonObject] = {}
        self._known: dict[str, ScopeErrors] = {}
        """What the records say; what this node has added since is in `_saving`, while it is written, and `_new`."""
        self._saving: dict[str, ScopeErrors] = {}
        self._new: dict[str, ScopeErrors] = {}
        self._thresholds: dict[tuple[str, float], Threshold | None] = {}
        """As they were after the last check: every look-up asks for one."""

    async def load(self) -> None:
        """
        Raises:
            StoreUnavailable: every scope is in shadow until it can be read.
        """
        if self._records is not None:
            self._stored = await self._records.records(RECORDS)
            self._known = {scope: _read(record) for scope, record in self._stored.items()}
            self._thresholds.clear()

    async def save(self) -> None:
        """Add what was checked since the last time; kept for the next one where the store is away."""
        if self._records is None or not self._new:
            return
        try:
            await self.load()
            for scope in list(self._new):
                await self._add(self._records, scope)
        except StoreUnavailable as error:
            logger.info("checks of the cache are not written yet: %s", error)

    async def _add(self, records: RecordStore, scope: str) -> None:
        """Add what is new of one scope to its record, however often another node is quicker."""
        self._saving[scope] = self._new.pop(scope)
        try:
            while scope in self._saving and not await self._is_added(records, scope, self._saving[scope]):
                await self.load()
        finally:
            if scope in self._saving:  # it could not be written
                self._new[scope] = self._saving.pop(scope).together_with(self._new.get(scope, ScopeErrors()))

    async def _is_added(self, records: RecordStore, scope: str, new: ScopeErrors) -> bool:
        stored = self._stored.get(scope)
        together = self._known.get(scope, ScopeErrors()).together_with(new)
        if not await records.replace_record(RECORDS, scope, asdict(together), instead_of=stored):
            return False
        if self._saving.pop(scope, None) is not None:  # not forgotten meanwhile
            self._known[scope] = together
        return True

    async def forget(self, scope: str | None) -> None:
        """Begin in shadow again, one scope or all."""
        for name in self.scopes() if scope is None else [scope]:
            for counts in (self._known, self._saving, self._new):
                counts.pop(name, None)
            self._thresholds.clear()
            if self._records is not None:
                await self._records.remove_record(RECORDS, name)

    def count_served(self, scope: str, odds: Odds) -> None:
        """A candidate was served unchecked."""
        self._new.setdefault(scope, ScopeErrors()).add(odds, "served")

    def count_audited(self, scope: str, odds: Odds, max_error: float, *, is_right: bool) -> None:
        """One that was served unchecked, and counted so, was compared after all."""
        self._new.setdefault(scope, ScopeErrors()).add(odds, "served", -1)
        self.count(scope, odds, max_error, is_right=is_right)

    def count(self, scope: str, odds: Odds, max_error: float, *, is_right: bool) -> None:
        """A fresh answer was compared with the kept one."""
        threshold = self.threshold(scope, max_error)
        errors = self._new.setdefault(scope, ScopeErrors())
        errors.add(odds, "right" if is_right else "wrong")
        if threshold is not None and threshold.admits(odds):
            self._suspect(scope, errors, max_error, is_right=is_right)
        self._thresholds.pop((scope, max_error), None)

    def _suspect(self, scope: str, errors: ScopeErrors, max_error: float, *, is_right: bool) -> None:
        suspected = min(SUSPECTED * max_error, 0.99)
        ratio = (1 - suspected) / (1 - max_error) if is_right else suspected / max_error
        # Never below 0: a long good time must not hide that it has ended (Page, 1954).
        before = self._of(scope).suspicion
        errors.suspicion += max(math.log(ratio), -before)
        if before + math.log(ratio) >= STOPS_AT:
            errors.is_stopped = True
            logger.warning("near hits of %s are wrong too often and no longer served", scope)

    def threshold(self, scope: str, max_error: float) -> Threshold | None:
        """What is served of the unproven; None: nothing."""
        asked = scope, max_error
        if asked not in self._thresholds:
            errors = self._of(scope)
            allowed = [] if errors.is_stopped else list(self._allowed(errors, max_error))
            self._thresholds[asked] = max(allowed)[1] if allowed else None
        return self._thresholds[asked]

    def _allowed(self, errors: ScopeErrors, max_error: float) -> Iterator[tuple[int, Threshold]]:
        """Each reading's lowest band that keeps `max_error`, with the number of its candidates."""
        for reading in READINGS:
            checks = errors.checks(reading)
            for at, band in enumerate(BANDS[reading]):
                is_enough = checks.above(at)[0] >= checks_needed(max_error)
                if is_enough and checks.error(at, self._certified[reading][at]) <= max_error:
                    yield checks.candidates(at), Threshold(reading, band)
                    break

    def is_picked(self, scope: str, key: bytes, max_error: float) -> bool:
        """Whether a request is one of those that are asked though they could be served."""
        threshold = self.threshold(scope, max_error)
        checks = 0 if threshold is None else self.checks(scope, max_error)[0]
        share = max(CHECKED_SHARE, CHECKED_AT_FIRST / checks) if checks else CHECKED_SHARE
        return key[0] < 256 * share

    def mode(self, scope: str, max_error: float) -> Mode:
        if self._of(scope).is_stopped:
            return "stopped"
        return "shadow" if self.threshold(scope, max_error) is None else "serving"

    def scopes(self) -> list[str]:
        return sorted({*self._known, *self._saving, *self._new})

    def checks(self, scope: str, max_error: float) -> tuple[int, int]:
        """Checks at or above the scope's threshold (all in detail, while it has none), and how many were wrong."""
        reading, band = self.threshold(scope, max_error) or Threshold("specific", BANDS["specific"][0])
        return self._of(scope).checks(reading).above(BANDS[reading].index(band))

    def _of(self, scope: str) -> ScopeErrors:
        counts = [part[scope] for part in (self._known, self._saving, self._new) if scope in part]
        return reduce(ScopeErrors.together_with, counts) if counts else ScopeErrors()


def checks_needed(max_error: float) -> float:
    """Before a threshold may open."""
    return max(MIN_CHECKS, EVIDENCE / max_error**2)


def is_candidate(odds: Odds) -> bool:
    """Whether some threshold would admit it, so that a check says something."""
    return any(_band_of(reading, odds) is not None for reading in READINGS)


def interval(wrong: int, checks: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    if not checks:
        return 0.0, 1.0
    z2 = 1.96**2
    share = wrong / checks
    middle = (share + z2 / (2 * checks)) / (1 + z2 / checks)
    half = 1.96 / (1 + z2 / checks) * math.sqrt(share * (1 - share) / checks + z2 / (4 * checks**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _band_of(reading: Reading, odds: Odds) -> int | None:
    bands = BANDS[reading]
    return next((at for at in reversed(range(len(bands))) if odds.of(reading) >= bands[at]), None)


def _read(record: JsonObject) -> ScopeErrors:
    """A record of other bands is no use: the scope begins anew."""
    try:
        read: dict[str, Any] = {reading: Checks(**record[reading]) for reading in READINGS}
    except (KeyError, TypeError):
        return ScopeErrors()
    if any(len(BANDS[reading]) != len(read[reading].right) for reading in READINGS):
        return ScopeErrors()
    return ScopeErrors(**read, suspicion=record["suspicion"], is_stopped=record["is_stopped"])
