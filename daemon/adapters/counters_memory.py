"""Budget counters of one process, in memory: the ledger seeds them when the daemon starts."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..ports.clock import Clock
from ..ports.cost import CounterState, Hold

SETTLED_REMEMBERED = 65_536
"""Leases whose settlement is remembered, so that a second one does nothing; some 15 MB at most."""
FORGET_EVERY_S = 60.0


@dataclass(slots=True, eq=False)
class _Counter:
    settled_nanos: int = 0
    reserved_nanos: int = 0
    resets_at: float | None = None


@dataclass(slots=True, eq=False)
class _Lease:
    held: list[tuple[_Counter, int]]
    """The counters themselves, not their names: one that was forgotten and made again owes this lease nothing."""
    ends_s: float


class MemoryCounters:
    """A CounterStore that no other process shares. Nothing here waits, so every method is one atomic step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counters: dict[str, _Counter] = {}
        self._leases: dict[str, _Lease] = {}
        self._settled: OrderedDict[str, None] = OrderedDict()
        self._first_end_s = math.inf
        """No lease ends before this, so most calls need not look through them."""
        self._forget_next_s = -math.inf

    async def reserve(self, lease: str, holds: Sequence[Hold], lease_s: float) -> int | None:
        """As the port says. A lease that is held already stays as it is, and counts as held."""
        self._end_leases()
        if lease in self._leases:
            return None
        refused = self._first_without_room(holds)
        if refused is None:
            self._hold(lease, holds, self._clock.monotonic_s() + lease_s)
        return refused

    async def renew(self, lease: str, lease_s: float) -> None:
        self._end_leases()
        if lease in self._leases:
            self._leases[lease].ends_s = self._clock.monotonic_s() + lease_s
            self._first_end_s = min(self._first_end_s, self._leases[lease].ends_s)

    async def settle(self, lease: str, holds: Sequence[Hold], spent_nanos: int) -> None:
        if lease in self._settled:
            return
        self._settled[lease] = None
        if len(self._settled) > SETTLED_REMEMBERED:
            self._settled.popitem(last=False)
        self._end_lease(lease)
        for name in {hold.counter for hold in holds} & self._counters.keys():
            self._counters[name].settled_nanos += spent_nanos

    async def counters(self, names: Sequence[str]) -> list[CounterState | None]:
        self._end_leases()
        known = (self._counters.get(name) for name in names)
        return [
            None if counter is None else CounterState(counter.settled_nanos, counter.reserved_nanos)
            for counter in known
        ]

    async def seed(self, counter: str, settled_nanos: int, resets_at: float | None) -> bool:
        if counter in self._counters:
            return False
        self._forget_passed()
        self._counters[counter] = _Counter(settled_nanos, resets_at=resets_at)
        return True

    async def settled_at_least(self, counter: str, settled_nanos: int) -> None:
        known = self._counters.get(counter)
        if known is not None:
            known.settled_nanos = max(known.settled_nanos, settled_nanos)

    async def forget(self, counters: Sequence[str]) -> None:
        for name in counters:
            self._counters.pop(name, None)

    def _first_without_room(self, holds: Sequence[Hold]) -> int | None:
        wanted: dict[str, int] = {}
        for position, hold in enumerate(holds):
            wanted[hold.counter] = wanted.get(hold.counter, 0) + hold.amount_nanos
            counters = [self._counters.get(name) for name in (hold.counter, *hold.beside)]
            if None in counters or wanted[hold.counter] > _room(counters, hold.limit_nanos):
                return position
        return None

    def _hold(self, lease: str, holds: Sequence[Hold], ends_s: float) -> None:
        held = [(self._counters[hold.counter], hold.amount_nanos) for hold in holds]
        for counter, amount_nanos in held:
            counter.reserved_nanos += amount_nanos
        self._leases[lease] = _Lease(held, ends_s)
        self._first_end_s = min(self._first_end_s, ends_s)

    def _end_leases(self) -> None:
        """End the leases whose time is over."""
        now_s = self._clock.monotonic_s()
        if now_s < self._first_end_s:
            return
        for lease in [name for name, lease in self._leases.items() if lease.ends_s <= now_s]:
            self._end_lease(lease)
        self._first_end_s = min((lease.ends_s for lease in self._leases.values()), default=math.inf)

    def _end_lease(self, lease: str) -> None:
        ended = self._leases.pop(lease, None)
        for counter, amount_nanos in ended.held if ended else ():
            counter.reserved_nanos -= amount_nanos

    def _forget_passed(self) -> None:
        """Drop the counters of windows that are over: each window makes new ones, and memory is bounded."""
        now_s = self._clock.monotonic_s()
        if now_s < self._forget_next_s:
            return
        self._forget_next_s = now_s + FORGET_EVERY_S
        now = self._clock.now().timestamp()
        for name, counter in list(self._counters.items()):
            if counter.resets_at is not None and counter.resets_at <= now and not counter.reserved_nanos:
                del self._counters[name]


def _room(counters: Iterable[_Counter | None], limit_nanos: int) -> int:
    """What costs nothing fits even where more was spent than the limit."""
    used_nanos = sum(counter.settled_nanos + counter.reserved_nanos for counter in counters if counter is not None)
    return max(0, limit_nanos - used_nanos)
