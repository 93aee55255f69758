"""What every store promises about budget counters."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from daemon.adapters.store_redis import RedisStore
from daemon.ports.cost import NODE_LEASE, CounterState, Hold
from daemon.ports.storage import Store

from .conftest import NOW, HandClock, MakeStore

TEAM = Hold("team:research/month/2026-11", 60, 100)
ALL = Hold("all/total", 60, 1000)
TIGHT = Hold("user:ann/day/2026-11-21", 60, 59)
LARGEST = 8_999_999_999_999_999
"""Just below nine million dollars in nano-dollars, and below 2^53."""


@pytest.fixture
async def store(store: Store) -> Store:
    """A store that knows the counters of these tests."""
    for hold in (TEAM, ALL, TIGHT):
        await store.seed(hold.counter, 0, NOW + 3600)
    return store


async def state(store: Store, counter: str) -> tuple[int, int]:
    (known,) = await store.counters([counter])
    assert known is not None
    return known.settled_nanos, known.reserved_nanos


async def test_every_hold_is_set_aside(store: Store) -> None:
    assert await store.reserve("lease", [TEAM, ALL], 60) is None

    assert [CounterState(0, 60), None, CounterState(0, 60)] == await store.counters(
        [TEAM.counter, "unknown", ALL.counter]
    )


async def test_where_one_does_not_fit_nothing_changes_and_its_position_is_told(store: Store) -> None:
    assert 1 == await store.reserve("lease", [TEAM, TIGHT, ALL], 60)
    assert [CounterState(0, 0)] * 3 == await store.counters([TEAM.counter, TIGHT.counter, ALL.counter])


async def test_a_counter_that_is_not_known_has_no_room(store: Store) -> None:
    """A store that has lost its data lets nothing be spent twice: the ledger is asked first."""
    await store.reserve("before", [TEAM], 60)
    await store.forget([TEAM.counter])

    assert 1 == await store.reserve("lease", [ALL, TEAM], 60)
    assert 0 == await store.reserve("free", [replace(TEAM, amount_nanos=0)], 60)
    await store.settle("before", [TEAM], 25)
    assert [None] == await store.counters([TEAM.counter])


async def test_settled_and_reserved_together_never_pass_the_limit(store: Store) -> None:
    assert await store.reserve("first", [TEAM], 60) is None
    assert 0 == await store.reserve("second", [TEAM], 60)
    await store.settle("first", [TEAM], 41)

    assert 0 == await store.reserve("third", [TEAM], 60)
    assert await store.reserve("fourth", [replace(TEAM, amount_nanos=59)], 60) is None
    assert (41, 59) == await state(store, TEAM.counter)


async def test_two_holds_on_one_counter_are_held_together(store: Store) -> None:
    assert 1 == await store.reserve("too much", [TEAM, TEAM], 60)
    half = replace(TEAM, amount_nanos=50)
    assert await store.reserve("just fits", [half, half], 60) is None
    assert (0, 100) == await state(store, TEAM.counter)

    await store.settle("just fits", [half, half], 70)
    assert (70, 0) == await state(store, TEAM.counter)


async def test_what_stands_beside_a_counter_counts_against_its_limit(store: Store) -> None:
    """A rolling window: what was spent and is held in its earlier stretches leaves so much less room."""
    await store.seed("earlier", 30, NOW + 3600)
    await store.reserve("held earlier", [Hold("earlier", 5, 100)], 60)
    rolling = replace(TEAM, amount_nanos=65, beside=("earlier",))

    assert 1 == await store.reserve("too much", [ALL, replace(rolling, amount_nanos=66)], 60)
    assert await store.reserve("just fits", [ALL, rolling], 60) is None
    assert (30, 5) == await state(store, "earlier")
    assert (0, 65) == await state(store, TEAM.counter)


async def test_where_a_counter_beside_is_not_known_there_is_no_room(store: Store) -> None:
    assert 0 == await store.reserve("lease", [replace(TEAM, beside=("lost",))], 60)


@pytest.mark.parametrize("make_store", ["redis", "redis-cluster"], indirect=True)
async def test_what_nodes_set_aside_is_told_apart(store: Store) -> None:
    await store.reserve(f"{NODE_LEASE}1", [TEAM], 60)
    await store.reserve("call", [replace(TEAM, amount_nanos=10)], 60)
    assert [CounterState(0, 70, 60)] == await store.counters([TEAM.counter])

    await store.settle(f"{NODE_LEASE}1", [TEAM], 25)
    assert [CounterState(25, 10, 0)] == await store.counters([TEAM.counter])


async def test_settling_ends_the_lease_and_counts_what_was_spent(store: Store) -> None:
    await store.reserve("lease", [TEAM, ALL], 60)
    await store.settle("lease", [TEAM, ALL], 25)

    assert [CounterState(25, 0), CounterState(25, 0)] == await store.counters([TEAM.counter, ALL.counter])


async def test_a_lease_is_settled_once(store: Store) -> None:
    await store.reserve("lease", [TEAM], 60)
    await store.settle("lease", [TEAM], 25)
    await store.settle("lease", [TEAM], 25)

    assert (25, 0) == await state(store, TEAM.counter)


async def test_more_may_be_spent_than_was_held(store: Store) -> None:
    """It was spent, so it is counted; what costs nothing still goes through."""
    await store.reserve("lease", [TEAM], 60)
    await store.settle("lease", [TEAM], 250)

    assert (250, 0) == await state(store, TEAM.counter)
    assert 0 == await store.reserve("next", [replace(TEAM, amount_nanos=1)], 60)
    free = replace(TEAM, amount_nanos=0)
    assert await store.reserve("free", [free], 60) is None
    await store.settle("free", [free], 0)
    assert (250, 0) == await state(store, TEAM.counter)


async def test_a_lease_ends_by_itself(store: Store, clock: HandClock) -> None:
    await store.reserve("lease", [TEAM], 60)
    clock.advance(59)
    assert 0 == await store.reserve("early", [TEAM], 60)
    clock.advance(1)

    assert (0, 0) == await state(store, TEAM.counter)
    assert await store.reserve("late", [TEAM], 60) is None


async def test_money_is_counted_even_where_the_lease_has_ended_by_itself(store: Store, clock: HandClock) -> None:
    await store.reserve("lease", [TEAM], 60)
    clock.advance(61)
    await store.settle("lease", [TEAM], 25)
    await store.settle("lease", [TEAM], 25)

    assert (25, 0) == await state(store, TEAM.counter)


async def test_a_renewed_lease_lives_from_then_on(store: Store, clock: HandClock) -> None:
    await store.reserve("lease", [TEAM], 60)
    clock.advance(59)
    await store.renew("lease", 60)
    clock.advance(59)
    assert (0, 60) == await state(store, TEAM.counter)
    clock.advance(1)
    assert (0, 0) == await state(store, TEAM.counter)


async def test_renewing_does_not_bring_a_lease_back(store: Store, clock: HandClock) -> None:
    await store.reserve("ended", [TEAM], 60)
    await store.reserve("settled", [ALL], 600)
    clock.advance(60)
    await store.settle("settled", [ALL], 1)
    for lease in ("ended", "settled", "unknown"):
        await store.renew(lease, 600)

    assert [CounterState(0, 0), CounterState(1, 0)] == await store.counters([TEAM.counter, ALL.counter])


async def test_a_counter_is_seeded_only_where_it_is_not_known(store: Store) -> None:
    await store.forget([TEAM.counter])
    assert await store.seed(TEAM.counter, 90, NOW + 3600) is True
    assert await store.seed(TEAM.counter, 0, NOW + 3600) is False

    assert (90, 0) == await state(store, TEAM.counter)
    assert 0 == await store.reserve("lease", [TEAM], 60)


async def test_what_is_settled_is_raised_and_never_lowered(store: Store) -> None:
    await store.seed("all", 10, None)
    await store.settled_at_least("all", 25)
    await store.settled_at_least("all", 20)
    await store.settled_at_least("unheard-of", 5)

    assert [CounterState(25, 0), None] == await store.counters(["all", "unheard-of"])


async def test_a_forgotten_counter_is_unknown(store: Store) -> None:
    await store.seed(TEAM.counter, 90, None)
    await store.forget([TEAM.counter, "never known"])
    await store.forget([])

    assert [None] == await store.counters([TEAM.counter])


async def test_a_lease_on_a_forgotten_counter_frees_nothing_of_its_successor(store: Store, clock: HandClock) -> None:
    """A budget that is removed and set again while calls are in flight begins anew, and stays right."""
    await store.reserve("settled later", [replace(TEAM, amount_nanos=30)], 60)
    await store.reserve("ends by itself", [replace(TEAM, amount_nanos=30)], 60)
    await store.forget([TEAM.counter])
    await store.seed(TEAM.counter, 0, NOW + 3600)
    await store.reserve("new", [TEAM], 600)
    await store.settle("settled later", [TEAM], 5)
    clock.advance(61)

    assert (5, 60) == await state(store, TEAM.counter)


async def test_reserving_a_lease_twice_holds_it_once(store: Store) -> None:
    await store.reserve("lease", [TEAM], 60)

    assert await store.reserve("lease", [TEAM], 60) is None
    assert (0, 60) == await state(store, TEAM.counter)


async def test_a_lease_without_holds_is_allowed(store: Store) -> None:
    assert await store.reserve("lease", [], 60) is None
    await store.renew("lease", 60)
    await store.settle("lease", [], 5)


@pytest.mark.parametrize("spent", [LARGEST, LARGEST - 1, 1])
async def test_the_largest_amounts_are_exact(store: Store, spent: int) -> None:
    hold = Hold("all/total", LARGEST, LARGEST)
    one = replace(hold, amount_nanos=1)
    assert await store.reserve("most", [replace(hold, amount_nanos=LARGEST - 1)], 60) is None
    assert await store.reserve("one more", [one], 60) is None
    assert 0 == await store.reserve("one too many", [one], 60)
    assert (0, LARGEST) == await state(store, hold.counter)

    await store.settle("one more", [one], 0)
    await store.settle("most", [hold], spent)
    assert (spent, 0) == await state(store, hold.counter)
    left = LARGEST - spent
    assert 0 == await store.reserve("too much", [replace(hold, amount_nanos=left + 1)], 60)
    assert await store.reserve("the rest", [replace(hold, amount_nanos=left)], 60) is None


async def test_concurrent_reservations_let_through_exactly_what_fits(
    store: Store, make_store: MakeStore, clock: HandClock
) -> None:
    """Two nodes of one Redis; a second embedded store has counters of its own, so there it is one."""
    nodes = [store]
    if isinstance(store, RedisStore):
        nodes.append(make_store(clock))
        await nodes[1].open()
    hold = Hold("team:research/month/2026-11", 5, 100)
    outcomes = await asyncio.gather(
        *(nodes[number % len(nodes)].reserve(f"lease {number}", [hold], 60) for number in range(200))
    )

    assert 20 == outcomes.count(None)
    assert (0, 100) == await state(store, hold.counter)
    for node in nodes[1:]:
        await node.aclose()
