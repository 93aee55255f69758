"""Three nodes on one store, each cut off from it now and then: together they never pass the limit.

A token costs a nano-dollar, and calls usually write ten.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from daemon.adapters.counters_memory import MemoryCounters
from daemon.cost import admission
from daemon.cost.admission import Admission, Admitted
from daemon.cost.habits import Habits
from daemon.cost.limits import Counter, Limit
from daemon.cost.needs import Need
from daemon.cost.slices import CLOCKS_APART_S, LEAST_CALLS, SLICE_LEASE_S, SLICES_IN_A_ROOM
from daemon.errors import BudgetExceeded, StoreUnavailable
from daemon.exchange import Target

from .conftest import HandClock, MakeStore

LIMIT, USUAL = 10_000, 10
TARGET = Target("openai", "gpt-test")
STEP_S = 5
LONGEST_CUT_S = SLICE_LEASE_S - CLOCKS_APART_S - STEP_S


class Wire:
    """The way of one node to the store, which can be cut."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.cut_for_s: float | None = None

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if self.cut_for_s is not None:
                raise StoreUnavailable("cut off")
            return await getattr(self._store, name)(*arguments)

        return call


@dataclass
class OpenCall:
    node: int
    lease: str
    admitted: Admitted
    nanos: int


class Fleet(RuleBasedStateMachine):
    def __init__(self, make_store: Callable[[HandClock], Any]) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = HandClock()
        self.store = make_store(self.clock)
        name = uuid.uuid4().hex
        counter = Counter(f"team:{name}/total/", None, None, None)
        self.limit = Limit(f"team:{name}", "total", Decimal(0), LIMIT, 80, "", (counter,), None, None)
        self.habits = Habits()
        self.habits.saw_output(TARGET, USUAL)
        self.wires = [Wire(self.store) for _ in range(3)]
        self.nodes = [Admission(wire, nothing_spent, self.clock, is_shared=True) for wire in self.wires]  # type: ignore[arg-type]
        self.ids = (f"{name}-{number}" for number in itertools.count())
        self.calls: dict[str, OpenCall] = {}
        self.settled = 0
        for node in range(3):
            self.ask(node, USUAL)
        self.time_passes(1)

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        """Once all are together again and every call has ended, the store knows what was spent to the nano-dollar."""
        for wire in self.wires:
            wire.cut_for_s = None
        for lease in list(self.calls):
            self.end(lease, self.calls[lease].nanos)
        for node in self.nodes:
            self.run(node.tend())
            self.run(node.aclose())
        [standing] = self.run(self.nodes[0].standings([self.limit]))
        assert (self.settled, 0) == (standing.settled_nanos, standing.held_nanos)
        if hasattr(self.store, "aclose"):
            self.run(self.store.aclose())
        self.runner.close()

    def end(self, lease: str, spent: int) -> None:
        call = self.calls.pop(lease)
        self.run(self.nodes[call.node].settle(lease, call.admitted.holds, spent))
        self.settled += spent

    @rule(node=st.integers(0, 2), calls=st.integers(1, 6), wanted=st.integers(1, 60))
    def ask_often(self, node: int, calls: int, wanted: int) -> None:
        for _ in range(calls):
            self.ask(node, wanted)

    def ask(self, node: int, wanted: int) -> None:
        lease = next(self.ids)
        need = Need(Decimal(0), Decimal("1e-9"), wanted, self.habits.of(TARGET))
        own = self.nodes[node]._slices._slices.get(self.limit.counter.name)  # type: ignore[union-attr]
        is_cut = self.wires[node].cut_for_s is not None
        can_go_on = own is not None and own.is_good(self.clock.monotonic_s()) and own.free_nanos >= min(wanted, USUAL)
        try:
            admitted = self.run(self.nodes[node].admit(lease, [self.limit], need))
        except StoreUnavailable:
            assert is_cut and not can_go_on
            return
        except BudgetExceeded:
            assert not is_cut
            return
        self.calls[lease] = OpenCall(node, lease, admitted, admitted.holds[0].amount_nanos)

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        lease = data.draw(st.sampled_from(sorted(self.calls)))
        self.end(lease, data.draw(st.integers(0, self.calls[lease].nanos)))

    @rule(amount=st.integers(1, LIMIT // 10) | st.integers(1, LIMIT))
    def others_spend(self, amount: int) -> None:
        """A dear call, which lets room get scarce."""
        need = Need(Decimal(0), Decimal("1e-9"), amount, self.habits.of(TARGET))
        node = next((number for number in range(3) if self.wires[number].cut_for_s is None), None)
        if node is not None:
            lease = next(self.ids)
            with suppress(BudgetExceeded):
                admitted = self.run(self.nodes[node].admit(lease, [self.limit], need))
                self.calls[lease] = OpenCall(node, lease, admitted, admitted.holds[0].amount_nanos)
                self.end(lease, admitted.holds[0].amount_nanos // 2)

    @rule(node=st.integers(0, 2))
    def cut_or_mend(self, node: int) -> None:
        wire = self.wires[node]
        wire.cut_for_s = 0.0 if wire.cut_for_s is None else None

    @rule(steps=st.integers(1, 3))
    def time_passes(self, steps: int) -> None:
        """Whoever reaches the store renews its leases and takes care of its slices meanwhile."""
        for _ in range(steps):
            self.clock.advance(STEP_S)
            for node, wire in zip(self.nodes, self.wires, strict=True):
                if wire.cut_for_s is not None:
                    wire.cut_for_s += STEP_S
                    if wire.cut_for_s > LONGEST_CUT_S:
                        wire.cut_for_s = None
                if wire.cut_for_s is None:
                    self.run(node.tend())
                    self.run(node._slices.take_care())  # type: ignore[union-attr]

    @invariant()
    def holds(self) -> None:
        assert self.settled + sum(call.nanos for call in self.calls.values()) <= LIMIT
        [known] = self.run(self.store.counters([self.limit.counter.name]))
        assert known.settled_nanos + known.reserved_nanos <= LIMIT


async def nothing_spent(*_: object) -> int:
    return 0


def test_a_slice_lasts_for_some_calls_and_is_a_small_part() -> None:
    """Else the fleet below would never have one."""
    assert LIMIT / SLICES_IN_A_ROOM >= LEAST_CALLS * USUAL


def test_three_nodes_that_are_cut_off_never_pass_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    check(MemoryCounters, monkeypatch)


@pytest.mark.parametrize("make_store", ["redis"], indirect=True)
def test_three_nodes_that_are_cut_off_from_a_redis(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    check(opened(make_store), monkeypatch)


def opened(make_store: MakeStore) -> Callable[[HandClock], Any]:
    def open_store(clock: HandClock) -> Any:
        store = make_store(clock)
        store._link.open()  # type: ignore[attr-defined]
        return store

    return open_store


def check(make_store: Callable[[HandClock], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "LONGEST_WAIT_S", 0.0)
    run_state_machine_as_test(
        lambda: Fleet(make_store),
        settings=settings(max_examples=40, stateful_step_count=30),
    )
