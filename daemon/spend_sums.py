"""What the spend log says of a period beside its totals.

Money is Decimal US dollars; models are as providers name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class HourSum:
    """One hour in which something was asked. `hour` is its beginning on the local clock, without a zone: the hour
    that comes twice when clocks go back is one."""

    hour: datetime
    calls: int
    hits: int
    cost_usd: Decimal
    saved_usd: Decimal


@dataclass(frozen=True, slots=True)
class PromptCacheSum:
    """What a model's provider read from, and wrote to, its own prompt cache, and what that cost."""

    provider: str
    model: str
    read_tokens: int
    written_tokens: int
    cost_usd: Decimal
    uncached_usd: Decimal
    """What the same tokens would have cost as plain input."""


@dataclass(frozen=True, slots=True)
class SmallCalls:
    """A model's calls that were small, wrote no reasoning and brought no tools."""

    provider: str
    model: str
    calls: int
    cost_usd: Decimal
    input_tokens: int
    """Those that came from a prompt cache, or went into one, left out."""
    cached_read_tokens: int
    cache_write_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Repeats:
    """Calls that asked what had been asked before in the same period: where the cache was not asked (`off`), and by
    somebody who does not share the entries of who asked first (`apart`)."""

    why: Literal["off", "apart"]
    calls: int
    cost_usd: Decimal


@dataclass(frozen=True, slots=True)
class Charge:
    """Tokens of one class that one provider billed on one day (UTC), for one caller. A call of which no class is
    known is a charge without one."""

    day: date
    provider: str
    model: str
    asked_model: str
    key: str
    user: str | None
    team: str | None
    org: str | None
    tags: tuple[str, ...]
    price_source: str
    outcome: str
    """`settled` or `estimated`; `unpriced` or `unknown` where the cost is not known."""
    token_class: str
    usd_per_token: Decimal | None
    tokens: int | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class BilledDay:
    """What a provider's model cost on one day (UTC), as far as it is known."""

    day: date
    provider: str
    model: str
    calls: int
    cost_usd: Decimal
    unpriced: int
    unknown: int
    estimated: int
    bound_usd: Decimal
    """The most that the calls of unknown outcome can have cost."""
