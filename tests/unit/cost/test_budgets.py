"""Which budgets there are: those of the file, and those that the owner made."""

from __future__ import annotations

import pytest

from daemon.errors import BadRequest, BudgetExceeded, NotFound
from daemon.settings import Settings
from tests.unit.cost.books import ask


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"scope": "everyone", "limit_usd": "5"}, "scope"),
        ({"scope": "team:", "limit_usd": "5"}, "scope"),
        ({"scope": "all", "limit_usd": "ten"}, "limit_usd"),
        ({"scope": "all", "limit_usd": "-1"}, "limit_usd"),
        ({"scope": "all", "limit_usd": "9000000"}, "limit_usd"),
        ({"scope": "all"}, "limit_usd"),
        ({"scope": "all", "limit_usd": "5", "window": "year"}, "window"),
        ({"scope": "all", "limit_usd": "5", "soft_pct": 101}, "soft_pct"),
        ({"scope": "all", "limit_usd": "5", "limit": 5}, "limit"),
    ],
)
async def test_what_is_no_budget_is_refused_by_the_fields_name(open_the_books, body, named):
    books = await open_the_books()

    with pytest.raises(BadRequest) as refused:
        await books.accounts.budgets.set(body)

    assert named == refused.value.param
    assert [] == await books.accounts.budgets.rows()


async def test_a_budget_set_again_has_the_new_limit_and_what_was_spent(open_the_books):
    books = await open_the_books()
    for limit_usd in ("5", "7.25"):
        await books.accounts.budgets.set({"scope": "all", "window": "day", "limit_usd": limit_usd})

    assert [("all", "day", "7.25")] == [
        (row["scope"], row["window"], row["limit_usd"]) for row in await books.accounts.budgets.rows()
    ]


async def test_one_scope_may_have_a_budget_for_each_window(open_the_books):
    windows = ["hour", "day", "week", "month", "total"]
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": 1, "window": window} for window in windows])

    rows = await books.accounts.budgets.rows()

    assert windows == [row["window"] for row in rows]
    assert rows[-1]["resets_at"] is None


async def test_a_reload_takes_the_files_budgets_and_keeps_the_owners(open_the_books):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": 1}])
    await books.accounts.budgets.set({"scope": "team:red", "limit_usd": "2"})

    changed = Settings.model_validate({"budgets": [{"scope": "all", "limit_usd": 9}]})
    await books.accounts.configure(changed)

    assert {"all": "9", "team:red": "2"} == {
        row["scope"]: row["limit_usd"] for row in await books.accounts.budgets.rows()
    }


async def test_the_files_budget_comes_before_one_of_the_same_name_that_the_owner_made(open_the_books):
    books = await open_the_books()
    await books.accounts.budgets.set({"scope": "all", "limit_usd": "2"})

    await books.accounts.configure(Settings.model_validate({"budgets": [{"scope": "all", "limit_usd": 9}]}))

    assert [("9", "helix.toml")] == [(row["limit_usd"], row["origin"]) for row in await books.accounts.budgets.rows()]


async def test_a_stored_budget_that_cannot_be_read_is_left_out(open_the_books):
    books = await open_the_books()
    await books.store.put_record("budget", "odd", {"scope": "of a later version"})
    await books.close()

    books = await open_the_books()

    assert [] == await books.accounts.budgets.rows()


async def test_a_budget_made_later_counts_what_was_spent_before(open_the_books):
    books = await open_the_books()
    await books.call(ask(), output_tokens=100)

    made = await books.accounts.budgets.set({"scope": "all", "window": "day", "limit_usd": "5"})

    assert "1" == made["spent_usd"]


async def test_a_raise_lets_more_be_spent_and_ends_by_itself(open_the_books, clock):
    books = await open_the_books(budgets=[{"scope": "all", "limit_usd": 1, "window": "total"}])
    await books.call(ask(id="1"), output_tokens=100)
    with pytest.raises(BudgetExceeded):
        await books.call(ask(id="2"), output_tokens=100)

    raised = await books.accounts.budgets.raise_limit({"scope": "all", "by_usd": "1.5", "for_s": 3600})
    await books.call(ask(id="3", max_tokens=100), output_tokens=100)
    clock.pass_s(3600)

    assert ("2.5", "2026-11-21T13:30:00+00:00") == (raised["limit_usd"], raised["raised_until"])
    assert [("1", None)] == [(row["limit_usd"], row["raised_until"]) for row in await books.accounts.budgets.rows()]
    with pytest.raises(BudgetExceeded):
        await books.call(ask(id="4"), output_tokens=1)


async def test_a_raise_outlives_the_process_and_not_its_budget(open_the_books):
    books = await open_the_books()
    await books.accounts.budgets.set({"scope": "all", "limit_usd": "1"})
    await books.accounts.budgets.raise_limit({"scope": "all", "window": "month", "by_usd": "1", "for_s": 60})
    await books.close()
    books = await open_the_books()
    assert ["2"] == [row["limit_usd"] for row in await books.accounts.budgets.rows()]

    await books.accounts.budgets.remove("all", "month")
    await books.accounts.budgets.set({"scope": "all", "limit_usd": "1"})

    assert ["1"] == [row["limit_usd"] for row in await books.accounts.budgets.rows()]


async def test_a_raise_must_say_which_budget_is_meant(open_the_books):
    windows = [{"scope": "all", "limit_usd": 1, "window": window} for window in ("day", "month")]
    books = await open_the_books(budgets=windows)

    with pytest.raises(BadRequest, match=r"choose the window of one \(day, month\)"):
        await books.accounts.budgets.raise_limit({"scope": "all", "by_usd": "1", "for_s": 60})
    with pytest.raises(NotFound):
        await books.accounts.budgets.raise_limit({"scope": "team:red", "by_usd": "1", "for_s": 60})
    with pytest.raises(BadRequest) as refused:
        await books.accounts.budgets.raise_limit({"scope": "all", "by_usd": "0", "for_s": 60})
    assert "by_usd" == refused.value.param
