"""Charges as FOCUS has them, the FinOps Open Cost and Usage Specification: https://focus.finops.org, version 1.2.

What Helix adds has the prefix `x_`, as the specification asks. The provider's account and invoice numbers are not
known here and stay empty, and so does a cost that is not known: nothing is ever a zero that is none. What the cache
answered is no charge and not among the rows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from ..json_text import to_json
from ..spend_sums import Charge
from .money import usd_text

COLUMNS = (
    *("BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency"),
    *("BillingAccountId", "BillingAccountName", "BillingPeriodStart", "BillingPeriodEnd"),
    *("ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodStart", "ChargePeriodEnd"),
    *("ConsumedQuantity", "ConsumedUnit", "PricingCategory", "PricingQuantity", "PricingUnit", "PricingCurrency"),
    *("ListUnitPrice", "ContractedUnitPrice", "ProviderName", "PublisherName", "InvoiceIssuerName"),
    *("ServiceCategory", "ServiceSubcategory", "ServiceName", "ResourceId", "ResourceName", "ResourceType"),
    *("SkuId", "SkuMeter", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags"),
    *("x_AskedModel", "x_Outcome", "x_PriceSource"),
)

_ALWAYS: Mapping[str, str] = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "PricingCategory": "Standard",
    "PricingCurrency": "USD",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceSubcategory": "Generative AI",
    "ResourceType": "Model",
}

_FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet would run a text that begins so; names of models and users are whatever a caller wrote."""


def header() -> bytes:
    return _lines([COLUMNS])


def lines(charges: Iterable[Charge]) -> bytes:
    """A line of CSV for each charge."""
    return _lines([_text(row.get(column, "")) for column in COLUMNS] for row in map(focus_row, charges))


def focus_row(charge: Charge) -> dict[str, str]:
    """A charge's columns; those that are not there are empty."""
    cost = "" if charge.cost_usd is None else usd_text(charge.cost_usd)
    tokens = "" if charge.tokens is None else str(charge.tokens)
    price = "" if charge.usd_per_token is None else usd_text(charge.usd_per_token)
    unit = "Tokens" if tokens else ""
    sku = "/".join(filter(None, (charge.provider, charge.model, charge.token_class)))
    return {
        **_ALWAYS,
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"), cost),
        **_period("BillingPeriod", charge.day.replace(day=1), _next_month(charge.day)),
        **_period("ChargePeriod", charge.day, charge.day + timedelta(days=1)),
        "ChargeDescription": f"{charge.model}: {_DESCRIBED.get(charge.token_class, charge.token_class)}",
        **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), tokens),
        **dict.fromkeys(("ConsumedUnit", "PricingUnit"), unit),
        **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), price),
        **dict.fromkeys(("ProviderName", "PublisherName", "InvoiceIssuerName", "ServiceName"), charge.provider),
        **dict.fromkeys(("ResourceId", "ResourceName"), charge.model),
        "SkuId": sku,
        "SkuMeter": charge.token_class,
        "SkuPriceId": f"{sku}@{price}" if price else "",
        **dict.fromkeys(("SubAccountId", "SubAccountName"), charge.key),
        "Tags": to_json(_tags(charge)).decode(),
        "x_AskedModel": charge.asked_model,
        "x_Outcome": charge.outcome,
        "x_PriceSource": charge.price_source,
    }


_DESCRIBED = {
    "": "usage that is not known",
    "cached_read": "tokens read from the provider's prompt cache",
    "cache_write_5m": "tokens written to the provider's prompt cache for 5 minutes",
    "cache_write_1h": "tokens written to the provider's prompt cache for 1 hour",
    "input": "input tokens",
    "input_audio": "audio input tokens",
    "input_image": "image input tokens",
    "output": "output tokens",
    "output_audio": "audio output tokens",
    "output_image": "image output tokens",
    "reasoning": "reasoning tokens",
}


def _tags(charge: Charge) -> dict[str, str | bool]:
    """The caller's own tags have no values, which FOCUS writes as true."""
    bound = {"helix/user": charge.user, "helix/team": charge.team, "helix/org": charge.org}
    return {**{name: value for name, value in bound.items() if value}, **dict.fromkeys(charge.tags, True)}


def _period(name: str, first: date, after: date) -> dict[str, str]:
    return {f"{name}Start": f"{first.isoformat()}T00:00:00Z", f"{name}End": f"{after.isoformat()}T00:00:00Z"}


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA_BEGINS) else value


def _lines(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
