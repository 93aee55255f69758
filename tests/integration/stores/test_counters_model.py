"""Counters against a plain model, over any order of calls and any passing of time."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from daemon.ports.cost import CounterState, Hold

from .conftest import HandClock, MakeStore

LIMITS = {"small": 100, "large": 8_999_999_999_999_999, "none": 0}
AMOUNTS = st.integers(0, 60) | st.integers(0, 9 * 10**15)


@dataclass(eq=False)
class ModelCounter:
    settled: int = 0


@dataclass(eq=False)
class ModelLease:
    """Holds counters, not names: one that was forgotten is no longer this lease's."""

    ends_s: float
    amounts: list[tuple[ModelCounter, int]] = field(default_factory=list)


class Counters(RuleBasedStateMachine):
    def __init__(self, make_store: MakeStore) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = HandClock()
        self.store = make_store(self.clock)
        self.runner.run(self.store.open())
        # The store outlives an example: each begins with counters of its own.
        self.runner.run(self.store.forget(list(LIMITS)))
        self.counters: dict[str, ModelCounter] = {}
        self.leases: dict[str, ModelLease] = {}
        self.reserved_holds: dict[str, list[Hold]] = {}
        self.settled: set[str] = set()
        run = uuid.uuid4().hex
        self.names = (f"{run}/{number}" for number in itertools.count())

    def teardown(self) -> None:
        self.runner.run(self.store.aclose())
        self.runner.close()

    def reserved(self, counter: ModelCounter) -> int:
        return sum(
            amount
            for lease in self.leases.values()
            if lease.ends_s > self.clock.elapsed_s
            for held, amount in lease.amounts
            if held is counter
        )

    def used(self, name: str) -> int:
        counter = self.counters[name]
        return counter.settled + self.reserved(counter)

    @rule(
        wanted=st.lists(st.tuples(st.sampled_from(sorted(LIMITS)), AMOUNTS), max_size=3),
        lease_s=st.sampled_from([10.0, 60.0]),
    )
    def reserve(self, wanted: list[tuple[str, int]], lease_s: float) -> None:
        lease = next(self.names)
        holds = [Hold(name, amount, LIMITS[name]) for name, amount in wanted]
        refused = self.runner.run(self.store.reserve(lease, holds, lease_s))

        assert self.expected_refusal(holds) == refused
        if refused is None:
            amounts = [(self.counters[hold.counter], hold.amount_nanos) for hold in holds]
            self.leases[lease] = ModelLease(self.clock.elapsed_s + lease_s, amounts)
            self.reserved_holds[lease] = holds
            assert all(self.used(h.counter) <= h.limit_nanos for h in holds if h.amount_nanos)

    def expected_refusal(self, holds: list[Hold]) -> int | None:
        total: dict[str, int] = {}
        for position, hold in enumerate(holds):
            total[hold.counter] = total.get(hold.counter, 0) + hold.amount_nanos
            if hold.counter not in self.counters:
                return position
            if total[hold.counter] and total[hold.counter] + self.used(hold.counter) > hold.limit_nanos:
                return position
        return None

    @precondition(lambda self: self.reserved_holds)
    @rule(data=st.data(), spent=AMOUNTS)
    def settle(self, data: st.DataObject, spent: int) -> None:
        """Leases that live, that ended by themselves, and that were settled before."""
        lease = data.draw(st.sampled_from(sorted(self.reserved_holds)))
        holds = self.reserved_holds[lease]
        self.runner.run(self.store.settle(lease, holds, spent))

        if lease not in self.settled:
            self.settled.add(lease)
            self.leases.pop(lease, None)
            for name in {hold.counter for hold in holds} & self.counters.keys():
                self.counters[name].settled += spent

    @precondition(lambda self: self.reserved_holds)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(sorted(self.reserved_holds)))
        self.runner.run(self.store.renew(lease, 60))

        known = self.leases.get(lease)
        if known is not None and known.ends_s > self.clock.elapsed_s:
            known.ends_s = self.clock.elapsed_s + 60

    @rule(seconds=st.sampled_from([1, 9, 10, 60]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(name=st.sampled_from(sorted(LIMITS)), settled=st.integers(0, 50))
    def seed(self, name: str, settled: int) -> None:
        seeded = self.runner.run(self.store.seed(name, settled, None))

        assert (name not in self.counters) == seeded
        self.counters.setdefault(name, ModelCounter(settled))

    @rule(name=st.sampled_from(sorted(LIMITS)))
    def forget(self, name: str) -> None:
        self.runner.run(self.store.forget([name]))
        self.counters.pop(name, None)

    @invariant()
    def agrees(self) -> None:
        expected = [
            None if counter is None else CounterState(counter.settled, self.reserved(counter))
            for counter in map(self.counters.get, LIMITS)
        ]
        assert expected == self.runner.run(self.store.counters(list(LIMITS)))


@pytest.mark.parametrize("make_store", ["embedded", "redis"], indirect=True)
def test_counters_agree_with_a_plain_model(make_store: MakeStore) -> None:
    run_state_machine_as_test(
        lambda: Counters(make_store),
        settings=settings(
            max_examples=60,
            stateful_step_count=25,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
