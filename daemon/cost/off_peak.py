"""Hours in which a provider bills less, as litellm's table states them (`off_peak_pricing`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Hours:
    """From `begins` up to, not including, `ends`, times of the UTC day; past midnight where `ends` is not later.

    `weekdays` are those of the ISO calendar (Monday is 1) in `zone`.
    """

    begins: time
    ends: time
    weekdays: frozenset[int]
    zone: ZoneInfo

    def hold(self, moment: datetime) -> bool:
        if moment.astimezone(self.zone).isoweekday() not in self.weekdays:
            return False
        at = moment.astimezone(UTC).time()
        if self.begins < self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def hours_of(rules: Mapping[str, Any]) -> tuple[Hours, ...]:
    """The hours of an entry's `off_peak_pricing`.

    Raises:
        ValueError, KeyError, TypeError: it is not written as it was known to be.
    """
    return tuple(_hours(rules))


def _hours(rules: Mapping[str, Any]) -> Iterator[Hours]:
    zone = ZoneInfo(rules.get("weekday_timezone", "UTC"))
    for window in (rules, *rules.get("windows", ())):
        spans = window.get("hours_utc", ())
        for span in (spans,) if isinstance(spans, str) else spans:
            begins, ends = map(time.fromisoformat, span.split("-"))
            yield Hours(begins, ends, frozenset(window.get("weekdays", EVERY_DAY)), zone)
