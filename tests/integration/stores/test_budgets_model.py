"""Budgets against a plain model, over any order of calls, crashes, raises and passing of time.

Output costs a cent a token and input nothing, so the model counts cents. Nobody waits here: whether a call is let
through, and with how many tokens, is then a matter of what is spent and reserved at that moment alone.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from daemon.cost import admission
from daemon.cost.bill import Bill
from daemon.cost.needs import CALLS_IN_A_ROOM, SMALLEST_OUTPUT_TOKENS
from daemon.errors import BudgetExceeded, UpstreamFailed
from daemon.exchange import Usage
from tests.unit.cost.books import TARGET, Books, HandClock, ask, open_books

from .conftest import MakeStore

LIMIT_CENTS = 300
RAISE_CENTS = 100


@dataclass
class OpenCall:
    block: Any
    bill: Bill
    cents: int
    stretch: datetime
    """When the stretch of time began that it counts in."""


class Budgets(RuleBasedStateMachine):
    def __init__(self, make_store: MakeStore, directory: Path, window: str) -> None:
        super().__init__()
        self.window = window
        self.runner = asyncio.Runner()
        self.clock = HandClock()
        self.make_store = make_store
        # The store outlives an example: each has a team of its own.
        self.team = uuid.uuid4().hex
        self.directory = directory / self.team
        self.ids = (f"{self.team}-{number}" for number in itertools.count())
        self.books = self.runner.run(self.opened())
        self.calls: dict[str, OpenCall] = {}
        self.died_with: list[dict[str, OpenCall]] = []
        self.spent: Counter[datetime] = Counter()
        self.raised_until = self.clock.now()

    async def opened(self) -> Books:
        store = self.make_store(self.clock)  # type: ignore[arg-type]
        await store.open()
        budget = {"scope": f"team:{self.team}", "limit_usd": LIMIT_CENTS / 100, "window": self.window}
        return await open_books(self.directory, self.clock, store=store, budgets=[budget])  # type: ignore[arg-type]

    def teardown(self) -> None:
        self.runner.run(self.books.close())
        self.runner.close()

    @property
    def stretch(self) -> datetime:
        """A rolling hour counts by the minute."""
        minute = self.clock.now().replace(second=0, microsecond=0)
        return minute.replace(minute=0) if self.window == "hour" else minute

    def counts(self, stretch: datetime) -> bool:
        if self.window == "hour":
            return stretch == self.stretch
        return stretch + timedelta(minutes=1 + 60) > self.clock.now()

    @property
    def settled(self) -> int:
        return sum(cents for stretch, cents in self.spent.items() if self.counts(stretch))

    @property
    def limit(self) -> int:
        return LIMIT_CENTS + (RAISE_CENTS if self.clock.now() < self.raised_until else 0)

    @property
    def reserved(self) -> int:
        return sum(call.cents for call in self.calls.values() if self.counts(call.stretch))

    def granted(self, wanted: int) -> int | None:
        """The rule of DECISIONS: nothing is touched while all worst cases fit; else a share of the room, and never
        less than what calls usually need."""
        room = self.limit - self.settled - self.reserved
        if wanted <= room:
            return wanted
        usual = self.books.accounts._habits.usual_output(TARGET)
        least = min(wanted, max(SMALLEST_OUTPUT_TOKENS if usual is None else usual, 1))
        return min(wanted, max(least, room // CALLS_IN_A_ROOM)) if room >= least else None

    @rule(wanted=st.integers(1, 150) | st.integers(1, 900))
    def reserve(self, wanted: int) -> None:
        """Refused exactly where the rule says so, and never a token more than it grants."""
        expected, name = self.granted(wanted), next(self.ids)
        asked = replace(ask(id=name, team=self.team, max_tokens=wanted), received_at=self.clock.now())
        block = self.books.reserving(asked)
        try:
            bill = self.runner.run(block.__aenter__())
        except BudgetExceeded:
            assert expected is None
            return
        assert expected == bill.body["max_tokens"]
        self.calls[name] = OpenCall(block, bill, bill.body["max_tokens"], self.stretch)
        assert self.settled + self.reserved <= self.limit

    def drawn(self, data: st.DataObject) -> OpenCall:
        return self.calls.pop(data.draw(st.sampled_from(sorted(self.calls))))

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        call = self.drawn(data)
        written = data.draw(st.integers(0, call.cents))
        self.runner.run(call.bill.settle(Usage(10, written), status=200))
        self.runner.run(call.block.__aexit__(None, None, None))
        self.spent[call.stretch] += written

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), error=st.sampled_from([UpstreamFailed("refused"), asyncio.CancelledError()]))
    def come_to_nothing(self, data: st.DataObject, error: BaseException) -> None:
        """The provider was not there, or the caller left before a byte came."""
        call = self.drawn(data)
        self.runner.run(call.block.__aexit__(type(error), error, None))

    @rule()
    def crash(self) -> None:
        """What was open may have cost all that it was granted."""
        self.runner.run(self.books.die())
        self.runner.run(self.books.store.aclose())
        for call in self.calls.values():
            self.spent[call.stretch] += call.cents
        # Kept, or the collector would end their blocks, which settles them: nobody does that for a process that died.
        self.died_with.append(self.calls)
        self.calls = {}
        self.books = self.runner.run(self.opened())

    @precondition(lambda self: not self.calls)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        """The store comes back empty, or as an older copy. What was open would be gone with it."""
        [limit] = self.books.accounts._budgets.all(self.clock.now())
        self.runner.run(self.books.store.forget([counter.name for counter in limit.counters]))
        older = data.draw(st.none() | st.integers(0, self.spent[self.stretch]))
        if older is not None:
            self.runner.run(self.books.store.seed(limit.counter.name, older * 10**7, None))

    @rule(for_s=st.sampled_from([60, 3600]))
    def raise_limit(self, for_s: int) -> None:
        raised = {"scope": f"team:{self.team}", "by_usd": str(RAISE_CENTS / 100), "for_s": for_s}
        self.runner.run(self.books.accounts.budgets.raise_limit(raised))
        self.raised_until = self.clock.now() + timedelta(seconds=for_s)

    @rule(seconds=st.sampled_from([1, 60, 600, 1800]))
    def time_passes(self, seconds: int) -> None:
        """Leases of open calls are renewed meanwhile, and windows end."""
        for _ in range(0, seconds, 30):
            self.clock.pass_s(min(seconds, 30))
            self.runner.run(self.books.accounts._admission.tend())

    @invariant()
    def agrees(self) -> None:
        [row] = self.runner.run(self.books.accounts.budgets.rows())
        found = [round(100 * float(row[name])) for name in ("spent_usd", "reserved_usd", "limit_usd")]
        assert [self.settled, self.reserved, self.limit] == found


@pytest.mark.parametrize("window", ["hour", "rolling:60m"])
@pytest.mark.parametrize("make_store", ["embedded", "redis"], indirect=True)
def test_budgets_agree_with_a_plain_model(
    make_store: MakeStore, window: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "LONGEST_WAIT_S", 0.0)
    run_state_machine_as_test(
        lambda: Budgets(make_store, tmp_path, window),
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
