"""Dollars and nano-dollars.

Counters hold whole nano-dollars, since Redis and SQLite add integers exactly; everything else is `Decimal`.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

NANOS_PER_USD = 1_000_000_000

LEDGER_STEP = Decimal("1e-12")
"""The ledger's smallest amount, from its DECIMAL(38,12)."""


def nanos_of(usd: Decimal) -> int:
    """Whole nano-dollars, rounded up, so that a counter never shows less than the ledger."""
    return int((usd * NANOS_PER_USD).to_integral_value(ROUND_CEILING))


def usd_of(nanos: int) -> Decimal:
    return Decimal(nanos) / NANOS_PER_USD


@lru_cache(maxsize=1024)
def usd_text(usd: Decimal) -> str:
    """`0.00012`: never an exponent, no zeros at the end."""
    text = format(usd, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def usd_about(usd: Decimal) -> str:
    """For sentences: cents from a dollar on, four digits that count below."""
    return f"{usd:,.2f}" if abs(usd) >= 1 else usd_text(Decimal(f"{usd:.4g}"))
