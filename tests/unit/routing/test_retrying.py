"""Waits are short, are what a provider asks for, and are not many."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.routing.retrying import LONGEST_WAIT_S, RETRIES_AT_FIRST, RetryBudget, retry_after_s, wait_s

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:10 GMT"}, 10.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_a_providers_wish_is_read(headers, expected):
    assert expected == retry_after_s(headers, NOW)


@given(retries=st.integers(0, 2000), jitter=st.floats(0, 1))
def test_a_wait_is_never_long(retries, jitter):
    assert 0 <= wait_s(min(retries, 1000), None, lambda: jitter) <= LONGEST_WAIT_S


def test_waits_double():
    assert [0.25, 0.5, 1.0] == [wait_s(retries, None, lambda: 1.0) for retries in range(3)]


def test_a_wish_for_longer_is_left_to_the_caller():
    assert (3.0, None) == (wait_s(0, 3.0), wait_s(0, 60.0))


def test_a_budget_is_filled_by_calls_and_never_overflows():
    budget = RetryBudget()
    for _ in range(1_000):
        budget.called()
    taken = sum(budget.take() for _ in range(100))
    for _ in range(21):
        budget.called()

    assert int(RETRIES_AT_FIRST) == taken
    assert [True, True, False] == [budget.take() for _ in range(3)]
