"""How often near hits of a scope are wrong, and how far its cache may therefore go.

The verifier gives each candidate a probability. What lies at or above a scope's threshold is served, what lies
below is asked of the provider, and the fresh answer is compared with the kept one: a check. The threshold is the
lowest of BANDS at which

    (wrong checks + PRIOR_CHECKS x certified error) / (checks + PRIOR_CHECKS) <= MARGIN x max_error

with at least MIN_CHECKS checks at or above it. The certified error is that of question families which training
never saw. So a scope begins in shadow: it learns from each candidate and serves none of them (candidates that are
proven, see admission.py, need no check). Of what is served later one in 20 is still checked, and a sequential
test of these (Wald, 1945) stops the scope where it finds three times `max_error` 20 times as likely.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from ..errors import StoreUnavailable
from ..exchange import JsonObject
from ..ports import RecordStore

logger = logging.getLogger(__name__)

BANDS = (0.80, 0.85, 0.90, 0.95, 0.97, 0.98, 0.99)
"""Thresholds that a scope can have."""

NOTHING_CERTIFIED = (1.0,) * len(BANDS)

MIN_CHECKS = 30
PRIOR_CHECKS = 25
"""What certification on other people's questions is worth, in checks of a scope's own."""

CHECKED_SHARE = 256 // 20
"""Of 256 served candidates so many are asked all the same, chosen by the request's key."""

MARGIN = 0.5
"""A band opens at its luckiest moment, so less is demanded of it than is allowed. Chosen on development streams:
at 0.7 banking77 had 2.4% wrong where 2% was asked for, at 0.5 less than 2."""

SUSPECTED = 3.0
STOPS_AT = math.log(20)

RECORDS = "cache-errors"

Mode = Literal["shadow", "serving", "stopped"]


@dataclass(slots=True)
class ScopeErrors:
    """Checks of one scope: for each band those between it and the next."""

    right: list[int] = field(default_factory=lambda: [0] * len(BANDS))
    wrong: list[int] = field(default_factory=lambda: [0] * len(BANDS))
    suspicion: float = 0.0
    """Wald's log likelihood ratio."""
    is_stopped: bool = False

    def checks_from(self, band: int) -> tuple[int, int]:
        """All checks at or above a band, and how many of them were wrong."""
        wrong = sum(self.wrong[band:])
        return sum(self.right[band:]) + wrong, wrong

    def together_with(self, other: ScopeErrors) -> ScopeErrors:
        """Both together."""
        suspicion = max(0.0, self.suspicion + other.suspicion)
        return ScopeErrors(
            right=[mine + theirs for mine, theirs in zip(self.right, other.right, strict=True)],
            wrong=[mine + theirs for mine, theirs in zip(self.wrong, other.wrong, strict=True)],
            suspicion=suspicion,
            is_stopped=self.is_stopped or other.is_stopped or suspicion >= STOPS_AT,
        )


class ErrorBounds:
    """What is known of every scope. Used on the event loop; what is new is written by `save`.

    In a shared store nodes add their counts to the common ones; two that save in the same moment may lose
    a few checks, never the record.
    """

    def __init__(self, records: RecordStore | None, certified: Sequence[float]) -> None:
        """`certified`: the error at or above each of BANDS on families that training never saw."""
        self._records = records
        self._certified = certified
        self._known: dict[str, ScopeErrors] = {}
        self._new: dict[str, ScopeErrors] = {}

    async def load(self) -> None:
        """
        Raises:
            StoreUnavailable: every scope is in shadow until it can be read.
        """
        if self._records is not None:
            read = await self._records.records(RECORDS)
            self._known = {scope: _read(record) for scope, record in read.items()}

    async def save(self) -> None:
        """Add what was checked since the last time; kept for the next one where the store is away."""
        if self._records is None or not self._new:
            return
        try:
            await self.load()
            for scope in list(self._new):
                await self._write(self._records, scope)
        except StoreUnavailable as error:
            logger.info("checks of the cache are not written yet: %s", error)

    async def _write(self, records: RecordStore, scope: str) -> None:
        known, new = self._known.get(scope, ScopeErrors()), self._new.pop(scope)
        self._known[scope] = known.together_with(new)
        try:
            await records.put_record(RECORDS, scope, asdict(self._known[scope]))
        except StoreUnavailable:
            self._known[scope] = known
            self._new[scope] = new.together_with(self._new.get(scope, ScopeErrors()))
            raise

    async def forget(self, scope: str | None) -> None:
        """Begin in shadow again, one scope or all."""
        scopes = list({*self._known, *self._new}) if scope is None else [scope]
        for name in scopes:
            self._known.pop(name, None)
            self._new.pop(name, None)
            if self._records is not None:
                await self._records.remove_record(RECORDS, name)

    def count(self, scope: str, probability: float, max_error: float, *, is_right: bool) -> None:
        """A fresh answer was compared with the kept one."""
        band = _band_of(probability)
        if band is None:
            return
        was_served = probability >= (self.threshold(scope, max_error) or math.inf)
        errors = self._new.setdefault(scope, ScopeErrors())
        (errors.right if is_right else errors.wrong)[band] += 1
        if was_served:
            self._suspect(scope, errors, max_error, is_right=is_right)

    def _suspect(self, scope: str, errors: ScopeErrors, max_error: float, *, is_right: bool) -> None:
        suspected = min(SUSPECTED * max_error, 0.99)
        ratio = (1 - suspected) / (1 - max_error) if is_right else suspected / max_error
        # Never below 0: a long good time must not hide that it has ended (Page, 1954).
        before = self._of(scope).suspicion
        errors.suspicion += max(math.log(ratio), -before)
        if before + math.log(ratio) >= STOPS_AT:
            errors.is_stopped = True
            logger.warning("near hits of %s are wrong too often and no longer served", scope)

    def threshold(self, scope: str, max_error: float) -> float | None:
        """The least probability that is served; None: no unproven one is."""
        errors = self._of(scope)
        if errors.is_stopped:
            return None
        return next((band for at, band in enumerate(BANDS) if self._holds(errors, at, max_error)), None)

    def _holds(self, errors: ScopeErrors, band: int, max_error: float) -> bool:
        checks, wrong = errors.checks_from(band)
        expected = (wrong + PRIOR_CHECKS * self._certified[band]) / (checks + PRIOR_CHECKS)
        return checks >= MIN_CHECKS and expected <= MARGIN * max_error

    def mode(self, scope: str, max_error: float) -> Mode:
        if self._of(scope).is_stopped:
            return "stopped"
        return "shadow" if self.threshold(scope, max_error) is None else "serving"

    def scopes(self) -> list[str]:
        return sorted({*self._known, *self._new})

    def checks(self, scope: str, max_error: float) -> tuple[int, int]:
        """Checks at or above the scope's threshold (all, while it has none), and how many were wrong."""
        threshold = self.threshold(scope, max_error)
        return self._of(scope).checks_from(0 if threshold is None else BANDS.index(threshold))

    def _of(self, scope: str) -> ScopeErrors:
        known, new = self._known.get(scope), self._new.get(scope)
        if known is None or new is None:
            return known or new or ScopeErrors()
        return known.together_with(new)


def is_picked(key: bytes) -> bool:
    """Whether a request is one of those that are asked though they could be served."""
    return key[0] < CHECKED_SHARE


def interval(wrong: int, checks: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    if not checks:
        return 0.0, 1.0
    z2 = 1.96**2
    share = wrong / checks
    middle = (share + z2 / (2 * checks)) / (1 + z2 / checks)
    half = 1.96 / (1 + z2 / checks) * math.sqrt(share * (1 - share) / checks + z2 / (4 * checks**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _band_of(probability: float) -> int | None:
    return next((at for at in reversed(range(len(BANDS))) if probability >= BANDS[at]), None)


def _read(record: JsonObject) -> ScopeErrors:
    """A record of other bands is no use: the scope begins anew."""
    if len(record.get("right", ())) != len(BANDS):
        return ScopeErrors()
    return ScopeErrors(**record)
