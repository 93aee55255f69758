"""How far a scope's cache may go: what is served of the near candidates, and what is checked.

What the scope's threshold admits is served, what it does not admit is asked of the provider, and the fresh answer is
compared with the kept one: a check. A threshold may be served where the error that is believed of it, see
error_estimate.py, is at most `max_error`, and it has enough checks. Of those that may, the one with the most candidates
is the scope's: it goes down as evidence grows.

So a scope begins in shadow: it learns from each candidate and serves only those that are proven, see admission.py.
Of what could be served a part is still checked, at least one in 20 (none of what has the same words), and a sequential
test of these (Wald, 1945; Page, 1954) stops the scope where it finds three times `max_error` 1,000 times as likely.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import reduce
from typing import Any, Literal

from ..errors import StoreUnavailable
from ..exchange import JsonObject
from ..ports.storage import RecordStore
from .error_estimate import BANDS, STOPS_AT, Checks, ScopeErrors, Threshold, believed_errors, near_error
from .verifier import READINGS, Odds

logger = logging.getLogger(__name__)

MIN_CHECKS = 30
EVIDENCE = 0.02
"""Checks that are enough, times the square of `max_error`: 50 for 2%, 200 for 1%, and never fewer than MIN_CHECKS. At
50 for 1% too, banking77 opened by luck and had 2% wrong."""

CHECKED_SHARE = 1 / 20
CHECKED_AT_FIRST = 10
"""Of served candidates so many are asked all the same, chosen by the request's key: the more, the fewer checks the
threshold has, 10 / checks, until it is one in 20."""

SUSPECTED = 3.0

RECORDS = "cache-errors"

Mode = Literal["shadow", "serving", "stopped"]


class ErrorBounds:
    """What is known of every scope. Used on the event loop; what is new is written by `save`.

    In a shared store nodes add their counts to the common ones, and none is lost where two save in the same moment.
    """

    def __init__(self, records: RecordStore | None) -> None:
        self._records = records
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
        new = self._new.setdefault(scope, ScopeErrors())
        new.add(odds, "right" if is_right else "wrong")
        if threshold is not None and threshold.admits(odds):
            self._suspect(scope, new, max_error, is_right=is_right)
        self._thresholds.pop((scope, max_error), None)

    def _suspect(self, scope: str, new: ScopeErrors, max_error: float, *, is_right: bool) -> None:
        suspected = min(SUSPECTED * max_error, 0.99)
        ratio = (1 - suspected) / (1 - max_error) if is_right else suspected / max_error
        # Never below 0: a long good time must not hide that it has ended (Page, 1954).
        before = self._of(scope).suspicion
        new.suspicion += max(math.log(ratio), -before)
        if before + math.log(ratio) >= STOPS_AT:
            new.is_stopped = True
            logger.warning("near hits of %s are wrong too often and no longer served", scope)

    def threshold(self, scope: str, max_error: float) -> Threshold | None:
        """What is served of the unproven; None: nothing."""
        asked = scope, max_error
        if asked not in self._thresholds:
            known = self._of(scope)
            allowed = [] if known.is_stopped else list(self._allowed(known, max_error))
            self._thresholds[asked] = max(allowed)[1] if allowed else None
        return self._thresholds[asked]

    def _allowed(self, scope: ScopeErrors, max_error: float) -> Iterator[tuple[int, Threshold]]:
        """Each reading's lowest band that keeps `max_error`, with the number of its candidates."""
        for reading in READINGS:
            checks = scope.checks(reading)
            for at, error in enumerate(believed_errors(checks, reading)):
                if error <= max_error and checks.above(at)[0] >= checks_needed(max_error):
                    yield checks.candidates(at), Threshold(reading, BANDS[reading][at])
                    break

    def serves_near(self, scope: str, max_error: float) -> bool:
        """Whether what is nearly the same text is served, however little is known of the rest."""
        known = self._of(scope)
        return not known.is_stopped and near_error(known.specific) <= max_error

    def likelihood(self, scope: str, odds: Odds, max_error: float) -> float:
        """In the reading that holds in the scope, or in both together: an order, no probability."""
        threshold = self.threshold(scope, max_error)
        if odds.likeness != "other":
            return 2.0
        return odds.specific + odds.topical if threshold is None else odds.of(threshold.reading)

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
        threshold = self.threshold(scope, max_error) or Threshold("specific", BANDS["specific"][0])
        return self._of(scope).checks(threshold.reading).above(threshold.band)

    def _of(self, scope: str) -> ScopeErrors:
        counts = [part[scope] for part in (self._known, self._saving, self._new) if scope in part]
        return reduce(ScopeErrors.together_with, counts) if counts else ScopeErrors()


def checks_needed(max_error: float) -> float:
    """Before a threshold may open."""
    return max(MIN_CHECKS, EVIDENCE / max_error**2)


def interval(wrong: int, checks: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    if not checks:
        return 0.0, 1.0
    z2 = 1.96**2
    share = wrong / checks
    middle = (share + z2 / (2 * checks)) / (1 + z2 / checks)
    half = 1.96 / (1 + z2 / checks) * math.sqrt(share * (1 - share) / checks + z2 / (4 * checks**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _read(record: JsonObject) -> ScopeErrors:
    """A record of other bands is no use: the scope begins anew."""
    try:
        read: dict[str, Any] = {reading: Checks(**record[reading]) for reading in READINGS}
    except (KeyError, TypeError):
        return ScopeErrors()
    if any(len(read[reading].right) != len(Checks.none(reading).right) for reading in READINGS):
        return ScopeErrors()
    return ScopeErrors(**read, suspicion=record["suspicion"], is_stopped=record["is_stopped"])
