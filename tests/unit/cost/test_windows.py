"""Budgets run on the calendar of the configured time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cost.windows import STEPS, TOTAL, stretches_at, window_at
from daemon.window_names import is_window, rolling_s

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/Havana", "Asia/Kolkata", "America/Santiago")]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("name", "starts_at", "resets_at"),
    [
        ("hour", "2026-11-21T21:00+00:00", "2026-11-21T22:00+00:00"),
        ("day", "2026-11-20T23:00+00:00", "2026-11-21T23:00+00:00"),
        ("week", "2026-11-15T23:00+00:00", "2026-11-22T23:00+00:00"),
        ("month", "2026-10-31T23:00+00:00", "2026-11-30T23:00+00:00"),
    ],
)
def test_a_window_is_the_calendars(name, starts_at, resets_at):
    window = window_at(name, moment("2026-11-21T21:08+00:00"), BERLIN)

    assert (moment(starts_at), moment(resets_at)) == (window.starts_at, window.resets_at)


def test_the_total_never_ends():
    assert TOTAL == window_at("total", moment("2026-11-21T21:08+00:00"), BERLIN)


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_a_day_on_which_clocks_change_is_shorter_or_longer(day, hours):
    window = window_at("day", moment(f"{day}T12:00+00:00"), BERLIN)

    assert timedelta(hours=hours) == window.resets_at - window.starts_at


def test_the_hour_that_comes_twice_is_two_hours():
    first, second = (window_at("hour", moment(f"2026-10-25T0{hour}:30+00:00"), BERLIN) for hour in (0, 1))

    assert ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00") == (first.label, second.label)
    assert first.resets_at == second.starts_at


def test_a_midnight_that_clocks_skip_is_the_moment_of_the_skip():
    window = window_at("day", moment("2026-09-06T12:00+00:00"), ZoneInfo("America/Santiago"))

    assert (moment("2026-09-06T04:00+00:00"), timedelta(hours=23)) == (
        window.starts_at,
        window.resets_at - window.starts_at,
    )


@given(
    st.sampled_from(["hour", "day", "week", "month"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
)
def test_each_moment_is_in_one_instance_and_the_next_begins_where_it_ends(name, now, zone):
    window = window_at(name, now, zone)

    assert window.starts_at <= now < window.resets_at
    assert window == window_at(name, window.starts_at, zone)
    assert window.resets_at == window_at(name, window.resets_at, zone).starts_at


@given(
    st.sampled_from(["rolling:1m", "rolling:7m", "rolling:24h", "rolling:30d"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.floats(0, 2),
)
def test_a_rolling_window_counts_what_lies_within_its_length_and_at_most_a_step_more(name, now, lengths_ago):
    length = timedelta(seconds=rolling_s(name))
    moment = now - lengths_ago * length
    counted = stretches_at(name, now, BERLIN)

    is_counted = any(stretch.starts_at <= moment < stretch.ends_at for stretch in counted)
    assert is_counted or moment <= now - length
    assert not is_counted or moment >= now - length - length / STEPS
    assert all(stretch.counts_until > now for stretch in counted)
    assert counted[-1].starts_at <= now < counted[-1].ends_at


@pytest.mark.parametrize("name", ["rolling:0h", "rolling:24", "rolling:24w", "rolling:367d", "rolling", "year", ""])
def test_other_names_are_no_windows(name):
    assert not is_window(name)
