"""Charges as FOCUS has them, over a real spend log: they add up to the ledger, and say nothing that is not known."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.adapters.spendlog_duckdb import DuckDbSpendLog
from daemon.cost.focus import COLUMNS, focus_row, lines
from daemon.cost.rates import Part, Quote
from daemon.exchange import LedgerRow
from daemon.ports.cost import SpendQuery
from daemon.spend_sums import Charge
from tests.unit.cost.test_review import NOW, call

MANDATORY = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd"),
    *("ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity"),
    *("PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
)


async def focus(open_the_books, *rows: LedgerRow) -> list[dict[str, str]]:
    books = await open_the_books()
    await books.spend_log.write(rows, 1)
    since = NOW - timedelta(days=60)
    text = b"".join([piece async for piece in books.accounts.statements.focus_csv(since=since)]).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_every_mandatory_column_is_there():
    assert set(MANDATORY) <= set(COLUMNS)


async def test_a_day_of_a_class_is_a_row(open_the_books):
    parts = "input=100@0.0000025,output=10@0.00001"
    values = {"price_parts": parts, "cost_usd": Decimal("0.00035"), "price_source": "litellm 1 gpt-4o"}
    rows = await focus(
        open_the_books,
        call(1, **values, team="research", tags=("nightly",)),
        call(2, **values, team="research", tags=("nightly",)),
        call(3, kind="hit", outcome="", cost_usd=Decimal(0), saved_usd=Decimal(1)),
    )

    read, written = rows
    assert ("0.0005", "200", "Tokens", "0.0000025") == tuple(
        read[name] for name in ("BilledCost", "ConsumedQuantity", "ConsumedUnit", "ListUnitPrice")
    )
    assert ("2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z") == (read["ChargePeriodStart"], read["ChargePeriodEnd"])
    assert ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z") == (read["BillingPeriodStart"], read["BillingPeriodEnd"])
    assert {"helix/team": "research", "nightly": True} == json.loads(read["Tags"])
    assert ("openai/gpt-4o/output", "0.0002", "k") == (
        written["SkuId"],
        written["EffectiveCost"],
        written["SubAccountId"],
    )


async def test_a_cost_that_is_not_known_is_empty(open_the_books):
    (row,) = await focus(open_the_books, call(1, outcome="unpriced", cost_usd=None, input_tokens=7, output_tokens=1))

    assert ("", "", "8", "unpriced") == (
        row["BilledCost"], row["ListUnitPrice"], row["ConsumedQuantity"], row["x_Outcome"],
    )  # fmt: skip


async def test_a_failed_call_is_no_charge(open_the_books):
    assert [] == await focus(open_the_books, call(1, outcome="failed", status=500, cost_usd=Decimal(0)))


classes = st.sampled_from(["input", "cached_read", "cache_write_5m", "output", "reasoning"])
found = st.dictionaries(classes, st.tuples(st.integers(1, 10**6), st.integers(0, 10**8)), min_size=1)


def quote_of(found: dict[str, tuple[int, int]]) -> Quote:
    return Quote("t", tuple(Part(name, tokens, Decimal(rate) / 10**12) for name, (tokens, rate) in found.items()))


@settings(max_examples=25)
@given(st.lists(found.map(quote_of), max_size=6))
async def test_charges_add_up_to_the_ledger_to_the_last_digit(tmp_path_factory, quotes):
    spend_log = DuckDbSpendLog(tmp_path_factory.mktemp("focus") / "spend.duckdb")
    await spend_log.open()
    rows = [call(at, cost_usd=quote.cost_usd, price_parts=quote.parts_text) for at, quote in enumerate(quotes)]
    await spend_log.write(rows, 1)

    query = SpendQuery(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    charges = [charge async for batch in spend_log.charges(query) for charge in batch]

    assert sum(row.cost_usd for row in rows) == sum(charge.cost_usd for charge in charges)
    await spend_log.aclose()


HOSTILE = ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "\tx", 'a","b', "a\nb"]


def test_no_text_becomes_a_formula_in_a_spreadsheet():
    for text in HOSTILE:
        charge = Charge(
            datetime(2026, 11, 1).date(), text, text, text, text, text, None, None, (text,), text, "settled", "input",
            Decimal("0.1"), 1, Decimal("0.1"),
        )  # fmt: skip

        (row,) = list(csv.reader(io.StringIO(lines([charge]).decode())))

        assert len(COLUMNS) == len(row)
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
        assert text == focus_row(charge)["ResourceId"]
