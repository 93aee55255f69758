"""How budgets stand: what the store's counters say, made up for by the ledger where the store knows less.

A store may have lost its counters, or be an older copy of itself. What was seen before, and what the ledger has, is
what is believed then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..ports.clock import Clock
from ..ports.cost import CounterState, CounterStore
from .limits import Counter, Limit

log = logging.getLogger(__name__)

SpentNanos = Callable[[str, datetime | None, datetime | None], Awaitable[int]]
"""What the ledger says was spent for a scope, since when and until when."""

_NOTHING = CounterState(0, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """One limit at one moment."""

    settled_nanos: int
    reserved_nanos: int
    """For calls under way."""
    aside_nanos: int
    """By nodes, for while they cannot ask."""
    resets_at: datetime | None
    """When its window begins anew, or the oldest money leaves a rolling one; None: never, or there is none."""

    @property
    def held_nanos(self) -> int:
        """What may still be spent of what is not settled."""
        return self.reserved_nanos + self.aside_nanos


class Standings:
    """One for the process; other processes may share the store."""

    def __init__(
        self, store: CounterStore, spent_nanos: SpentNanos, clock: Clock, on_seeded: Callable[[str], None]
    ) -> None:
        """`on_seeded` is told a counter that the store did not know: all that the ledger has is in it now."""
        self._store = store
        self._spent_nanos = spent_nanos
        self._clock = clock
        self._on_seeded = on_seeded
        self._seeded: dict[str, datetime | None] = {}
        """Counters that were made sure of, with the moment from which they do not count."""
        self._seen_nanos: dict[str, int] = {}
        """The most that was ever seen settled on a counter. It never falls: a store that says less is an older copy."""
        self._seeding = asyncio.Lock()

    async def of(self, limits: Sequence[Limit]) -> list[Standing]:
        """How each limit stands.

        Raises:
            StoreUnavailable, SpendLogUnavailable: it is not known.
        """
        if not limits:
            return []
        await self.make_sure(limits)
        states = await self._states({counter.name: limit for limit in limits for counter in limit.counters})
        return [_standing(limit, states) for limit in limits]

    async def make_sure(self, limits: Sequence[Limit]) -> None:
        """Make sure of each counter when it is first used: a store that does not know it has no room on it.

        Raises:
            StoreUnavailable, SpendLogUnavailable: it is to be done again.
        """
        if all(counter.name in self._seeded for limit in limits for counter in limit.counters):
            return
        async with self._seeding:
            self._forget_passed()
            for limit in limits:
                new = [counter for counter in limit.counters if counter.name not in self._seeded]
                await self._make_up(limit, new)
                self._seeded.update({counter.name: counter.counts_until for counter in new})

    async def _states(self, limits: dict[str, Limit]) -> dict[str, CounterState]:
        """By the counters' names; `limits` has the limit that each belongs to."""
        names = list(limits)
        # Taken before the store is asked: answers overtake each other, and what was seen later proves nothing.
        seen_nanos = [self._seen_nanos.get(name, 0) for name in names]
        found = await self._store.counters(names)
        if any(state is None or state.settled_nanos < seen for state, seen in zip(found, seen_nanos, strict=True)):
            log.warning("the store has lost budget counters, or is an older copy: the ledger makes up for it")
            for limit in set(limits.values()):
                await self._make_up(limit, limit.counters)
            found = await self._store.counters(names)
        states = {name: state or _NOTHING for name, state in zip(names, found, strict=True)}
        for name, state in states.items():
            self._seen_nanos[name] = max(state.settled_nanos, self._seen_nanos.get(name, 0))
        return states

    async def _make_up(self, limit: Limit, counters: Sequence[Counter]) -> None:
        """Bring the store's counters up to what the ledger says, or this node has seen."""
        for counter, spent_nanos in zip(counters, await self._spent_in(limit.scope, counters), strict=True):
            known_nanos = max(spent_nanos, self._seen_nanos.get(counter.name, 0))
            until = counter.counts_until
            if await self._store.seed(counter.name, known_nanos, None if until is None else until.timestamp()):
                self._on_seeded(counter.name)
            else:
                await self._store.settled_at_least(counter.name, known_nanos)

    async def _spent_in(self, scope: str, counters: Sequence[Counter]) -> list[int]:
        """What the ledger has in each stretch. Most who begin have spent nothing yet, which one question answers."""
        if len(counters) > 1 and not await self._spent_nanos(scope, counters[0].starts_at, counters[-1].ends_at):
            return [0] * len(counters)
        return [await self._spent_nanos(scope, counter.starts_at, counter.ends_at) for counter in counters]

    def _forget_passed(self) -> None:
        now = self._clock.now()
        self._seeded = {name: end for name, end in self._seeded.items() if end is None or end > now}
        self._seen_nanos = {name: seen for name, seen in self._seen_nanos.items() if name in self._seeded}


def _standing(limit: Limit, states: dict[str, CounterState]) -> Standing:
    counted = [(counter, states[counter.name]) for counter in limit.counters]
    resets_at = limit.resets_at
    if limit.is_rolling:
        used = (counter.counts_until for counter, state in counted if state.settled_nanos or state.reserved_nanos)
        resets_at = next(used, None)
    settled_nanos = sum(state.settled_nanos for _, state in counted)
    reserved_nanos = sum(state.reserved_nanos for _, state in counted)
    aside_nanos = sum(state.aside_nanos for _, state in counted)
    return Standing(settled_nanos, reserved_nanos - aside_nanos, aside_nanos, resets_at)
