"""Soft limits: the owner is told, once in each window, that a budget is nearly used up.

Each look asks for all budgets that were spent on, told of or not: asking is also how a store that has lost its
counters is noticed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ..ports import Clock, CounterState, Hold
from .budgets import Limit
from .money import usd_of, usd_text

log = logging.getLogger(__name__)


class SoftLimits:
    """Watches the budgets that calls settle on. A look asks the store once for all of them, off any request's path."""

    def __init__(
        self,
        states: Callable[[Sequence[Limit]], Awaitable[list[CounterState]]],
        on_passed: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        """`on_passed(scope, window)` is told beside the log."""
        self._states = states
        self._on_passed = on_passed
        self._clock = clock
        self._limits: dict[str, Limit] = {}
        self._settled_on: set[str] = set()
        self._told: dict[str, Limit] = {}
        self._news: dict[str, str] = {}

    def watch(self, limits: Iterable[Limit]) -> str:
        """A call is held against `limits`. Returns what there is new to say of them, once; most often nothing."""
        for limit in limits:
            self._limits[limit.counter] = limit
        if not self._news:
            return ""
        return "; ".join(self._news.pop(limit.counter) for limit in limits if limit.counter in self._news)

    def settled(self, holds: Iterable[Hold]) -> None:
        """Something was spent."""
        self._settled_on.update(hold.counter for hold in holds)

    async def look(self) -> None:
        """Tell of the budgets that passed their soft limit since the last look.

        Raises:
            StoreUnavailable, SpendLogUnavailable: it is to be done again.
        """
        if not self._settled_on:
            return
        self._forget_passed_windows()
        settled_on, self._settled_on = self._settled_on, set()
        limits = [limit for name, limit in self._limits.items() if name in settled_on]
        try:
            states = await self._states(limits)
        except BaseException:
            self._settled_on |= settled_on
            raise
        for limit, state in zip(limits, states, strict=True):
            is_passed = 100 * state.settled_nanos >= limit.soft_pct * limit.limit_nanos
            if is_passed and limit.counter not in self._told:
                self._tell(limit, state)

    def _tell(self, limit: Limit, state: CounterState) -> None:
        self._told[limit.counter] = limit
        spent, whole = usd_text(usd_of(state.settled_nanos)), usd_text(limit.limit_usd)
        said = (
            f"{limit.scope} has passed {limit.soft_pct}% of its budget for each {limit.window}: {spent} of {whole} USD"
        )
        log.warning("%s", said)
        self._news[limit.counter] = said
        self._on_passed(limit.scope, limit.window)

    def _forget_passed_windows(self) -> None:
        now = self._clock.now()
        for kept in (self._limits, self._told):
            for name in [
                name for name, limit in kept.items() if limit.resets_at is not None and limit.resets_at <= now
            ]:
                del kept[name]
                self._news.pop(name, None)
