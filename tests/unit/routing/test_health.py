"""A provider that is unwell goes to the end of the line and comes back by itself."""

from __future__ import annotations

import pytest

from daemon.exchange import Target
from daemon.routing.health import FAILURES_IN_A_ROW, LONGEST_COOLDOWN_S, PROBE_S, SHORTEST_COOLDOWN_S, Health

A, A2, B = Target("a", "m"), Target("a", "other"), Target("b", "m")


@pytest.fixture
def health(clock):
    return Health(clock, jitter=lambda: 0.0)


def fail(health, target, times=FAILURES_IN_A_ROW):
    for _ in range(times):
        health.failed(target)


def test_all_are_well_at_first(health):
    assert [A, B] == health.in_order([A, B])


def test_failures_in_a_row_send_all_of_a_provider_to_the_end(health):
    fail(health, A)

    assert [B, A] == health.in_order([A, B])
    assert [B, A2] == health.in_order([A2, B])
    assert {"a": SHORTEST_COOLDOWN_S} == health.unwell()


def test_an_answer_between_failures_begins_the_count_anew(health):
    fail(health, A, FAILURES_IN_A_ROW - 1)
    health.answered(A)
    fail(health, A, FAILURES_IN_A_ROW - 1)

    assert [A, B] == health.in_order([A, B])


def test_after_the_cooldown_one_call_is_the_probe(health, clock):
    fail(health, A)
    clock.at_s += SHORTEST_COOLDOWN_S

    assert [A, B] == health.in_order([A, B])
    health.asked(A)
    assert [B, A] == health.in_order([A, B])


def test_a_probe_that_is_answered_closes_the_breaker(health, clock):
    fail(health, A)
    clock.at_s += SHORTEST_COOLDOWN_S
    health.asked(A)
    health.answered(A)

    assert [A, B] == health.in_order([A, B])
    assert {} == health.unwell()


def test_a_probe_that_fails_doubles_the_cooldown_up_to_a_bound(health, clock):
    fail(health, A)
    waits = []
    for _ in range(6):
        waits.append(health.unwell()["a"])
        clock.at_s += waits[-1]
        health.asked(A)
        health.failed(A)

    assert [5.0, 10.0, 20.0, 40.0, LONGEST_COOLDOWN_S, LONGEST_COOLDOWN_S] == waits


def test_a_probe_that_says_nothing_is_not_waited_for_without_end(health, clock):
    fail(health, A)
    clock.at_s += SHORTEST_COOLDOWN_S
    health.asked(A)
    clock.at_s += PROBE_S

    assert [A, B] == health.in_order([A, B])


def test_a_rate_limit_is_one_models_and_lasts_as_long_as_was_asked(health, clock):
    health.limited(A, 7.0)

    assert [B, A] == health.in_order([A, B])
    assert [A2, B] == health.in_order([A2, B])
    clock.at_s += 7.0
    assert [A, B] == health.in_order([A, B])


def test_where_all_are_unwell_the_soonest_well_comes_first(health):
    health.limited(A, 9.0)
    health.limited(B, 3.0)

    assert [B, A] == health.in_order([A, B])
