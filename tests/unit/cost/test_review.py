"""A period as a whole, over a real spend log."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from daemon.exchange import LedgerRow
from tests.unit.cost.test_cheaper import TABLE

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)


def call(number: int, **values) -> LedgerRow:
    row = LedgerRow(
        id=f"r{number}",
        request_id=f"r{number}",
        at=NOW - timedelta(minutes=number + 1),
        kind="call",
        outcome="settled",
        dialect="chat",
        model="gpt-4o",
        provider="openai",
        upstream_model="gpt-4o",
        key="k",
        cache="miss",
        status=200,
        cost_usd=Decimal("0.01"),
    )
    for name, value in values.items():
        setattr(row, name, value)
    return row


@pytest.fixture
async def review(open_the_books):
    async def of(*rows: LedgerRow, days: int = 7):
        books = await open_the_books(table=TABLE)
        await books.spend_log.write(rows, 1)
        return await books.accounts.statements.review(since=NOW - timedelta(days=days))

    return of


async def test_a_period_is_compared_with_as_long_a_time_before(review):
    found = await review(call(1), call(2, at=NOW - timedelta(days=8), cost_usd=Decimal("0.03")))

    assert ("0.03", 1) == (found["previous"]["cost_usd"], found["previous"]["calls"])
    assert "0.01" == found["course"][-1]["cost_usd"]


async def test_small_calls_are_priced_at_the_smaller_model(review):
    small = {"input_tokens": 1000, "output_tokens": 100, "cost_usd": Decimal("0.0035")}
    others = {"with_tools": True}, {"input_tokens": 1001}, {"output_tokens": 301}, {"reasoning_tokens": 1}
    rows = [call(number, **small) for number in range(10)]
    rows += [call(20 + number, **{**small, **other}) for number, other in enumerate(others)]

    (advice,) = (await review(*rows))["advice"]

    # 10,000 tokens at 0.15 and 1,000 at 0.60 a million, instead of 2.50 and 10
    assert ("cheaper_model", 10, "0.0329") == (advice["kind"], advice["calls"], advice["saving_usd"])
    assert [{"from": "gpt-4o", "to": "gpt-4o-mini", "when": {"max_prompt_tokens": 1000, "max_output_tokens": 300,
             "no_tools": True}}] == tomllib.loads(advice["step"])["optimize"]  # fmt: skip


@pytest.mark.parametrize(
    ("others", "kind", "saving_usd"),
    [
        ({"cache": "bypass"}, "cache_off", "0.02"),
        ({"key": "other"}, "cache_scope", "0.01"),
    ],
)
async def test_what_was_asked_again_could_have_been_a_hit(review, others, kind, saving_usd):
    first = call(9, prompt_print="p", **({"cache": "bypass"} if kind == "cache_off" else {}))
    rows = [first, call(8, prompt_print="p", **others), call(7, prompt_print="p", **others), call(6, prompt_print="q")]

    (advice,) = (await review(*rows))["advice"]

    assert (kind, saving_usd) == (advice["kind"], advice["saving_usd"])


READ = "input=100@0.000003,cached_read=1000@0.0000003,output=10@0.000015"
WRITTEN = "cache_write_5m=10000@0.00000375,cache_write_1h=10000@0.000006,output=10@0.000015"


async def test_a_prompt_cache_is_weighed_against_plain_input(review):
    """A call of which nothing is plain input takes its rate from others of the model."""
    read = call(1, price_parts=READ, cached_read_tokens=1000)
    written = call(2, price_parts=WRITTEN, cache_write_tokens=20_000)

    saved = (await review(read))["prompt_cache"]
    both = (await review(read, written))["prompt_cache"]

    assert ("0.0027", 1000, 0) == (saved["saved_usd"], saved["read_tokens"], saved["written_tokens"])
    # 20,000 at 3 dollars a million would have been .06; written they cost .0975
    assert "-0.0348" == both["saved_usd"]


async def test_a_prompt_cache_that_loses_money_is_advised_against(review):
    written = call(1, price_parts=f"input=100@0.000003,{WRITTEN}", cache_write_tokens=20_000)

    (advice,) = (await review(written))["advice"]

    assert ("prompt_cache", "0.0375") == (advice["kind"], advice["saving_usd"])


async def test_a_session_that_stands_out_is_named(review):
    rows = [call(number, session=f"s{number}", cost_usd=Decimal(number % 3 + 1)) for number in range(12)]

    found = await review(*rows, call(20, session="runaway", cost_usd=Decimal(900)))

    assert [("session", "runaway", "900")] == [(one["kind"], one["name"], one["cost_usd"]) for one in found["unusual"]]


async def test_a_ledger_without_a_row_has_an_answer(review):
    found = await review()

    assert ([], None, [], []) == (found["course"], found["month"], found["unusual"], found["advice"])
    assert "0" == found["prompt_cache"]["saved_usd"]


@pytest.mark.parametrize("since", [datetime(1, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), None, NOW])
async def test_any_moment_is_a_beginning(open_the_books, since):
    books = await open_the_books()
    until = datetime(9999, 12, 31, tzinfo=UTC)

    found = await books.accounts.statements.review(since=since, until=until)

    assert [] == found["course"]
    assert (since == NOW) == (found["previous"] is not None)
