"""Since when: `7d`, `today`, `month`, a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from .diagnostics import UsageMistake

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def start_of(text: str, now: datetime) -> datetime:
    """When `7d`, `24h`, `today`, `week`, `month`, `all` or an ISO date began, in the time zone of `now`.

    Raises:
        UsageMistake: it is none of these.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {
        "today": midnight,
        "week": midnight - timedelta(days=now.weekday()),
        "month": midnight.replace(day=1),
        "all": datetime(1970, 1, 1, tzinfo=UTC),
    }
    try:
        if text in named:
            return named[text]
        if found := re.fullmatch(r"(\d+)([mhdw])", text):
            return now - timedelta(**{UNITS[found[2]]: int(found[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageMistake(f"--since {text}: expected 7d, 24h, today, month, all or a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
