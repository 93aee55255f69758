"""The time of budgets: which hour, day, week or month a moment falls in, and what a rolling window looks back on.

A rolling window is counted in steps, so that it can be summed by any store: a step counts as long as any of it lies
within the window. What is spent in any stretch of the window's length never passes the limit, and room comes back at
most a step late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from zoneinfo import ZoneInfo

from ..settings import WindowName
from ..window_names import rolling_s

STEPS = 60
"""In a rolling window: minutes of an hour, 24 minutes of a day. Lengths are whole minutes, so steps whole seconds."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time whose spending is counted apart, from `starts_at` up to, not including, `ends_at`; in UTC.

    It counts until `counts_until`. All are None for `total`, which never ends. `label` tells it from others.
    """

    label: str
    starts_at: datetime | None
    ends_at: datetime | None
    counts_until: datetime | None


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


def stretches_at(name: WindowName, moment: datetime, zone: ZoneInfo) -> tuple[Stretch, ...]:
    """All that count in window `name` at the aware `moment`, oldest first; the last one holds it."""
    length_s = rolling_s(name)
    if length_s is None:
        window = window_at(name, moment, zone)
        return (Stretch(window.label, window.starts_at, window.resets_at, window.resets_at),)
    step_s = length_s // STEPS
    current = int(moment.timestamp()) // step_s
    return tuple(_step(number * step_s, step_s, length_s) for number in range(current - STEPS, current + 1))


def window_at(name: WindowName, moment: datetime, zone: ZoneInfo) -> Window:
    """The instance of the calendar's window `name` that holds the aware `moment`; weeks begin on Monday."""
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


def _step(start_s: int, step_s: int, length_s: int) -> Stretch:
    starts_at = datetime.fromtimestamp(start_s, UTC)
    ends_at = starts_at + timedelta(seconds=step_s)
    return Stretch(starts_at.isoformat(timespec="seconds"), starts_at, ends_at, ends_at + timedelta(seconds=length_s))


def _window(start: datetime, end: datetime, zone: ZoneInfo) -> Window:
    return Window(start.astimezone(zone).isoformat(timespec="minutes"), start, end)
