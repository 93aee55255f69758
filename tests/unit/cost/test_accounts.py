"""A call is admitted, written down and settled once, whatever happens to it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from daemon.errors import (
    BudgetExceeded,
    CacheMiss,
    Forbidden,
    LedgerUnavailable,
    NotFound,
    UpstreamFailed,
    UpstreamTimeout,
)
from daemon.exchange import Target, Usage, Verdict
from tests.unit.cost.books import CENT_A_TOKEN, ask

TEN_DOLLARS = [{"scope": "all", "limit_usd": "10", "window": "day"}]


async def test_a_settled_call_is_one_row_with_its_exact_cost(open_the_books):
    books = await open_the_books()

    bill = await books.call(ask(), output_tokens=7)

    [row] = await books.rows()
    assert ("call", "settled", "req-1") == (row.kind, row.outcome, row.id)
    assert Decimal("0.07") == row.cost_usd == bill.cost_usd
    assert 70_000_000 == bill.cost_nanos
    assert "table 1 gpt-test" == row.price_source
    assert [row.id] == [told.id for told in books.told]


async def test_a_second_attempt_is_a_row_of_its_own(open_the_books):
    books = await open_the_books()
    asked = ask()

    for attempt in (0, 1):
        async with books.reserving(asked, attempt=attempt) as bill:
            await bill.settle(None, status=500)

    rows = await books.rows()
    assert ["req-1", "req-1.1"] == [row.id for row in rows]
    assert ["req-1", "req-1"] == [row.request_id for row in rows]
    assert [("failed", 0)] * 2 == [(row.outcome, row.cost_usd) for row in rows]


async def test_an_answer_without_usage_is_estimated_and_says_so(open_the_books):
    books = await open_the_books()

    async with books.reserving(ask()) as bill:
        await bill.settle(None, status=200, output_text="a" * 40)

    [row] = await books.rows()
    assert ("estimated", 10, Decimal("0.1")) == (row.outcome, row.output_tokens, row.cost_usd)


async def test_an_unpriced_model_is_said_to_be_unpriced_and_never_zero(open_the_books):
    books = await open_the_books(budgets=TEN_DOLLARS)

    await books.call(ask(model="unheard-of"), output_tokens=7, target=Target("openai", "unheard-of"))

    [row] = await books.rows()
    assert ("unpriced", None, 7) == (row.outcome, row.cost_usd, row.output_tokens)


async def test_a_refused_connection_costs_nothing(open_the_books):
    books = await open_the_books(budgets=TEN_DOLLARS)

    with pytest.raises(UpstreamFailed):
        async with books.reserving(ask()):
            raise UpstreamFailed("connection refused")

    [row] = await books.rows()
    assert ("failed", Decimal(0), 502) == (row.outcome, row.cost_usd, row.status)
    assert "connection refused" == row.reason
    [budget] = await books.accounts.budgets.rows()
    assert ("0", "0") == (budget["spent_usd"], budget["reserved_usd"])


async def test_a_timeout_may_have_been_billed_so_it_is_estimated(open_the_books):
    books = await open_the_books()

    with pytest.raises(UpstreamTimeout):
        async with books.reserving(ask()):
            raise UpstreamTimeout("no answer in 600 s")

    [row] = await books.rows()
    assert "estimated" == row.outcome
    assert row.input_tokens > 0


async def test_a_caller_who_hangs_up_pays_for_what_came(open_the_books):
    """The task is cancelled; counters and ledger are settled all the same."""
    books = await open_the_books(budgets=TEN_DOLLARS)
    has_begun = asyncio.Event()
    come = {"choices": [{"message": {"role": "assistant", "content": "b" * 80}}]}

    async def stream() -> None:
        async with books.reserving(ask(max_tokens=100)) as bill:
            bill.first_byte()
            bill.partial = lambda: come
            has_begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stream())
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    [row] = await books.rows()
    assert ("estimated", 20, Decimal("0.2")) == (row.outcome, row.output_tokens, row.cost_usd)
    [budget] = await books.accounts.budgets.rows()
    assert ("0.2", "0") == (budget["spent_usd"], budget["reserved_usd"])


async def test_leaving_without_a_word_is_estimated_not_forgotten(open_the_books):
    books = await open_the_books()

    async with books.reserving(ask()):
        pass

    assert ["estimated"] == [row.outcome for row in await books.rows()]


async def test_only_the_first_settlement_counts(open_the_books):
    books = await open_the_books()

    async with books.reserving(ask()) as bill:
        await bill.settle(Usage(1, 2), status=200)
        await bill.settle(Usage(1, 900), status=200)

    assert [Decimal("0.02")] == [row.cost_usd for row in await books.rows()]


async def test_a_hit_is_a_row_with_what_it_saved(open_the_books):
    books = await open_the_books()

    books.accounts.record_hit(
        ask(),
        verdict=Verdict.SEMANTIC,
        saved_usd=Decimal("0.5"),
        similarity=0.97,
        input_tokens=3,
        output_tokens=4,
        total_ms=1.5,
        pii="PERSON=1",
    )

    report = await books.accounts.statements.report()
    assert (0, 1, "0", "0.5") == (report["calls"], report["hits"], report["cost_usd"], report["saved_usd"])


async def test_a_refusal_is_a_row_with_its_reason(open_the_books):
    books = await open_the_books()

    books.accounts.record_refusal(ask(), CacheMiss("nothing is kept for this request"))

    [row] = await books.rows()
    assert ("refused", 504) == (row.kind, row.status)
    assert "cache_miss: nothing is kept for this request" == row.reason


async def test_a_model_that_costs_nothing_is_never_refused(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": 0}])

    await books.call(ask(model="helix/echo"), 5, target=Target("helix", "echo"))

    assert [("settled", Decimal(0))] == [(row.outcome, row.cost_usd) for row in await books.rows()]


async def test_an_own_price_holds_for_the_built_in_echo_too(open_the_books):
    priced = {"name": "paid", "target": "helix/echo", "input_usd_per_mtok": 0, "output_usd_per_mtok": "1000000"}
    books = await open_the_books(models=[priced])

    bill = await books.call(ask(model="paid"), 5, target=Target("helix", "echo"))

    assert Decimal(5) == bill.cost_usd
    assert "helix.toml models.paid" == bill.row.price_source


async def test_the_request_counts_against_each_budget_that_names_it(open_the_books):
    scopes = ["all", "team:red", "key:local", "model:gpt-test", "model:openai/gpt-test", "tag:x", "tag:y", "team:blue"]
    books = await open_the_books(budgets=[{"scope": scope, "limit_usd": 10} for scope in scopes])

    await books.call(ask(team="red", tags=("x",)), output_tokens=50)

    spent = {row["scope"]: row["spent_usd"] for row in await books.accounts.budgets.rows()}
    assert dict.fromkeys(scopes, "0.5") | {"tag:y": "0", "team:blue": "0"} == spent


async def test_budgets_know_after_a_restart_what_was_spent(open_the_books):
    books = await open_the_books(budgets=TEN_DOLLARS)
    await books.call(ask(), output_tokens=100)
    await books.close()

    books = await open_the_books(budgets=TEN_DOLLARS)

    assert ["1"] == [row["spent_usd"] for row in await books.accounts.budgets.rows()]


@pytest.mark.parametrize("store_outlives_it", [False, True])
async def test_what_a_crash_interrupted_counts_with_its_bound(open_the_books, store_outlives_it):
    """Embedded counters begin anew from the ledger; those of a shared store are settled, once."""
    books = await open_the_books(budgets=TEN_DOLLARS)
    await books.call(ask(), output_tokens=100)
    never_left = books.reserving(ask(id="cut off", max_tokens=300))
    await never_left.__aenter__()
    await books.die()

    for _ in range(2):
        store = books.store if store_outlives_it else None
        books = await open_the_books(budgets=TEN_DOLLARS, store=store)
        [budget] = await books.accounts.budgets.rows()
        assert ("4", "0") == (budget["spent_usd"], budget["reserved_usd"])
        assert {"req-1": "settled", "cut off": "unknown"} == {row.id: row.outcome for row in await books.rows()}
        await books.die()


async def test_a_budget_starts_anew_with_its_window(open_the_books, clock):
    books = await open_the_books(budgets=TEN_DOLLARS)
    await books.call(ask(), output_tokens=1000)
    with pytest.raises(BudgetExceeded):
        await books.call(ask(id="req-2"), output_tokens=1)

    clock.pass_s(24 * 3600)

    await books.call(ask(id="req-3"), output_tokens=1)
    assert ["0.01"] == [row["spent_usd"] for row in await books.accounts.budgets.rows()]


async def test_a_refusal_says_which_budget_and_until_when(open_the_books):
    books = await open_the_books(budgets=TEN_DOLLARS)
    await books.call(ask(), output_tokens=1000)

    with pytest.raises(BudgetExceeded) as refused:
        await books.call(ask(id="req-2"), output_tokens=1)

    state = refused.value.state
    assert ("all", "day", Decimal(10), Decimal(10), Decimal(0)) == (
        state.scope,
        state.window,
        state.limit_usd,
        state.spent_usd,
        state.reserved_usd,
    )
    assert {"x-should-retry": "false", "retry-after": str(11 * 3600 + 1800)} == refused.value.headers
    why = await books.accounts.budgets.why("all")
    assert ["req-2"] == [row["id"] for row in why["refusals"]]


async def test_the_owner_sets_and_removes_budgets_but_not_those_of_the_file(open_the_books):
    books = await open_the_books(budgets=TEN_DOLLARS)

    made = await books.accounts.budgets.set({"scope": "team:red", "window": "month", "limit_usd": "5.5"})
    assert ("5.5", "helix budget") == (made["limit_usd"], made["origin"])
    with pytest.raises(Forbidden):
        await books.accounts.budgets.set({"scope": "all", "window": "day", "limit_usd": "100"})
    await books.close()

    books = await open_the_books(budgets=TEN_DOLLARS)
    assert {"all", "team:red"} == {row["scope"] for row in await books.accounts.budgets.rows()}
    assert await books.accounts.budgets.remove("team:red", "month")
    assert not await books.accounts.budgets.remove("team:red", "month")
    assert ["all"] == [row["scope"] for row in await books.accounts.budgets.rows()]


async def test_no_call_is_made_that_could_not_be_written_down(open_the_books, monkeypatch):
    books = await open_the_books(budgets=TEN_DOLLARS)
    monkeypatch.setattr("os.write", lambda fd, data: 0)  # as on a full disk

    with pytest.raises(LedgerUnavailable):
        await books.call(ask(), output_tokens=1)

    monkeypatch.undo()
    assert ["0"] == [row["reserved_usd"] for row in await books.accounts.budgets.rows()]
    assert [] == await books.rows()


async def test_without_budgets_the_store_is_not_asked(open_the_books):
    books = await open_the_books()
    await books.store.aclose()

    await books.call(ask(), output_tokens=1)

    assert 1 == len(await books.rows())


async def test_the_price_table_is_read_on_first_need_and_once(open_the_books):
    books = await open_the_books(table=CENT_A_TOKEN)
    source = books.accounts._prices._source
    await books.call(ask(model="helix/echo"), 5, target=Target("helix", "echo"))
    assert 0 == source.reads

    await asyncio.gather(*(books.call(ask(id=f"req-{n}"), output_tokens=1) for n in range(3)))

    assert 1 == source.reads


async def test_a_call_is_explained_class_by_class(open_the_books):
    books = await open_the_books(models=[{"name": "gpt-test", "input_usd_per_mtok": 1, "output_usd_per_mtok": 8}])
    await books.call(ask(id="r"), output_tokens=5)

    [explained] = await books.accounts.statements.explain("r")

    assert [
        {"name": "input", "tokens": 10, "usd_per_mtok": "1", "cost_usd": "0.00001"},
        {"name": "output", "tokens": 5, "usd_per_mtok": "8", "cost_usd": "0.00004"},
    ] == explained["parts"]
    assert ("0.00005", "helix.toml models.gpt-test") == (explained["cost_usd"], explained["price_source"])


async def test_every_attempt_of_a_request_is_explained(open_the_books):
    books = await open_the_books()
    for attempt, status in enumerate((500, 200)):
        async with books.reserving(ask(id="r"), attempt=attempt) as bill:
            await bill.settle(Usage(1, 1) if status == 200 else None, status=status)

    assert [("r", []), ("r.1", ["input", "output"])] == [
        (row["id"], [part["name"] for part in row["parts"]]) for row in await books.accounts.statements.explain("r")
    ]
    with pytest.raises(NotFound):
        await books.accounts.statements.explain("unheard-of")


async def test_a_call_that_searched_the_web_is_estimated_and_says_what_is_missing(open_the_books):
    books = await open_the_books()
    async with books.reserving(ask()) as bill:
        await bill.settle(Usage(10, 5, web_searches=3), status=200)

    assert ("estimated", Decimal("0.05"), "3 web searches are not priced") == (
        bill.row.outcome, bill.row.cost_usd, bill.row.reason,
    )  # fmt: skip
