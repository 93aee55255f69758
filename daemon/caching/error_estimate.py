"""What is believed of the error of near hits, from what was checked of a scope.

The verifier gives each candidate its odds in two readings, and a candidate lies in one of the BANDS of each; one that
is nearly the same text lies above all of them. A threshold is one of the bands: it admits what lies in it or above.
Its error is believed from all of that:

    share  = candidates in the band / candidates at or above the threshold      one more in each band than were seen
    mean   = (wrong + PRIOR_CHECKS x curve) / (checks + PRIOR_CHECKS)
    error  = sum(share x mean) + CAUTION x sqrt(sum(share^2 x mean x (1 - mean) / (checks + PRIOR_CHECKS + 1)))

Band by band, since everything below a threshold is checked and of what is served only a part: the doubtful bands
would count for more than they are. The curve tells of a band by its neighbours: logit(error) = bend + slope x
logit(1 - odds), the mean over all such curves, each as likely as the scope's checks make it. Before the first check it
is the verifier's own claim, whose calibration is that of questions which training never saw.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .verifier import READINGS, Likeness, Odds, Reading

BANDS: Mapping[Reading, tuple[float, ...]] = {
    "specific": (0.70, 0.80, 0.85, 0.90, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995),
    "topical": (
        *(0.30, 0.40, 0.50, 0.60, 0.65, 0.70, 0.75, 0.80, 0.85),
        *(0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99),
    ),
}
"""Thresholds that a scope can have. What is 30% likely by subject elsewhere may be nearly always right in a scope
whose subjects lie far apart."""

HIGHEST = 0.999
"""The verifier claims no more."""

PRIOR_CHECKS = 20
"""What a curve says of a band, in checks of its own."""

LEAST_ERROR = 0.01
"""No curve says less of a band: in every set some of the closest pairs are wrong."""

STEEPNESS = 0.9
"""How far a scope's slope may be from the verifier's, as the standard deviation of its logarithm; the bend's is 1."""

ABOVE_ALL: tuple[Likeness, ...] = ("near", "same words")
CERTIFIED: Mapping[Likeness, tuple[float, int]] = {"near": (0.0125, 10), "same words": (0.005, 500)}
"""Their error and what it is worth, in checks. Measured: 0.0126 in banking77, where it is worst; none of 7,300 made
pairs of the same words, 0.006 in CLINC150, whose labels contradict each other there."""

CAUTION = 1.0
"""Standard deviations: a threshold opens at its luckiest moment. Chosen on the development streams."""


STOPS_AT = math.log(1_000)
"""Where Wald's test is sure. At 200 some long streams whose error was just what it may be were stopped."""


class Threshold(NamedTuple):
    """What a scope serves: at least `probability` in a reading."""

    reading: Reading
    probability: float

    @property
    def band(self) -> int:
        return bisect_left(BANDS[self.reading], self.probability)

    def admits(self, odds: Odds) -> bool:
        return odds.likeness != "other" or odds.of(self.reading) >= self.probability

    def __str__(self) -> str:
        reading = "in detail" if self.reading == "specific" else "by subject"
        return f"this scope serves from {self.probability:.2f} {reading} on"


@dataclass(slots=True)
class Checks:
    """Those of one reading: for each of its bands, what lies between it and the next; then those of ABOVE_ALL."""

    right: list[int]
    wrong: list[int]
    served: list[int]
    """Candidates that were served unchecked."""

    @classmethod
    def none(cls, reading: Reading) -> Checks:
        return cls(*([0] * (len(BANDS[reading]) + len(ABOVE_ALL)) for _ in range(3)))

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


def is_candidate(odds: Odds) -> bool:
    """Whether some threshold would admit it, so that a check says something."""
    return any(_band_of(reading, odds) is not None for reading in READINGS)


def _band_of(reading: Reading, odds: Odds) -> int | None:
    bands = BANDS[reading]
    if odds.likeness != "other":
        return len(bands) + ABOVE_ALL.index(odds.likeness)
    above = bisect_right(bands, odds.of(reading))
    return above - 1 if above else None


def believed_errors(checks: Checks, reading: Reading) -> Iterator[float]:
    """What is believed of each threshold, the lowest first, with caution; see the top of this file."""
    right, wrong, served = (np.array(it, dtype=float) for it in (checks.right, checks.wrong, checks.unchecked))
    likely, prior = _expected(checks, reading)
    weight = right + wrong + prior
    mean = (wrong + prior * likely) / weight
    variance = mean * (1 - mean) / (weight + 1)
    candidates = right + wrong + served
    candidates[: len(BANDS[reading])] += 1  # what was never seen is not harmless
    for band in range(len(BANDS[reading])):
        share = candidates[band:] / candidates[band:].sum()
        yield float(share @ mean[band:] + CAUTION * math.sqrt(share**2 @ variance[band:]))


def near_error(checks: Checks) -> float:
    """What is believed of what is nearly the same text."""
    likely, prior = CERTIFIED["near"]
    at = ABOVE_ALL.index("near") - len(ABOVE_ALL)
    return (checks.wrong[at] + prior * likely) / (checks.right[at] + checks.wrong[at] + prior)


Floats = NDArray[np.float64]


def _expected(checks: Checks, reading: Reading) -> tuple[Floats, Floats]:
    """Of each band and of ABOVE_ALL the error that is expected beside its own checks, and its worth in checks."""
    curves, bands = _curves(reading), len(BANDS[reading])
    likelihood = (
        curves.prior + np.log1p(-curves.errors) @ checks.right[:bands] + np.log(curves.errors) @ checks.wrong[:bands]
    )
    belief = np.exp(likelihood - likelihood.max())
    certified = [CERTIFIED[likeness] for likeness in ABOVE_ALL]
    return (
        np.append(belief @ curves.errors / belief.sum(), [error for error, _ in certified]),
        np.append(np.full(bands, float(PRIOR_CHECKS)), [worth for _, worth in certified]),
    )


class _Curves(NamedTuple):
    errors: Floats
    """Of each curve in each band."""
    prior: Floats
    """The logarithm of how likely each is before the first check."""


@lru_cache
def _curves(reading: Reading) -> _Curves:
    """A grid of bends of -2.5 to 2.5 and slopes of 1/7 to 7, normal around the verifier's own claim."""
    edges = _logit(np.array((*BANDS[reading], HIGHEST)))
    claimed = -(edges[:-1] + edges[1:]) / 2
    middle = claimed.mean()
    bends, steepnesses = np.meshgrid(np.linspace(-2.5, 2.5, 15), np.linspace(-2, 2, 11))
    bend, steepness = bends.reshape(-1, 1), steepnesses.reshape(-1, 1)
    errors = 1 / (1 + np.exp(-(bend + middle + np.exp(steepness) * (claimed - middle))))
    prior = -(bend**2) / 2 - (steepness / STEEPNESS) ** 2 / 2
    return _Curves(errors.clip(LEAST_ERROR, 0.95), prior.ravel())


def _logit(probability: Floats) -> Floats:
    return np.log(probability / (1 - probability))
