"""A budget at one moment: which counters its limit bounds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..ports.cost import Hold


@dataclass(frozen=True, slots=True)
class Counter:
    """What is spent in one stretch of time, as the store counts it."""

    name: str
    """In the store; no other stretch and no other budget has it."""
    starts_at: datetime | None
    ends_at: datetime | None
    counts_until: datetime | None


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget in one instance of its window: what a call is admitted against."""

    scope: str
    window: str
    limit_usd: Decimal
    limit_nanos: int
    soft_pct: int
    origin: str
    counters: tuple[Counter, ...]
    """Whose sum the limit bounds, oldest first. Calls of this moment are held on the last."""
    resets_at: datetime | None
    """When all of it is free again; None: never, or little by little, as in a rolling window."""
    stale_at: datetime | None
    """When another instance takes its place; None: never."""
    fallback_model: str = ""
    """Asked instead where there is no room; empty: the call is refused."""
    raised_until: datetime | None = None
    """When `limit_usd` is the budget's own again; None: it is."""

    @property
    def counter(self) -> Counter:
        """Where calls of this moment are held."""
        return self.counters[-1]

    def hold(self, amount_nanos: int) -> Hold:
        """The amount set aside on it."""
        beside = tuple(counter.name for counter in self.counters[:-1])
        return Hold(self.counter.name, amount_nanos, self.limit_nanos, beside)

    @property
    def is_rolling(self) -> bool:
        return len(self.counters) > 1

    @property
    def instance(self) -> str:
        """Names the budget and the window that it is in; a rolling window is one that never ends."""
        return budget_name(self.scope, self.window) if self.is_rolling else self.counter.name


def budget_name(scope: str, window: str) -> str:
    return f"{scope}/{window}"
