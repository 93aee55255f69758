"""Invoices and cost exports as providers write them, and what anybody could write instead."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helix_cli.diagnostics import CommandFailed, UsageMistake
from helix_cli.invoice import read_invoice

OPENAI = """start_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item
1759622400,2025-10-05T00:00:00+00:00,2025-10-06T00:00:00+00:00,0.8958740000000000,usd,"gpt-4o-2024-08-06, input"
1759622400,2025-10-05T00:00:00+00:00,2025-10-06T00:00:00+00:00,0.1041260000000000,usd,"gpt-4o-2024-08-06, output"
1759968000,2025-10-09T00:00:00+00:00,2025-10-10T00:00:00+00:00,,,
"""
ANTHROPIC = """usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type
2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,input_no_cache,0.05,token
2026-08-04,Claude Haiku 4.5,Default,k,message,≤ 200k,output,0.10,token
2026-08-05,Claude Sonnet 4.5,Default,k,message,≤ 200k,output,1.00,token
"""
DEEPSEEK = """user_id,start_time_iso,end_time_iso,model,wallet_type,cost,currency
u,2026-08-21T00:00:00+08:00,2026-08-22T00:00:00+08:00,deepseek-chat,normal,2.8196908,USD
"""
FOCUS = """BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ResourceId,ServiceName
1.5e-07,USD,2026-11-25T00:00:00Z,2026-11-26T00:00:00Z,gpt-4o-mini,openai
"""


@pytest.fixture
def invoice(tmp_path):
    def read(text: str | bytes, columns: str | None = None):
        path = tmp_path / "invoice.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return [(one["day"], one["model"], one["cost_usd"]) for one in read_invoice(path, columns)]

    return read


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (OPENAI, [("2025-10-05", "gpt-4o-2024-08-06", "1.0000000000000000")]),
        (ANTHROPIC, [("2026-08-04", "Claude Haiku 4.5", "0.15"), ("2026-08-05", "Claude Sonnet 4.5", "1.00")]),
        (DEEPSEEK, [("2026-08-20", "deepseek-chat", "2.8196908")]),
        (FOCUS, [("2026-11-25", "gpt-4o-mini", "0.00000015")]),
        ("\ufeffDate;Model;Cost\r\n2026-11-01;m;$1,234.50\r\n", [("2026-11-01", "m", "1234.50")]),
    ],
    ids=["OpenAI", "Anthropic", "DeepSeek", "FOCUS", "a spreadsheet's"],
)
def test_known_exports_are_read_by_their_headers(invoice, text, lines):
    assert lines == invoice(text)


def test_any_file_is_read_once_its_columns_are_named(invoice):
    text = "When,What,Paid,Tax\n1764028800,gpt-4o,2,9\n"

    assert [("2025-11-25", "gpt-4o", "2")] == invoice(text, "date=when,model=what,cost=paid")
    assert [("2025-11-25", "", "2")] == invoice(text, "date=when,cost=paid")
    for columns in ("date=when", "date=when,cost=nothing", "date=when,cost=paid,tax=tax", "when"):
        with pytest.raises(UsageMistake):
            invoice(text, columns)
    with pytest.raises(UsageMistake, match="--columns"):
        invoice(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date,cost\nsoon,1\n", "line 2: 'soon' is no date"),
        ("date,cost\n2026-11-01,much\n", "line 2: 'much' is no amount"),
        ("date,cost\n2026-11-01,NaN\n", "no amount"),
        ("date,cost\n2026-11-01,1e999999\n", "no amount"),
        ("date,cost\n2026-11-01,1e-999999\n", "no amount"),
        ("date,cost\n99999999999999999999,1\n", "no date"),
        ("date,cost,currency\n2026-11-01,1,CNY\n", "CNY"),
        ("date,cost\n", "no line has an amount"),
        (b"date,cost\n\xff\xfe,1\n", "line 2: .* is no date"),
        ("date,cost\n2026-11-01," + "1" * 200_000, "line"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(invoice, text, said):
    with pytest.raises(CommandFailed, match=said):
        invoice(text)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(CommandFailed, match="cannot be read"):
        read_invoice(tmp_path / "none.csv", None)


@given(st.lists(st.decimals(-1000, 1000, places=6), min_size=1))
def test_amounts_are_added_up_exactly(tmp_path_factory, amounts):
    path = tmp_path_factory.mktemp("invoice") / "invoice.csv"
    path.write_text("date,cost\n" + "".join(f"2026-11-01,{amount}\n" for amount in amounts))

    (line,) = read_invoice(path, None)

    assert sum(amounts) == Decimal(line["cost_usd"])
