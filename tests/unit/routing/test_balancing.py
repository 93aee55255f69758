"""Which of several targets answers: by what they have to do, how long they take, what they cost."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from decimal import Decimal

import pytest

from daemon.exchange import Target
from daemon.routing.balancing import HOME_KEPT_S, HOMES_KEPT, Asking, Balancer
from daemon.routing.loads import FORGETS_S, Loads
from daemon.routing.route import Route, Sharing

A, B, C, SPARE = (Target(name, "m") for name in ("a", "b", "c", "spare"))


@pytest.fixture
def loads(clock):
    return Loads(clock)


@pytest.fixture
def balancer(clock, loads):
    return Balancer(clock, loads)


def route(strategy, *, sticky=False, shares=(1.0, 1.0, 1.0)) -> Route:
    return Route((A, B, C, SPARE), Sharing(shares, strategy, sticky))


ANY = Asking()


def first(balancer, shared, asking=ANY) -> Target:
    return balancer.in_order(shared, asking)[0]


def test_without_stickiness_each_request_finds_a_target_by_weight(balancer):
    shared = route("weighted", shares=(3.0, 1.0, 1.0))
    counts = Counter(first(balancer, shared, Asking(b"one conversation")) for _ in range(5_000))

    assert 0.55 < counts[A] / 5_000 < 0.65
    assert {A, B, C} == set(counts)


@pytest.mark.parametrize("strategy", ["weighted", "least_busy", "lowest_latency", "cheapest"])
def test_all_that_share_are_asked_before_the_fallbacks(balancer, strategy):
    ordered = balancer.in_order(route(strategy), Asking())

    assert {A, B, C} == set(ordered[:3])
    assert SPARE == ordered[3]


def test_the_least_busy_has_the_fewest_calls_for_its_share(balancer, loads):
    with ExitStack() as calls:
        for target in (A, A, A, B, B, C):
            calls.enter_context(loads.under_way(target))

        assert C == first(balancer, route("least_busy"))
        assert A == first(balancer, route("least_busy", shares=(10.0, 1.0, 1.0)))
    assert [0, 0, 0] == [loads.busy(target) for target in (A, B, C)]


def test_calls_that_come_at_once_spread_over_the_least_busy(balancer, loads):
    with ExitStack() as calls:
        for _ in range(30):
            calls.enter_context(loads.under_way(first(balancer, route("least_busy"))))

        assert [10, 10, 10] == [loads.busy(target) for target in (A, B, C)]


def measured(loads, **seconds):
    for name, took_s in seconds.items():
        loads.began_to_answer(Target(name, "m"), took_s, stream=False)


def test_the_quickest_of_late_is_asked(balancer, loads):
    measured(loads, a=0.9, b=0.2, c=0.5)

    assert (B, C, A, SPARE) == balancer.in_order(route("lowest_latency"), Asking())


def test_who_was_never_measured_is_asked_by_one_call_at_a_time(balancer, loads):
    measured(loads, a=0.9, b=0.2)

    assert C == first(balancer, route("lowest_latency"))
    with loads.under_way(C):
        assert B == first(balancer, route("lowest_latency"))


def test_the_quickest_is_not_buried(balancer, loads):
    """Calls that would have to wait behind others go to the next one."""
    measured(loads, a=0.9, b=0.2, c=0.5)
    with ExitStack() as calls:
        for _ in range(2):
            calls.enter_context(loads.under_way(B))

        assert C == first(balancer, route("lowest_latency"))


def test_a_peak_counts_at_once_and_is_forgotten_by_itself(balancer, loads, clock):
    measured(loads, a=0.3, b=0.2, c=0.5)
    measured(loads, b=20.0)
    after_the_peak = first(balancer, route("lowest_latency"))
    clock.at_s += 5 * FORGETS_S
    measured(loads, a=0.3, c=0.5)

    assert [A, B] == [after_the_peak, first(balancer, route("lowest_latency"))]


def test_streams_are_measured_by_themselves(balancer, loads):
    measured(loads, a=0.2, b=0.9, c=0.9)
    for target, took_s in ((A, 0.9), (B, 0.2), (C, 0.9)):
        loads.began_to_answer(target, took_s, stream=True)

    assert [A, B] == [first(balancer, route("lowest_latency"), Asking(stream=stream)) for stream in (False, True)]


def test_the_cheapest_comes_first_and_who_has_no_price_last(balancer):
    asking = Asking(usd={B: Decimal("0.002"), C: Decimal("0.001")})

    assert (C, B, A, SPARE) == balancer.in_order(route("cheapest"), asking)


def test_a_conversation_stays_where_it_was_answered(balancer, loads, clock):
    shared, asking = route("lowest_latency", sticky=True), Asking(b"hello")
    measured(loads, a=0.9, b=0.2, c=0.5)
    balancer.answered(shared, asking, A)
    at_home = first(balancer, shared, asking)
    another = first(balancer, shared, Asking(b"good day"))
    clock.at_s += HOME_KEPT_S
    measured(loads, a=0.9, b=0.2, c=0.5)

    assert [A, B, B] == [at_home, another, first(balancer, shared, asking)]


def test_the_answer_of_a_fallback_is_nobodys_home(balancer, loads):
    shared, asking = route("lowest_latency", sticky=True), Asking(b"hello")
    measured(loads, a=0.9, b=0.2, c=0.5)
    balancer.answered(shared, asking, SPARE)

    assert B == first(balancer, shared, asking)


def test_conversations_are_remembered_in_bounded_memory(balancer, loads):
    shared = route("least_busy", sticky=True)
    for number in range(HOMES_KEPT + 1):
        balancer.answered(shared, Asking(str(number).encode()), A)
    with loads.under_way(A):
        homes = [first(balancer, shared, Asking(str(number).encode())) for number in (0, HOMES_KEPT)]

    assert homes[0] != A == homes[1]
