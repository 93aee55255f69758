"""Invoice and ledger side by side: what agrees is not mentioned, what differs has its likely reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from daemon.cost.reconciling import InvoiceLine, plain_name, reconcile
from daemon.errors import BadRequest
from daemon.spend_sums import BilledDay
from tests.unit.cost.test_review import call

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def line(usd: str, day: date = MONDAY, model: str = "gpt-4o-2024-08-06", tolerance: str = "0.0000005") -> InvoiceLine:
    return InvoiceLine(day, model, Decimal(usd), Decimal(tolerance))


def billed(usd: str, day: date = MONDAY, model: str = "gpt-4o", provider: str = "openai", **counts) -> BilledDay:
    states = {"unpriced": 0, "unknown": 0, "estimated": 0, "bound_usd": Decimal(0)} | counts
    return BilledDay(day, provider, model, 10, Decimal(usd), **states)


def reasons(lines, of_ledger, provider=None):
    return [(one.day, one.reason) for one in reconcile(lines, of_ledger, provider).differences]


def test_what_agrees_up_to_the_invoices_rounding_does():
    found = reconcile(
        [line("1.00", tolerance="0.005"), line("2", TUESDAY)], [billed("1.004"), billed("2", TUESDAY)], None
    )

    assert (2, []) == (found.equal, found.differences)
    assert (Decimal("3.00"), Decimal("3.004")) == (found.invoice_usd, found.ledger_usd)


@pytest.mark.parametrize(
    ("lines", "of_ledger", "reason"),
    [
        ([line("1"), line("2", TUESDAY)], [billed("1")], "outside"),
        ([line("1")], [billed("1"), billed("2", TUESDAY)], "not_invoiced"),
        ([line("3")], [billed("1", unpriced=4)], "unpriced"),
        ([line("3")], [billed("1", unknown=4, bound_usd=Decimal(5))], "unknown"),
        ([line("3")], [billed("1", estimated=4)], "estimated"),
        ([line("3")], [billed("1")], "higher"),
        ([line("1")], [billed("3")], "lower"),
    ],
)
def test_a_difference_has_its_likely_reason(lines, of_ledger, reason):
    assert [reason] == [found for _, found in reasons(lines, of_ledger)]


def test_a_constant_factor_is_a_price():
    found = reasons([line("0.8"), line("1.6", TUESDAY)], [billed("1"), billed("2", TUESDAY)])

    assert [(MONDAY, "price"), (TUESDAY, "price")] == found


def test_what_is_made_up_for_the_day_after_fell_on_another_day():
    found = reasons([line("1"), line("4", TUESDAY)], [billed("3"), billed("2", TUESDAY)])

    assert [(MONDAY, "other_day"), (TUESDAY, "other_day")] == found


def test_an_invoice_says_nothing_of_other_providers():
    of_ledger = [billed("1"), billed("9", model="claude-haiku-4-5", provider="anthropic")]

    assert ["openai"] == reconcile([line("1")], of_ledger, None).providers
    assert [] == reasons([line("1")], of_ledger)


def test_an_invoice_without_models_is_compared_day_by_day():
    of_ledger = [billed("1"), billed("2", model="o3"), billed("5", provider="groq", model="llama")]

    assert [] == reasons([line("3", model="")], of_ledger, "openai")
    assert [(MONDAY, "lower")] == reasons([line("3", model="")], of_ledger)


@pytest.mark.parametrize(
    ("on_invoice", "in_ledger"),
    [
        ("Claude Haiku 4.5", "claude-haiku-4-5-20251001"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("GPT-4.1", "gpt-4.1"),
    ],
)
def test_a_model_has_one_name(on_invoice, in_ledger):
    assert plain_name(on_invoice) == plain_name(in_ledger)


async def test_its_own_charges_agree_with_the_ledger(open_the_books):
    books = await open_the_books()
    await books.spend_log.write([call(1), call(2, cost_usd=Decimal("0.000000000001"))], 1)
    day = call(1).at.date().isoformat()
    own = {"day": day, "model": "gpt-4o", "cost_usd": "0.010000000001", "tolerance_usd": "0"}

    found = await books.accounts.statements.reconcile({"lines": [own]})

    assert ("0", 1, []) == (found["difference_usd"], found["equal"], found["differences"])


@pytest.mark.parametrize(
    "lines",
    [
        None,
        [],
        [{}],
        [7],
        [{"day": "soon", "model": "m", "cost_usd": "1", "tolerance_usd": "0"}],
        [{"day": "9999-12-31", "model": "m", "cost_usd": "1", "tolerance_usd": "0"}],
        [{"day": "2026-11-01", "model": "m", "cost_usd": "NaN", "tolerance_usd": "0"}],
        [{"day": "2026-11-01", "model": "m", "cost_usd": "1", "tolerance_usd": "-1"}],
    ],
)
async def test_what_is_no_invoice_is_refused(open_the_books, lines):
    books = await open_the_books()

    with pytest.raises(BadRequest):
        await books.accounts.statements.reconcile({"lines": lines})
