"""Identical requests in flight are asked once: the flight owns the upstream call, its passengers only read.

    seat, leads = flights.join(key, fetch)
    async with seat:
        head = await seat.head()
        async for piece in seat.pieces(): ...

A passenger that joins late is handed the pieces from the first one on. The call is cancelled when the
last passenger has left, and only then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from ..errors import UpstreamFailed

HeadT = TypeVar("HeadT")

MAX_BUFFERED_BYTES = 8 * 2**20
"""What a flight keeps for those who may still join, and what a passenger may leave unread: beyond the first
nobody joins any more, beyond the second the call waits for the slowest passenger."""


class Flight(Generic[HeadT]):
    """One upstream call, seen by the one who makes it. `result` is for what the call leaves behind."""

    def __init__(self, *, is_shared: bool, max_buffered_bytes: int = MAX_BUFFERED_BYTES) -> None:
        self.result: Any = None
        self._max_buffered_bytes = max_buffered_bytes
        self._seats: list[Seat[HeadT]] = []
        self._replay: list[bytes] | None = [] if is_shared else None
        self._replay_bytes = 0
        self._head: HeadT | None = None
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None

    def begin(self, head: HeadT) -> None:
        """Say what stands before the pieces; once, before the first of them."""
        self._head = head
        self._wake_all()

    async def piece(self, data: bytes) -> None:
        """Hand the bytes to every passenger; waits while one of them has too much unread."""
        for seat in self._seats:
            seat._hand(data)
        if self._replay is not None:
            self._remember(self._replay, data)
        while self._is_crowded():
            await self._wait_for_room()

    @property
    def is_joinable(self) -> bool:
        return self._replay is not None and self._task is not None and not self._task.done()

    def _start(self, fetch: Callable[[Flight[HeadT]], Awaitable[None]]) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self._run(fetch))
        self._task.add_done_callback(lambda _: self._wake_all())
        return self._task

    async def _run(self, fetch: Callable[[Flight[HeadT]], Awaitable[None]]) -> None:
        await fetch(self)

    def _board(self) -> Seat[HeadT]:
        seat = Seat(self, self._replay or ())
        self._seats.append(seat)
        return seat

    def _leave(self, seat: Seat[HeadT]) -> None:
        self._seats.remove(seat)
        self._make_room()
        if not self._seats:
            self._replay = None
            if self._task is not None:
                self._task.cancel()

    async def _settled(self) -> None:
        """Until the call has ended, with all that it does on its way out."""
        if self._task is not None and not self._task.done() and not self._seats:
            await asyncio.wait((self._task,))

    def _remember(self, replay: list[bytes], data: bytes) -> None:
        replay.append(data)
        self._replay_bytes += len(data)
        if self._replay_bytes > self._max_buffered_bytes:
            self._replay = None

    def _is_crowded(self) -> bool:
        return any(seat._unread_bytes > self._max_buffered_bytes for seat in self._seats)

    async def _wait_for_room(self) -> None:
        self._room = asyncio.get_running_loop().create_future()
        try:
            await self._room
        finally:
            self._room = None

    def _make_room(self) -> None:
        if self._room is not None and not self._room.done() and not self._is_crowded():
            self._room.set_result(None)

    def _wake_all(self) -> None:
        for seat in self._seats:
            seat._wake()

    def _has_ended(self) -> bool:
        return self._task is not None and self._task.done()

    def _raise_if_failed(self) -> None:
        if self._task is None or not self._task.done():
            return
        if self._task.cancelled():
            raise UpstreamFailed("the call was ended before its answer was complete")
        if (error := self._task.exception()) is not None:
            raise error


class Seat(Generic[HeadT]):
    """One passenger of a flight: reads the answer at its own pace, and leaves without ending it for others.

    Whoever joins leaves: by `async with`, by `aclose`, or by closing or exhausting `pieces`.
    """

    def __init__(self, flight: Flight[HeadT], pieces_so_far: list[bytes] | tuple[()]) -> None:
        self._flight = flight
        self._unread = deque(pieces_so_far)
        self._unread_bytes = sum(map(len, pieces_so_far))
        self._news: asyncio.Future[None] | None = None
        self._has_left = False

    @property
    def result(self) -> Any:
        """What the call left behind; complete once `pieces` has ended."""
        return self._flight.result

    async def head(self) -> HeadT:
        """What the call began with.

        Raises:
            UpstreamFailed: the call was cancelled, or ended without an answer.
            Exception: whatever the call itself raised.
        """
        try:
            while self._flight._head is None and not self._flight._has_ended():
                await self._wait_for_news()
            if self._flight._head is None:
                self._flight._raise_if_failed()
                raise UpstreamFailed("the call ended without an answer")
        except BaseException:
            await self.aclose()
            raise
        return self._flight._head

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Every piece from the first on, then the call's error if it failed; closing it leaves the flight."""
        try:
            while True:
                while self._unread:
                    yield self._take()
                if self._flight._has_ended():
                    break
                await self._wait_for_news()
            self._flight._raise_if_failed()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Leave. The last to leave ends the call and waits until it has settled; safe to call twice."""
        if not self._has_left:
            self._has_left = True
            self._flight._leave(self)
            await self._flight._settled()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def _hand(self, data: bytes) -> None:
        self._unread.append(data)
        self._unread_bytes += len(data)
        self._wake()

    def _take(self) -> bytes:
        data = self._unread.popleft()
        self._unread_bytes -= len(data)
        self._flight._make_room()
        return data

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _wait_for_news(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None


class Flights(Generic[HeadT]):
    """The calls in flight, by exact key. Used on the event loop only."""

    def __init__(self, *, max_buffered_bytes: int = MAX_BUFFERED_BYTES) -> None:
        self._max_buffered_bytes = max_buffered_bytes
        self._by_key: dict[bytes, Flight[HeadT]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def join(
        self, key: bytes | None, fetch: Callable[[Flight[HeadT]], Awaitable[None]]
    ) -> tuple[Seat[HeadT], bool]:
        """A seat in the flight of this key, and whether it was started for it (`fetch` runs only then).

        A flight that has ended, failed or passed its buffer takes nobody more. None as key is never shared.
        """
        flight = self._by_key.get(key) if key is not None else None
        if flight is not None and flight.is_joinable:
            return flight._board(), False
        return self._start(key, fetch), True

    async def aclose(self) -> None:
        """Cancel what is still in flight and wait until it has settled."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    def _start(self, key: bytes | None, fetch: Callable[[Flight[HeadT]], Awaitable[None]]) -> Seat[HeadT]:
        flight: Flight[HeadT] = Flight(is_shared=key is not None, max_buffered_bytes=self._max_buffered_bytes)
        seat = flight._board()
        task = flight._start(fetch)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if key is not None:
            self._by_key[key] = flight
            task.add_done_callback(lambda _: self._forget(key, flight))
        return seat

    def _forget(self, key: bytes, flight: Flight[HeadT]) -> None:
        if self._by_key.get(key) is flight:
            del self._by_key[key]
