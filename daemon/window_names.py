"""The names of budgets' windows: `hour`, `day`, `week`, `month`, `total`, or `rolling:` and a length."""

from __future__ import annotations

import re

CALENDAR = ("hour", "day", "week", "month")
TOTAL = "total"
EXPECTED = f"{', '.join(CALENDAR)}, {TOTAL}, or rolling: and a length, such as rolling:24h"

LONGEST_ROLLING_S = 366 * 86_400

_ROLLING = re.compile(r"rolling:([1-9]\d{0,4})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


def is_window(name: str) -> bool:
    if name in CALENDAR or name == TOTAL:
        return True
    length_s = rolling_s(name)
    return length_s is not None and length_s <= LONGEST_ROLLING_S


def rolling_s(name: str) -> int | None:
    """How long a rolling window is, a whole number of minutes; None: it is none."""
    found = _ROLLING.fullmatch(name)
    return int(found[1]) * _SECONDS[found[2]] if found else None


def in_words(name: str) -> str:
    """`for each day`, `in any 24h`, `in all`: how a sentence about a budget goes on."""
    if name == TOTAL:
        return "in all"
    return f"in any {name.removeprefix('rolling:')}" if name.startswith("rolling:") else f"for each {name}"
