"""One request, as the logs and the ledger show it."""

from __future__ import annotations

from typing import TypedDict


class LogRow(TypedDict):
    id: str
    at: str
    kind: str
    outcome: str
    dialect: str
    provider: str
    model: str
    key: str
    cache: str
    similarity: float | None
    status: int
    cost_usd: str | None
    saved_usd: str | None
    input_tokens: int
    output_tokens: int
    ttft_ms: float | None
    total_ms: float | None
    pii: str
    reason: str
    tags: list[str]
    user: str | None
    team: str | None
    org: str | None
    session: str
    client: str


class PricePart(TypedDict):
    """Tokens of one class."""

    name: str
    """input, input_audio, input_image, cached_read, cache_write_5m, cache_write_1h, output, reasoning, output_audio
    or output_image"""
    tokens: int
    usd_per_mtok: str
    cost_usd: str


class ExplainedRow(LogRow):
    request_id: str
    upstream_model: str
    swapped_from: str
    """The model that would have answered, had no rule of `[[optimize]]` chosen a cheaper one; else empty."""
    price_source: str
    bound_usd: str | None
    """The most that it can have cost, where `cost_usd` is not known."""
    parts: list[PricePart]
    """These add up to `cost_usd`."""
