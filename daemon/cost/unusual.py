"""Spend that stands out: robust z-scores by median and median absolute deviation.

Amounts are compared by their logarithm, since hours and sessions differ by factors, not by dollars: by dollars every
tenth busy hour would stand out. `LIMIT` is that of Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993).
Statistics are floats here; the amounts shown stay Decimal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean, median

LIMIT = 3.5

LEAST_HOURS = 24
LEAST_SESSIONS = 10
"""With fewer that cost anything there is nothing to be unusual against."""

LEAST_SHARE = Decimal("0.01")
"""What is not even this part of all that was spent is not worth a look."""

_MAD_TO_SIGMA = 1.4826
_MEAN_DEVIATION_TO_SIGMA = 1.2533
"""Of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Unusual:
    """`name` is an hour or a session, `usual_usd` the median of its kind."""

    name: str
    cost_usd: Decimal
    usual_usd: Decimal
    z: float


def stand_out(costs: Mapping[str, Decimal], least: int) -> list[Unusual]:
    """Those that cost unusually much, dearest first; none where fewer than `least` cost anything."""
    logs = {name: math.log(usd) for name, usd in costs.items() if usd > 0}
    if len(logs) < least:
        return []
    middle = median(logs.values())
    sigma = _sigma([abs(value - middle) for value in logs.values()])
    if sigma == 0:  # all cost the same
        return []
    usual_usd = median(usd for usd in costs.values() if usd > 0)
    worth_a_look = LEAST_SHARE * sum(costs.values())
    found = [
        Unusual(name, costs[name], usual_usd, round((value - middle) / sigma, 1))
        for name, value in logs.items()
        if (value - middle) / sigma > LIMIT and costs[name] >= worth_a_look
    ]
    return sorted(found, key=lambda one: one.cost_usd, reverse=True)


def _sigma(deviations: list[float]) -> float:
    """Where more than half are equal the median deviation is 0, and the mean one stands in."""
    return _MAD_TO_SIGMA * median(deviations) or _MEAN_DEVIATION_TO_SIGMA * fmean(deviations)
