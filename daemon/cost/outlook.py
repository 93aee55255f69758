"""Where spending is going: its course over a period, and what the month will come to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from ..spend_sums import HourSum
from .money import LEDGER_STEP

HOURLY_UP_TO = timedelta(hours=48)
"""A longer period's course is told day by day."""

LEARNED_FROM = timedelta(days=28)
LEAST_DAYS = 3
WEEKDAYS_FROM_DAYS = 14
"""From two of each weekday on, each is expected to be like itself."""

_ZERO_USD = Decimal(0)


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or day of a period's course; `label` is `2026-11-25` or `2026-11-25T14`."""

    label: str
    cost_usd: Decimal
    saved_usd: Decimal


@dataclass(frozen=True, slots=True)
class MonthOutlook:
    """What the present month has cost, and what it will at this pace."""

    month: str
    spent_usd: Decimal
    projected_usd: Decimal
    days_known: int
    """Whole days that the pace was learned from."""


def course(hours: Sequence[HourSum], since: datetime, until: datetime) -> list[Step]:
    """A period's steps, empty ones included, from its first hour with anything in it; all moments are local."""
    if not hours:
        return []
    begin, is_hourly = max(since, hours[0].hour), until - since <= HOURLY_UP_TO
    form, step = ("%Y-%m-%dT%H", timedelta(hours=1)) if is_hourly else ("%Y-%m-%d", timedelta(days=1))
    found: defaultdict[str, list[HourSum]] = defaultdict(list)
    for each in hours:
        found[each.hour.strftime(form)].append(each)
    at = begin.replace(minute=0, second=0, microsecond=0) if is_hourly else _midnight(begin)
    steps = []
    while at < until:
        of_step = found[at.strftime(form)]
        cost_usd = sum((each.cost_usd for each in of_step), _ZERO_USD)
        steps.append(Step(at.strftime(form), cost_usd, sum((each.saved_usd for each in of_step), _ZERO_USD)))
        at += step
    return steps


def month_outlook(hours: Sequence[HourSum], now: datetime) -> MonthOutlook | None:
    """The month of the local moment `now`, from the hours since `LEARNED_FROM` or the month's beginning, whichever is
    earlier; None before `LEAST_DAYS` whole days are known.

    What is left of today and each later day are expected to be like the days of the last four weeks: like those of
    the same weekday, or like all of them while there are less than two of each.
    """
    today, by_day = now.date(), _by_day(hours)
    known = _days(max(min(by_day, default=today), (now - LEARNED_FROM).date()), today)
    if len(known) < LEAST_DAYS:
        return None
    spent_usd = sum(
        (usd for day, usd in by_day.items() if (day.year, day.month) == (today.year, today.month)), _ZERO_USD
    )
    rest_of_today = Decimal(1) - Decimal((now - _midnight(now)).seconds) / 86_400
    ahead_usd = _expected(today, known, by_day) * rest_of_today
    for day in _days(today + timedelta(days=1), _first_of_next_month(today)):
        ahead_usd += _expected(day, known, by_day)
    projected_usd = (spent_usd + ahead_usd).quantize(LEDGER_STEP)
    return MonthOutlook(today.strftime("%Y-%m"), spent_usd, projected_usd, len(known))


def first_hour_needed(now: datetime) -> datetime:
    """From when on `month_outlook` wants to know the hours."""
    return min(now - LEARNED_FROM, now.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def _expected(day: date, known: Sequence[date], by_day: dict[date, Decimal]) -> Decimal:
    alike = [other for other in known if other.weekday() == day.weekday()]
    if len(known) < WEEKDAYS_FROM_DAYS:
        alike = list(known)
    return sum((by_day.get(other, _ZERO_USD) for other in alike), _ZERO_USD) / len(alike)


def _by_day(hours: Sequence[HourSum]) -> dict[date, Decimal]:
    by_day: defaultdict[date, Decimal] = defaultdict(Decimal)
    for each in hours:
        by_day[each.hour.date()] += each.cost_usd
    return dict(by_day)


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((end - first).days)]


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)
