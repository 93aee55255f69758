"""Slices of a budget that this node sets aside, to go on from while the store does not answer.

A slice is a reservation like any other, taken while the store answers and there is much room: so what is settled and
reserved together never passes the limit, whoever is cut off. It is small, is given back as soon as room gets scarce,
and ends by itself. What was spent from it is settled on it, in one step, once the store is back.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..ports.clock import Clock
from ..ports.cost import NODE_LEASE, CounterStore, Hold
from .limits import Limit
from .needs import Need
from .standings import Standing, Standings

SLICES_IN_A_ROOM = 50
"""A slice is one part in this many of the room that is left when it is taken."""

LEAST_CALLS = 10
"""A slice that would not last for so many usual calls is not worth what it keeps from others."""

SLICE_LEASE_S = 60.0
TAKEN_ANEW_S = 20.0
"""So a slice is never older than this, and of the size that fits the room."""

CLOCKS_APART_S = 5.0
"""A slice is not used in its last seconds: another node, whose clock is ahead, may have them already."""

USED_WITHIN_S = 600.0
"""Budgets that nobody asked for so long get no slice."""


@dataclass(slots=True, eq=False)
class Slice:
    """Money of one counter that is reserved for this node."""

    lease: str
    hold: Hold
    taken_s: float
    open: dict[str, int] = field(default_factory=dict)
    """Calls under way, with what they may cost."""
    served: list[str] = field(default_factory=list)
    """Calls that were settled here."""
    spent_nanos: int = 0

    @property
    def free_nanos(self) -> int:
        return self.hold.amount_nanos - self.spent_nanos - sum(self.open.values())

    @property
    def is_touched(self) -> bool:
        return bool(self.open or self.served)

    def is_good(self, now_s: float) -> bool:
        return now_s < self.taken_s + SLICE_LEASE_S - CLOCKS_APART_S


@dataclass(frozen=True, slots=True)
class _Use:
    """A limit that calls were held against lately."""

    limit: Limit
    need: Need
    """Of the last one, by which its usual calls are judged."""
    at_s: float


class Slices:
    """This node's. `take_care` runs while the store answers; the rest never waits."""

    def __init__(self, store: CounterStore, standings: Standings, clock: Clock) -> None:
        self._store = store
        self._standings = standings
        self._clock = clock
        self._uses: dict[str, _Use] = {}
        self._slices: dict[str, Slice] = {}
        """By counter: the one to serve from."""
        self._used_up: list[Slice] = []
        """Those that served calls while the store was away, until they are settled."""
        self._of_call: dict[str, list[Slice]] = {}
        node = secrets.token_hex(8)
        self._names = (f"{NODE_LEASE}{node}:{number}" for number in itertools.count())

    @property
    def is_serving(self) -> bool:
        """Whether calls were let through without the store, and it does not know of all of them yet."""
        return bool(self._used_up or any(each.is_touched for each in self._slices.values()))

    def saw(self, limits: Iterable[Limit], need: Need) -> None:
        """A call was held against `limits` in the store."""
        now_s = self._clock.monotonic_s()
        for limit in limits:
            self._uses[limit.counter.name] = _Use(limit, need, now_s)

    def grant(self, lease: str, limits: Sequence[Limit], need: Need) -> int | None:
        """Let a call through on the slices of all its limits; the output tokens granted, None where that cannot be."""
        good = self._good(limits)
        if len(good) < len(limits):
            return None
        tokens = need.output_within(min(each.free_nanos for each in good), at_any_size=True)
        if tokens is not None:
            for each in good:
                each.open[lease] = need.nanos(tokens)
            self._of_call[lease] = good
        return tokens

    def cover(self, limits: Sequence[Limit]) -> bool:
        """Whether each of them has a slice that could be served from."""
        return len(self._good(limits)) == len(limits)

    def _good(self, limits: Iterable[Limit]) -> list[Slice]:
        now_s = self._clock.monotonic_s()
        slices = (self._slices.get(limit.counter.name) for limit in limits)
        return [each for each in slices if each is not None and each.is_good(now_s)]

    def settle(self, lease: str, spent_nanos: int) -> bool:
        """End a call that was let through here; False where it was not."""
        slices = self._of_call.pop(lease, None)
        for each in slices or ():
            del each.open[lease]
            each.served.append(lease)
            each.spent_nanos += spent_nanos
        return slices is not None

    def drop(self, counter: str) -> None:
        """The store had lost this counter: it knows of no slice, and what was spent stands in the ledger, by which it
        was made anew."""
        self._slices.pop(counter, None)
        self._used_up = [each for each in self._used_up if each.hold.counter != counter]

    async def give_back(self, limits: Iterable[Limit]) -> None:
        """Room has got scarce: others need it more.

        Raises:
            StoreUnavailable: those that were not given back end by themselves.
        """
        for limit in limits:
            self._uses.pop(limit.counter.name, None)
            await self._let_go(limit.counter.name)

    async def aclose(self) -> None:
        """Give all back.

        Raises:
            StoreUnavailable: what is left ends by itself.
        """
        await self._settle_used()
        for name in list(self._slices):
            await self._let_go(name)

    async def take_care(self) -> None:
        """Settle what served while the store was away, take what is worth it, give back what is not. Each second.

        Raises:
            StoreUnavailable, SpendLogUnavailable: it is to be done again.
        """
        await self._settle_used()
        now_s = self._clock.monotonic_s()
        self._forget_unused(now_s)
        for name in self._slices.keys() - self._uses.keys():
            await self._let_go(name)
        uses = list(self._uses.values())
        standings = await self._standings.of([use.limit for use in uses])
        for use, standing in zip(uses, standings, strict=True):
            await self._fit(use, standing, now_s)

    def _forget_unused(self, now_s: float) -> None:
        """What nobody asks for, and what stretches of time hold that are over."""
        now = self._clock.now()
        self._uses = {
            name: use
            for name, use in self._uses.items()
            if use.at_s > now_s - USED_WITHIN_S and (use.limit.stale_at is None or use.limit.stale_at > now)
        }

    async def _fit(self, use: _Use, standing: Standing, now_s: float) -> None:
        """Have a slice that fits the room: none of a scarce one, a new one where the old is too large or too old."""
        name = use.limit.counter.name
        own = self._slices.get(name)
        held_nanos = own.hold.amount_nanos if own is not None else 0
        room_nanos = use.limit.limit_nanos - standing.settled_nanos - standing.held_nanos + held_nanos
        amount_nanos = room_nanos // SLICES_IN_A_ROOM
        if amount_nanos < LEAST_CALLS * use.need.usual_nanos():
            await self._let_go(name)
        elif own is None or held_nanos > 2 * amount_nanos or now_s >= own.taken_s + TAKEN_ANEW_S:
            await self._let_go(name)
            await self._take(use.limit, amount_nanos)

    async def _take(self, limit: Limit, amount_nanos: int) -> None:
        lease, taken_s = next(self._names), self._clock.monotonic_s()
        hold = limit.hold(amount_nanos)
        if await self._store.reserve(lease, [hold], SLICE_LEASE_S) is None:
            self._slices[hold.counter] = Slice(lease, hold, taken_s)

    async def _let_go(self, counter: str) -> None:
        """Not served from any more from here on, whatever becomes of the store."""
        own = self._slices.pop(counter, None)
        if own is None:
            return
        if own.is_touched:
            self._used_up.append(own)
        else:
            await self._store.settle(own.lease, [own.hold], 0)

    async def _settle_used(self) -> None:
        """Those with calls under way go on holding what these may cost."""
        for name in [name for name, each in self._slices.items() if each.is_touched]:
            await self._let_go(name)
        for each in tuple(self._used_up):
            if each.open:
                await self._store.renew(each.lease, SLICE_LEASE_S)
                continue
            await self._store.settle(each.lease, [each.hold], each.spent_nanos)
            self._used_up.remove(each)
            for call in each.served:
                # Marked as settled: the journal of a node that dies now would have it counted again.
                await self._store.settle(call, (), 0)
