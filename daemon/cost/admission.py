"""Whether a call may still be paid for: reserve on every budget that applies, or refuse.

While all worst cases fit nothing is touched. Near a limit the output is clamped to a share of the room, never
below what calls of this kind usually need. Where that does not fit either, the call waits a moment for others
to settle, and is refused then. So what is settled and reserved together never passes a limit, as long as
providers honour the output limit they are sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ..errors import BudgetExceeded, BudgetState, PartUnavailable, StoreUnavailable
from ..ports.clock import Clock
from ..ports.cost import CounterStore, Hold
from .limits import Limit
from .money import usd_of
from .needs import Need
from .slices import Slices
from .standings import SpentNanos, Standing, Standings
from .turns import Turns

log = logging.getLogger(__name__)

T = TypeVar("T")

LEASE_S = 60.0
"""How long a reservation outlives this process; it is renewed three times in that."""

SECOND_LOOK_S = 1.0
"""How often is made up for what could not be settled, and looked whether others of the store left room."""

WAIT_S = 2.0
UNLEARNED_WAIT_S = 4.0
LONGEST_WAIT_S = 30.0
"""Who finds no room waits for three times as long as calls of its kind usually take, within these: for those under way,
for who came just before, and to spare. So long the worst case of others may be far from their cost."""

ASKED_AGAIN_AFTER_S = (0.05, 0.2)
"""A store that did not answer in its 50 ms may only have been busy, or this process: to reserve again is harmless."""


DOUBTS_KEPT = 1_000
"""Those beyond end by themselves within `LEASE_S`."""


@dataclass(frozen=True, slots=True)
class Admitted:
    holds: Sequence[Hold] = ()
    output_tokens: int | None = None
    """The output limit that the call must be given; None: it stays as it is."""


@dataclass(frozen=True, slots=True)
class _Room:
    """What is left of the tightest of a call's budgets."""

    limit: Limit
    standing: Standing

    @property
    def nanos(self) -> int:
        return self.nanos_when_all_settle_at_zero - self.standing.held_nanos

    @property
    def nanos_when_all_settle_at_zero(self) -> int:
        return self.limit.limit_nanos - self.standing.settled_nanos


class Admission:
    """Reserves and settles. One for the process; other processes may share the store."""

    def __init__(self, store: CounterStore, spent_nanos: SpentNanos, clock: Clock, *, is_shared: bool) -> None:
        """`spent_nanos` is what the ledger says: it seeds counters that the store does not know. A store that is shared
        may be out of reach while others reach it."""
        self._store = store
        self._clock = clock
        self._standings = Standings(store, spent_nanos, clock, self._drop_owed)
        self._slices = Slices(store, self._standings, clock) if is_shared else None
        self._turns = Turns()
        self._open_leases: set[str] = set()
        self._owed: list[tuple[str, Sequence[Hold], int]] = []
        self._doubtful: deque[str] = deque(maxlen=DOUBTS_KEPT)
        """Calls that were not made, since the store did not answer: it may hold money for them all the same."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def admit(self, lease: str, limits: Sequence[Limit], need: Need) -> Admitted:
        """Reserve for one call on all limits, or on none.

        Raises:
            BudgetExceeded: there is no room, and a moment's wait brought none.
            StoreUnavailable, SpendLogUnavailable: what is left is not known, and this node set nothing aside; nothing
                is held.
        """
        try:
            return await self._admit_or_go_on(lease, limits, need)
        except StoreUnavailable:
            self._doubtful.append(lease)
            raise

    async def _admit_or_go_on(self, lease: str, limits: Sequence[Limit], need: Need) -> Admitted:
        """By the store, or where it does not answer by what this node has set aside."""
        if self._slices is None:
            return await self._admit(lease, limits, need)
        try:
            admitted = await self._admit(lease, limits, need)
        except StoreUnavailable:
            tokens = self._slices.grant(lease, limits, need)
            if tokens is None:
                raise
            return _admitted(limits, need, tokens)
        self._slices.saw(limits, need)
        return admitted

    async def _admit(self, lease: str, limits: Sequence[Limit], need: Need) -> Admitted:
        await self._asked(limits, partial(self._standings.make_sure, limits))
        holds = _holds(limits, need.nanos(need.output_tokens))
        if await self._asked(limits, partial(self._reserve, lease, holds)):
            return Admitted(holds)
        return await self._admit_near_limit(lease, limits, need)

    async def extend(self, lease: str, holds: Sequence[Hold], extensions: int) -> bool:
        """Reserve for a call once more what it holds, beside the `extensions` of before; whether there was room."""
        try:
            return await self._reserve(_extension(lease, extensions), holds)
        except StoreUnavailable:
            return False

    async def settle(self, lease: str, holds: Sequence[Hold], spent_nanos: int, *, extensions: int = 0) -> None:
        """End a reservation with what the call cost. It is carried out even where the caller is cancelled meanwhile,
        and made up for later where the store does not answer."""
        for number in range(extensions):
            # Each with its share, so that no moment sees the money twice.
            share_nanos = min(spent_nanos, holds[0].amount_nanos)
            await self._settle_lease(_extension(lease, number), holds, share_nanos)
            spent_nanos -= share_nanos
        await self._settle_lease(lease, holds, spent_nanos)

    async def _settle_lease(self, lease: str, holds: Sequence[Hold], spent_nanos: int) -> None:
        self._open_leases.discard(lease)
        if self._slices is not None and self._slices.settle(lease, spent_nanos):
            return
        try:
            await self._settle(lease, holds, spent_nanos)
        except asyncio.CancelledError:
            # A lease is settled once, so doing it again is safe, and cheaper than a shielded task for each call.
            self._spawn(self._settle(lease, holds, spent_nanos))
            raise

    async def settle_interrupted(self, lease: str, holds: Sequence[Hold], spent_nanos: int) -> None:
        """Settle a call of an earlier run on those counters that outlived it; the ledger seeds the others.

        Raises:
            StoreUnavailable: nothing was settled.
        """
        if holds:
            await self._store.settle(lease, holds, spent_nanos)

    async def standings(self, limits: Sequence[Limit]) -> list[Standing]:
        """How each limit stands.

        Raises:
            StoreUnavailable, SpendLogUnavailable: it is not known.
        """
        return await self._standings.of(limits)

    async def keep_leases(self) -> None:
        """Tend the leases, until cancelled."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            try:
                await self.tend()
            except StoreUnavailable as error:
                log.warning("budgets: %s", error)

    async def keep_up(self) -> None:
        """Settle what is owed, and take care of what this node has set aside, until cancelled."""
        while True:
            await asyncio.sleep(SECOND_LOOK_S)
            with suppress(PartUnavailable):
                await self._settle_owed()
                await self._end_doubtful()
                if self._slices is not None:
                    await self._slices.take_care()

    @property
    def trouble(self) -> str:
        """Why budgets are not what all nodes of the store agree on; empty while they are."""
        if self._slices is None or not self._slices.is_serving:
            return ""
        return "the store does not answer, or has not been told yet: served from what this node had set aside"

    async def tend(self) -> None:
        """Renew the leases of open calls, and settle what is owed.

        Raises:
            StoreUnavailable: it is to be done again.
        """
        await self._renew()
        await self._settle_owed()

    async def forget(self, limits: Sequence[Limit]) -> None:
        """Keep nothing of these limits, neither here nor in the store.

        Raises:
            StoreUnavailable: some may be left.
        """
        if self._slices is not None:
            await self._slices.give_back(limits)
        await self._store.forget([counter.name for limit in limits for counter in limit.counters])

    async def aclose(self) -> None:
        """Wait for the settlements under way, and keep nothing from other nodes."""
        await asyncio.gather(*self._tasks)
        if self._slices is not None:
            with suppress(PartUnavailable):
                await self._slices.aclose()

    async def _admit_near_limit(self, lease: str, limits: Sequence[Limit], need: Need) -> Admitted:
        began_s = self._clock.monotonic_s()
        if self._slices is not None:
            await self._slices.give_back(limits)
        while True:
            room = await self._tightest(limits)
            # Who can be answered by another model at once does not wait.
            gives_up_s = began_s + (0.0 if room.limit.fallback_model else _patience_s(need))
            left_s = gives_up_s - self._clock.monotonic_s()
            is_last = left_s <= 0 or not room.standing.held_nanos
            tokens = need.output_within(room.nanos, at_any_size=is_last)
            if tokens is not None:
                admitted = _admitted(limits, need, tokens)
                if await self._asked(limits, partial(self._reserve, lease, admitted.holds)):
                    self._turns.call_next(room.limit.counter.name)
                    return admitted
            if left_s <= 0 or (tokens is None and _is_hopeless(room, need)):
                fallback_model = room.limit.fallback_model
                raise BudgetExceeded(_budget_state(room), now=self._clock.now(), fallback_model=fallback_model)
            if tokens is None:
                # Nobody tells this process of those who settle elsewhere.
                called_within_s = left_s if self._slices is None else min(left_s, SECOND_LOOK_S)
                await self._turns.wait(room.limit.counter.name, called_within_s)

    async def _tightest(self, limits: Sequence[Limit]) -> _Room:
        standings = await self._asked(limits, partial(self._standings.of, limits))
        rooms = (_Room(limit, standing) for limit, standing in zip(limits, standings, strict=True))
        return min(rooms, key=lambda room: room.nanos)

    async def _asked(self, limits: Sequence[Limit], question: Callable[[], Awaitable[T]]) -> T:
        """The store's answer, asked for again where none came, unless there is something to go on from.

        The very same is asked: what was reserved without an answer is found reserved, with the same amount.
        """
        if self._slices is None or not self._slices.cover(limits):
            for pause_s in ASKED_AGAIN_AFTER_S:
                with suppress(StoreUnavailable):
                    return await question()
                await asyncio.sleep(pause_s)
        return await question()

    async def _reserve(self, lease: str, holds: Sequence[Hold]) -> bool:
        try:
            is_held = await self._store.reserve(lease, holds, LEASE_S) is None
        except asyncio.CancelledError:
            # It may have been held all the same.
            self._spawn(self._settle(lease, holds, 0))
            raise
        if is_held:
            self._open_leases.add(lease)
        return is_held

    async def _settle(self, lease: str, holds: Sequence[Hold], spent_nanos: int) -> None:
        try:
            await self._store.settle(lease, holds, spent_nanos)
        except StoreUnavailable:
            self._owed.append((lease, holds, spent_nanos))
        for hold in holds:
            self._turns.call_next(hold.counter)

    async def _settle_owed(self) -> None:
        while self._owed:
            lease, holds, spent_nanos = self._owed[0]
            await self._store.settle(lease, holds, spent_nanos)
            if self._owed and self._owed[0][0] == lease:  # it may have been done twice at the same time
                self._owed.pop(0)
            for hold in holds:
                self._turns.call_next(hold.counter)

    async def _end_doubtful(self) -> None:
        while self._doubtful:
            await self._store.settle(self._doubtful[0], (), 0)
            self._doubtful.popleft()

    async def _renew(self) -> None:
        for lease in tuple(self._open_leases):
            await self._store.renew(lease, LEASE_S)

    def _drop_owed(self, counter: str) -> None:
        """What is owed to a counter stands in the ledger already, which has just been its seed."""
        if self._slices is not None:
            self._slices.drop(counter)
        self._owed = [
            (lease, [hold for hold in holds if hold.counter != counter], nanos) for lease, holds, nanos in self._owed
        ]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _admitted(limits: Sequence[Limit], need: Need, tokens: int) -> Admitted:
    return Admitted(_holds(limits, need.nanos(tokens)), tokens if tokens < need.output_tokens else None)


def _holds(limits: Sequence[Limit], amount_nanos: int) -> list[Hold]:
    return [limit.hold(amount_nanos) for limit in limits]


def _extension(lease: str, number: int) -> str:
    return f"{lease}+{number}"


def _patience_s(need: Need) -> float:
    usual_s = need.kind.usual_s()
    return min(LONGEST_WAIT_S, UNLEARNED_WAIT_S if usual_s is None else max(WAIT_S, 3 * usual_s))


def _is_hopeless(room: _Room, need: Need) -> bool:
    """Whether the call would find no room even if all others cost nothing."""
    return need.output_within(room.nanos_when_all_settle_at_zero, at_any_size=True) is None


def _budget_state(room: _Room) -> BudgetState:
    return BudgetState(
        scope=room.limit.scope,
        window=room.limit.window,
        limit_usd=room.limit.limit_usd,
        spent_usd=usd_of(room.standing.settled_nanos),
        reserved_usd=usd_of(room.standing.reserved_nanos),
        resets_at=room.standing.resets_at,
    )
