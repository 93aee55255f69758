"""Soft limits: the owner is told, once in each window, that a budget is nearly used up.

Each look asks for all budgets that were spent on, told of or not: asking is also how a store that has lost its
counters is noticed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ..ports.clock import Clock
from ..ports.cost import Hold
from ..window_names import in_words
from .limits import Limit
from .money import usd_of, usd_text
from .standings import Standing

log = logging.getLogger(__name__)


class SoftLimits:
    """Watches the budgets that calls settle on. A look asks the store once for all of them, off any request's path."""

    def __init__(
        self,
        standings: Callable[[Sequence[Limit]], Awaitable[list[Standing]]],
        on_passed: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        """`on_passed(scope, window)` is told beside the log."""
        self._standings = standings
        self._on_passed = on_passed
        self._clock = clock
        self._limits: dict[str, Limit] = {}
        self._settled_on: set[str] = set()
        self._told: dict[str, Limit] = {}
        self._news: dict[str, str] = {}

    def watch(self, limits: Iterable[Limit]) -> str:
        """A call is held against `limits`. Returns what there is new to say of them, once; most often nothing."""
        for limit in limits:
            self._limits[limit.counter.name] = limit
        if not self._news:
            return ""
        return "; ".join(self._news.pop(limit.instance) for limit in limits if limit.instance in self._news)

    def forget(self, limits: Iterable[Limit]) -> None:
        """Look at these no longer."""
        for limit in limits:
            self._limits.pop(limit.counter.name, None)

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
            standings = await self._standings(limits)
        except BaseException:
            self._settled_on |= settled_on
            raise
        for limit, standing in zip(limits, standings, strict=True):
            is_passed = 100 * standing.settled_nanos >= limit.soft_pct * limit.limit_nanos
            if is_passed and limit.instance not in self._told:
                self._tell(limit, standing)
            elif limit.is_rolling and not is_passed:
                self._told.pop(limit.instance, None)

    def _tell(self, limit: Limit, standing: Standing) -> None:
        self._told[limit.instance] = limit
        spent, whole = usd_text(usd_of(standing.settled_nanos)), usd_text(limit.limit_usd)
        window = in_words(limit.window)
        said = f"{limit.scope} has passed {limit.soft_pct}% of its budget {window}: {spent} of {whole} USD"
        log.warning("%s", said)
        self._news[limit.instance] = said
        self._on_passed(limit.scope, limit.window)

    def _forget_passed_windows(self) -> None:
        now = self._clock.now()
        self._limits = {
            name: limit
            for name, limit in self._limits.items()
            if limit.counter.counts_until is None or limit.counter.counts_until > now
        }
        for instance in [name for name, told in self._told.items() if told.resets_at and told.resets_at <= now]:
            del self._told[instance]
            self._news.pop(instance, None)
