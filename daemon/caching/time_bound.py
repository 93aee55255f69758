"""Questions whose answer changes with the day they are asked on."""

from __future__ import annotations

import re

SHORT_TTL_S = 3_600.0
"""An entry that lives no longer may answer them: it is of the same hour."""

_TIME_BOUND = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|nowadays|currently|latest|newest|this (?:week|month|year|morning"
    r"|afternoon|evening|weekend)|(?:last|next) (?:week|month|year|night))\b"
)


def why_time_bound(text: str, ttl_s: float) -> str | None:
    """`what is the latest version` may have another answer than `the latest version?` had last week."""
    if ttl_s <= SHORT_TTL_S:
        return None
    found = _TIME_BOUND.search(text.lower())
    return f"asks about a time: {found.group()}" if found else None
