"""Budgets hold under concurrency, and nobody is refused for what others might have needed."""

from __future__ import annotations

import asyncio

import pytest

from daemon.cost import admission
from daemon.dialects import dialect_named
from daemon.errors import BudgetExceeded, LedgerUnavailable, StoreUnavailable
from daemon.exchange import Target, Usage, Verdict
from daemon.tape import Tape
from tests.unit.cost.books import TARGET, ask
from tests.upstream import Reply, chat_events

FREE = {"name": "free", "target": "openai/free", "input_usd_per_mtok": 0, "output_usd_per_mtok": 0}

CHAT = dialect_named("chat")


class Watched:
    """Many calls at once against one budget, and the most that the budget ever held."""

    def __init__(self, books, *, output_tokens, max_tokens=None):
        self.books = books
        self.output_tokens = output_tokens
        self.max_tokens = max_tokens
        self.most_held = 0.0
        self.answered = 0
        self.refused = 0
        self.clamped = 0

    async def run(self, calls):
        await asyncio.gather(*(self._call(n) for n in range(calls)))
        return self

    async def _call(self, n):
        try:
            async with self.books.reserving(ask(id=f"req-{n}", max_tokens=self.max_tokens)) as bill:
                limit = CHAT.output_limit(bill.body)
                await self._look()
                await asyncio.sleep(0)
                output = self.output_tokens if limit is None else min(self.output_tokens, limit)
                self.clamped += output < self.output_tokens
                await bill.settle(Usage(10, output), status=200)
            self.answered += 1
        except BudgetExceeded:
            self.refused += 1
        await self._look()

    async def _look(self):
        [budget] = await self.books.accounts.budgets.rows()
        self.most_held = max(self.most_held, float(budget["spent_usd"]) + float(budget["reserved_usd"]))


async def test_of_200_calls_at_once_exactly_those_are_let_through_that_fit(open_the_books):
    """Room for 20 real costs, each call's worst case fifty times its cost, and none says how much it wants."""
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "4"}])

    watched = await Watched(books, output_tokens=20).run(200)

    assert (20, 180, 0) == (watched.answered, watched.refused, watched.clamped)
    assert watched.most_held <= 4
    [budget] = await books.accounts.budgets.rows()
    assert ("4", "0") == (budget["spent_usd"], budget["reserved_usd"])


async def test_calls_that_state_their_limit_fill_the_budget_exactly(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "4"}])

    watched = await Watched(books, output_tokens=20, max_tokens=20).run(200)

    assert (20, 180, 0) == (watched.answered, watched.refused, watched.clamped)
    assert watched.most_held <= 4


async def test_while_all_worst_cases_fit_nothing_is_touched(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "40"}])

    async with books.reserving(ask()) as bill:
        assert ask().body == bill.body
        [budget] = await books.accounts.budgets.rows()
        assert "10" == budget["reserved_usd"]


async def test_near_the_limit_the_output_is_clamped_to_a_share_of_the_room(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "8"}])

    async with books.reserving(ask()) as bill:
        assert 100 == CHAT.output_limit(bill.body)


async def test_a_clamp_never_goes_below_what_calls_of_the_model_usually_need(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "9"}])
    await books.call(ask(id="first"), output_tokens=300)

    async with books.reserving(ask()) as bill:
        assert 300 == CHAT.output_limit(bill.body)


async def test_what_calls_usually_need_is_known_again_after_a_restart(open_the_books):
    settings = {"budgets": [{"scope": "all", "limit_usd": "9"}]}
    books = await open_the_books(**settings)
    await books.call(ask(id="first"), output_tokens=300)
    await books.close()

    books = await open_the_books(**settings)

    async with books.reserving(ask()) as bill:
        assert 300 == CHAT.output_limit(bill.body)


async def test_a_call_waits_for_another_to_settle_rather_than_be_refused(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])

    async with books.reserving(ask(id="first", max_tokens=1000)) as first:
        second = asyncio.create_task(books.call(ask(id="second", max_tokens=900), output_tokens=1))
        while not books.accounts._admission._turns._waiting:
            await asyncio.sleep(0)
        await first.settle(Usage(1, 10), status=200)

    await second
    assert ["0.11"] == [row["spent_usd"] for row in await books.accounts.budgets.rows()]


async def test_waiting_is_as_long_as_calls_usually_take(open_the_books, clock, monkeypatch):
    """A slow model's worst case refuses nobody who would fit once it is known what its calls cost."""
    monkeypatch.setattr(admission, "WAIT_S", 0.0)
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])
    async with books.reserving(ask(id="slow", max_tokens=10)) as slow:
        clock.pass_s(5)
        await slow.settle(Usage(1, 10), status=200)

    async with books.reserving(ask(id="first", max_tokens=990)) as first:
        second = asyncio.create_task(books.call(ask(id="second", max_tokens=900), output_tokens=1))
        while not books.accounts._admission._turns._waiting:
            await asyncio.sleep(0)
        clock.pass_s(4)
        await first.settle(Usage(1, 10), status=200)

    await second
    assert ["0.21"] == [row["spent_usd"] for row in await books.accounts.budgets.rows()]


async def test_waiting_ends(open_the_books, monkeypatch):
    monkeypatch.setattr(admission, "LONGEST_WAIT_S", 0.0)
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])

    async with books.reserving(ask(id="first", max_tokens=1000)):
        with pytest.raises(BudgetExceeded) as refused:
            await books.call(ask(id="second", max_tokens=900), output_tokens=1)

    assert 10 == refused.value.state.reserved_usd


async def test_the_tightest_of_several_budgets_decides(open_the_books):
    budgets = [{"scope": "all", "limit_usd": "100"}, {"scope": "key:local", "limit_usd": "1"}]
    books = await open_the_books(budgets=budgets)

    with pytest.raises(BudgetExceeded) as refused:
        for n in range(3):
            await books.call(ask(id=f"req-{n}", max_tokens=50), output_tokens=50)

    assert "key:local" == refused.value.state.scope
    assert {"all": "1", "key:local": "1"} == {
        row["scope"]: row["spent_usd"] for row in await books.accounts.budgets.rows()
    }


async def test_a_caller_who_leaves_while_waiting_holds_nothing(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])

    async with books.reserving(ask(id="first", max_tokens=1000)) as first:
        waiting = asyncio.create_task(books.call(ask(id="second", max_tokens=900), output_tokens=1))
        while not books.accounts._admission._turns._waiting:
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await first.settle(Usage(1, 0), status=200)

    assert [("0", "0")] == [(row["spent_usd"], row["reserved_usd"]) for row in await books.accounts.budgets.rows()]
    assert ["first"] == [row.id for row in await books.rows()]


@pytest.mark.parametrize(
    ("limit_usd", "max_tokens", "passed"), [("100", None, 2500), ("25", None, 2000), ("100", 1000, 1000)]
)
async def test_an_answer_whose_length_nobody_limited_is_paid_for_as_far_as_there_is_room(
    open_the_books, limit_usd, max_tokens, passed
):
    """The price table says 1,000 tokens, of which the provider knows nothing. What a caller limits stays limited."""
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": limit_usd}])

    async def stream():
        for event in chat_events(Reply("", pieces=("w ",) * 2500), "m"):
            yield event

    tape = Tape()
    async with books.reserving(ask(max_tokens=max_tokens)) as bill:
        async for piece in bill.metered(stream(), tape.bytes):
            tape.record(piece)
        [budget] = await books.accounts.budgets.rows()
        assert float(budget["reserved_usd"]) >= passed / 100
        await bill.settle(Usage(1, passed), status=200)

    assert passed == tape.bytes().count(b'"w "')
    assert (passed < 2500) == (b'"length"' in tape.bytes())
    [budget] = await books.accounts.budgets.rows()
    assert (passed / 100, 0) == (float(budget["spent_usd"]), float(budget["reserved_usd"]))


async def test_what_costs_nothing_is_never_refused(open_the_books):
    """A model without a price on its tokens, and what no model works for."""
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": 0}], models=[FREE])

    await books.call(ask(id="free", model="free"), output_tokens=9, target=Target("openai", "free"))
    body = ask().body
    counting = books.accounts.reserving(
        ask(id="count"), TARGET, dialect_named("count_tokens"), body, attempt=0, cache=Verdict.BYPASS, pii=""
    )
    async with counting as bill:
        await bill.settle(Usage(0, 0), status=200)
    with pytest.raises(BudgetExceeded):
        await books.call(ask(id="dear"), output_tokens=1)

    assert [("call", 0), ("call", 0), ("refused", 0)] == [(row.kind, row.cost_usd) for row in await books.rows()]


async def test_a_long_streams_reservation_is_renewed(open_the_books, clock):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])

    async with books.reserving(ask(max_tokens=500)):
        for _ in range(5):
            clock.pass_s(admission.LEASE_S / 2)
            await books.accounts._admission.tend()
        assert ["5"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]


async def test_a_reservation_ends_by_itself_when_its_process_died(open_the_books, clock):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])
    never_left = books.reserving(ask(max_tokens=500))
    await never_left.__aenter__()
    assert ["5"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]

    clock.pass_s(admission.LEASE_S + 1)

    assert ["0"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]


async def test_money_is_counted_later_where_the_store_was_away_at_the_end(open_the_books, monkeypatch):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])

    async def away(*_):
        raise StoreUnavailable("gone")

    async with books.reserving(ask(max_tokens=500)) as bill:
        monkeypatch.setattr(books.store, "settle", away)
        await bill.settle(Usage(1, 100), status=200)
    monkeypatch.undo()
    await books.accounts._admission.tend()

    [budget] = await books.accounts.budgets.rows()
    assert ("1", "0") == (budget["spent_usd"], budget["reserved_usd"])


async def test_no_call_is_made_while_its_budgets_cannot_be_asked(open_the_books, monkeypatch):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])

    async def away(*_):
        raise StoreUnavailable("gone")

    monkeypatch.setattr(books.store, "reserve", away)
    with pytest.raises(LedgerUnavailable):
        await books.call(ask(), output_tokens=1)

    assert [] == await books.rows()


async def test_money_that_was_held_although_no_answer_came_is_let_go(open_the_books, monkeypatch):
    """The store was only slow: it did what it was asked, and nobody knows."""
    monkeypatch.setattr(admission, "ASKED_AGAIN_AFTER_S", ())
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "10"}])
    reserve = books.store.reserve

    async def holds_and_is_silent(*arguments):
        await reserve(*arguments)
        raise StoreUnavailable("too slow")

    with monkeypatch.context() as slow:
        slow.setattr(books.store, "reserve", holds_and_is_silent)
        with pytest.raises(LedgerUnavailable):
            await books.call(ask(max_tokens=500), output_tokens=1)
    assert ["5"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]
    await books.accounts._admission._end_doubtful()

    assert ["0"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]


async def test_a_body_for_many_choices_is_never_clamped_below_a_token_each(open_the_books):
    """Else its providers would write more than what is reserved."""
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": "0.5"}])

    async with books.reserving(ask(n=40)) as bill:
        assert 40 == CHAT.output_limit(bill.body)
        assert ["0.4"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]


async def test_what_is_owed_to_a_store_that_comes_back_empty_is_counted_once(open_the_books, monkeypatch):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": 5, "window": "day"}])

    async def is_away(*anything):
        raise StoreUnavailable("gone")

    with monkeypatch.context() as away:
        away.setattr(books.store, "settle", is_away)
        await books.call(ask(id="1"), output_tokens=100)
    [limit] = books.accounts._budgets.all(books.clock.now())
    await books.store.forget([limit.counter.name])
    assert "1" == (await books.accounts.budgets.rows())[0]["spent_usd"]
    await books.accounts._admission.tend()

    [budget] = await books.accounts.budgets.rows()
    assert ("1", "0") == (budget["spent_usd"], budget["reserved_usd"])
