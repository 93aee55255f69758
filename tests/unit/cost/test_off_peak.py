"""Some providers bill less at some hours."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from daemon.adapters.prices_litellm import LitellmPrices
from daemon.cost.price_table import price_of_entry
from daemon.exchange import Usage

ENTRY = {
    "input_cost_per_token": Decimal("1.32E-6"),
    "output_cost_per_token": Decimal("3.96E-6"),
    "cache_read_input_token_cost": Decimal("4.4E-8"),
    "off_peak_pricing": {
        "input_cost_per_token": Decimal("6.6E-7"),
        "output_cost_per_token": Decimal("1.98E-6"),
        "windows": [
            {"hours_utc": ["00:00-01:00", "04:00-06:00", "10:00-00:00"], "weekdays": [1, 2, 3, 4, 5]},
            {"hours_utc": "00:00-00:00", "weekdays": [6, 7]},
        ],
    },
}
"""As litellm 1.106 states it for DeepSeek."""

FULL, LESS = Decimal("0.00132"), Decimal("0.00066")


def cost_at(moment: str, entry=ENTRY) -> Decimal:
    price = price_of_entry("m", entry)
    assert price is not None
    return price.at(datetime.fromisoformat(moment)).cost(Usage(1000, 0))


@pytest.mark.parametrize(
    ("moment", "cost_usd"),
    [
        ("2026-11-20T00:59:59+00:00", LESS),
        ("2026-11-20T01:00:00+00:00", FULL),
        ("2026-11-20T09:59:59+00:00", FULL),
        ("2026-11-20T10:00:00+00:00", LESS),
        ("2026-11-20T23:59:59+00:00", LESS),
        ("2026-11-20T10:30:00+01:00", FULL),
        ("2026-11-21T09:00:00+00:00", LESS),
    ],
)
def test_the_hour_decides(moment, cost_usd):
    """The 20th is a Friday."""
    assert cost_usd == cost_at(moment)


def test_weekdays_may_be_those_of_another_calendar():
    """Friday 17:00 in UTC is Saturday in Shanghai."""
    rules = {**ENTRY["off_peak_pricing"], "weekday_timezone": "Asia/Shanghai"}
    rules["windows"] = [{"hours_utc": "00:00-00:00", "weekdays": [6]}]

    assert LESS == cost_at("2026-11-20T17:00:00+00:00", {**ENTRY, "off_peak_pricing": rules})
    assert FULL == cost_at("2026-11-20T15:00:00+00:00", {**ENTRY, "off_peak_pricing": rules})


def test_what_is_left_out_costs_the_same_at_all_hours_and_the_source_says_which_price_it_was():
    price = price_of_entry("m", ENTRY)
    assert price is not None
    quote = price.at(datetime(2026, 11, 21, tzinfo=UTC)).quote(Usage(0, 0, cached_read_tokens=1000))

    assert (Decimal("0.000044"), "m, off-peak") == (quote.cost_usd, quote.source)


@pytest.mark.parametrize("odd", [{"windows": 5}, {"hours_utc": "night"}, {"weekday_timezone": "Moon", "windows": []}])
def test_hours_that_cannot_be_read_are_billed_in_full(odd):
    rules = {**ENTRY["off_peak_pricing"], **odd}

    assert FULL == cost_at("2026-11-21T00:00:00+00:00", {**ENTRY, "off_peak_pricing": rules})


def test_the_hours_of_the_installed_table_are_read():
    stated = {model: entry for model, entry in LitellmPrices().load().items() if entry.get("off_peak_pricing")}

    assert stated
    assert all(price_of_entry(model, entry).off_peak is not None for model, entry in stated.items())
