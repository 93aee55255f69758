"""What was spent: sums, their course, what could be cheaper, and invoices beside the ledger."""

from __future__ import annotations

from typing import TypedDict


class SpendSums(TypedDict):
    calls: int
    hits: int
    refused: int
    unknown: int
    unpriced: int
    estimated: int
    cost_usd: str
    saved_usd: str
    saved_s: float
    """How long the providers took to make the answers that came from the cache."""


class SpendRow(SpendSums, total=False):
    input_tokens: int
    output_tokens: int
    cached_read_tokens: int
    """Of the input: read from, and written to, the providers' own prompt caches."""
    cache_write_tokens: int


class Spend(SpendSums):
    rows: list[SpendRow]


class SpendStep(TypedDict):
    at: str
    """`2026-11-25`, or `2026-11-25T14` for an hour, on the configured clock."""
    cost_usd: str
    saved_usd: str


class MonthOutlook(TypedDict):
    month: str
    """`2026-11`"""
    spent_usd: str
    projected_usd: str
    days_known: int
    """Whole days that the pace was learned from: 28 at most."""


class PromptCacheRow(TypedDict):
    provider: str
    model: str
    read_tokens: int
    written_tokens: int
    saved_usd: str
    """Beside what the same tokens would have cost as plain input; negative where the cache cost more."""


class PromptCache(TypedDict):
    """The providers' own prompt caches; their sums, then by model."""

    read_tokens: int
    written_tokens: int
    saved_usd: str
    rows: list[PromptCacheRow]


class UnusualSpend(TypedDict):
    kind: str
    """`hour` or `session`"""
    name: str
    cost_usd: str
    usual_usd: str
    """The median of its kind."""
    z: float


class Advice(TypedDict):
    kind: str
    """cheaper_model, cache_off, cache_scope or prompt_cache"""
    saving_usd: str
    calls: int
    text: str
    step: str
    """What to write or change."""


class Review(TypedDict):
    previous: Spend | None
    """As long a time right before; None where the period has no beginning."""
    course: list[SpendStep]
    """Hour by hour up to 48 hours, else day by day."""
    month: MonthOutlook | None
    """None while less than three whole days are known."""
    prompt_cache: PromptCache
    unusual: list[UnusualSpend]
    advice: list[Advice]


class InvoiceLine(TypedDict):
    """What a provider's invoice has for one day (UTC) and model."""

    day: str
    model: str
    """Empty where the invoice names none."""
    cost_usd: str
    tolerance_usd: str
    """How far the amount was rounded."""


class InvoiceDifference(TypedDict):
    day: str
    model: str
    invoice_usd: str | None
    ledger_usd: str | None
    difference_usd: str
    """Invoice less ledger."""
    reason: str
    """outside, not_invoiced, other_day, unpriced, unknown, estimated, price, higher or lower"""
    text: str
    """The likely reason in words."""


class Reconciliation(TypedDict):
    invoice_usd: str
    ledger_usd: str
    difference_usd: str
    equal: int
    """How many days of models agree."""
    differences: list[InvoiceDifference]
    providers: list[str]
    """Whose calls were compared: the provider asked for, or those of which the invoice names a model."""
