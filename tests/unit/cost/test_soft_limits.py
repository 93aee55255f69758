"""Who owns a budget is told before it is used up."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from daemon.errors import StoreUnavailable
from tests.unit.cost.books import ask

DAY = {"scope": "all", "limit_usd": 4, "window": "day", "soft_pct": 25}


async def test_a_soft_limit_is_told_of_once_in_each_window(open_the_books, clock, caplog):
    """In the log, as a metric, and on the row of the next call."""
    books = await open_the_books(budgets=[DAY])
    with caplog.at_level(logging.WARNING, "daemon.cost.soft_limits"):
        for number, output_tokens in enumerate((99, 1, 10, 10)):
            await books.call(ask(id=f"today {number}"), output_tokens=output_tokens)
            await books.accounts._soft_limits.look()

    said = "all has passed 25% of its budget for each day: 1 of 4 USD"
    assert [said] == [record.message for record in caplog.records]
    assert [("all", "day")] == books.soft_limits
    assert ["", "", said, ""] == [row.reason for row in await books.rows()]

    clock.pass_s(86_400)
    await books.call(ask(id="tomorrow"), output_tokens=150)
    await books.accounts._soft_limits.look()

    assert [("all", "day")] * 2 == books.soft_limits


async def test_a_look_that_failed_is_made_up_for(open_the_books, monkeypatch):
    books = await open_the_books(budgets=[DAY])
    await books.call(ask(), output_tokens=150)

    async def fails(names):
        raise StoreUnavailable("gone")

    with monkeypatch.context() as gone:
        gone.setattr(books.store, "counters", fails)
        with pytest.raises(StoreUnavailable):
            await books.accounts._soft_limits.look()
    await books.accounts._soft_limits.look()

    assert [("all", "day")] == books.soft_limits


async def test_a_rolling_window_is_told_of_again_once_it_has_been_below(open_the_books, clock):
    """It never begins anew: what counts is that enough of it had left the window meanwhile."""
    books = await open_the_books(budgets=[{**DAY, "window": "rolling:60m"}])
    for pause_s in (0, 600, 3600):
        clock.pass_s(pause_s)
        asked = replace(ask(id=f"after {pause_s}"), received_at=clock.now())
        await books.call(asked, output_tokens=150)
        await books.accounts._soft_limits.look()
        clock.pass_s(61 * 60 if pause_s else 0)
        await books.call(replace(ask(id=f"little after {pause_s}"), received_at=clock.now()), output_tokens=1)
        await books.accounts._soft_limits.look()

    assert [("all", "rolling:60m")] * 2 == books.soft_limits
