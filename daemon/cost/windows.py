"""The calendar of budgets: which hour, day, week or month a moment falls in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from zoneinfo import ZoneInfo

from ..settings import WindowName


@dataclass(frozen=True, slots=True)
class Window:
    """One instance of a window, from `starts_at` up to, not including, `resets_at`; both in UTC.

    Both are None for `total`, which never ends. `label` names the instance: its first moment on the
    local calendar with its offset, so the hour that comes twice when clocks go back is two instances.
    """

    label: str
    starts_at: datetime | None
    resets_at: datetime | None


TOTAL = Window("", None, None)


def window_at(name: WindowName, moment: datetime, zone: ZoneInfo) -> Window:
    """The instance of window `name` that holds the aware `moment`; weeks begin on Monday."""
    if name == "total":
        return TOTAL
    if name == "hour":
        return _hour(moment, zone)
    first, after = _days(name, moment.astimezone(zone).date())
    return _window(_midnight(first, zone), _midnight(after, zone), zone)


def _hour(moment: datetime, zone: ZoneInfo) -> Window:
    local = moment.astimezone(zone)
    into_it = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    start = moment.astimezone(UTC) - into_it
    return _window(start, start + timedelta(hours=1), zone)


def _days(name: WindowName, today: date) -> tuple[date, date]:
    """The first day of the window and the first day after it."""
    if name == "day":
        return today, today + timedelta(days=1)
    if name == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=7)
    first = today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins there. Where clocks skip midnight this is the moment of the skip, since
    `fold=0` takes the offset that held before."""
    return datetime.combine(day, wall_time.min, tzinfo=zone).astimezone(UTC)


def _window(start: datetime, end: datetime, zone: ZoneInfo) -> Window:
    return Window(start.astimezone(zone).isoformat(timespec="minutes"), start, end)
