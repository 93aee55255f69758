"""The course of a period, and what the month will come to."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from daemon.cost.outlook import course, month_outlook
from daemon.spend_sums import HourSum

NOW = datetime(2026, 11, 25, 12)
"""A Wednesday."""


def hour(at: datetime, usd: str = "1", saved_usd: str = "0") -> HourSum:
    return HourSum(at, 1, 0, Decimal(usd), Decimal(saved_usd))


def days(first: datetime, count: int, usd: str = "1") -> list[HourSum]:
    return [hour(first + timedelta(days=number), usd) for number in range(count)]


def test_days_without_anything_are_steps_too():
    found = course(
        [hour(datetime(2026, 11, 22, 9), "2"), hour(datetime(2026, 11, 24, 9), "3")], NOW - timedelta(7), NOW
    )

    assert [("2026-11-22", 2), ("2026-11-23", 0), ("2026-11-24", 3), ("2026-11-25", 0)] == [
        (step.label, step.cost_usd) for step in found
    ]


def test_a_short_period_is_told_by_the_hour():
    found = course([hour(datetime(2026, 11, 25, 10), "2", "5")], NOW - timedelta(hours=24), NOW)

    assert [("2026-11-25T10", 2, 5), ("2026-11-25T11", 0, 0)] == [
        (step.label, step.cost_usd, step.saved_usd) for step in found
    ]


@given(st.dictionaries(st.integers(0, 719), st.decimals(0, 100, places=12), max_size=30))
def test_the_steps_add_up_to_the_hours(spent):
    begin = datetime(2026, 10, 26)
    hours = [hour(begin + timedelta(hours=at), str(usd)) for at, usd in sorted(spent.items())]

    found = course(hours, begin, begin + timedelta(days=30))

    assert sum(each.cost_usd for each in hours) == sum(step.cost_usd for step in found)


def test_a_steady_pace_goes_on_to_the_end_of_the_month():
    """24 days at a dollar; half of today and five more days are to come."""
    found = month_outlook(days(datetime(2026, 11, 1), 24), NOW)

    assert ("2026-11", 24, Decimal("29.5"), 24) == (found.month, found.spent_usd, found.projected_usd, found.days_known)


def test_weekends_are_expected_to_be_like_weekends():
    hours = [each for each in days(datetime(2026, 10, 28), 28) if each.hour.weekday() < 5]

    found = month_outlook(hours, NOW)

    assert Decimal(17) == found.spent_usd  # the weekdays of November up to the 24th
    assert Decimal("20.5") == found.projected_usd  # half of Wednesday, Thursday, Friday, Monday


def test_two_days_are_no_pace():
    assert month_outlook(days(datetime(2026, 11, 23), 2), NOW) is None
    assert month_outlook([], NOW) is None
