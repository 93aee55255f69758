"""Identical requests in flight are asked once: the flight owns the upstream call, its passengers only read.

    seat, leads = flights.join(key, fetch)
    async with aclosing(seat.pieces()) as pieces:
        head = await seat.head()
        async for piece in pieces: ...

A passenger that joins late is handed the pieces from the first one on. The call is cancelled when the
last passenger has left, and only then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any

from ..errors import UpstreamFailed

MAX_BUFFERED_BYTES = 8 * 2**20
"""What a flight keeps for those who may still join, and what a passenger may leave unread: beyond the first
nobody joins any more, beyond the second the call waits for the slowest passenger."""


class Flight:
    """One upstream call, as seen by the one who makes it."""

    def __init__(self, *, is_shared: bool, max_buffered_bytes: int) -> None:
        self.result: Any = None
        """For the call to leave something behind."""
        self._max_buffered_bytes = max_buffered_bytes
        self._seats: list[Seat] = []
        self._replay: list[bytes] | None = [] if is_shared else None
        self._replay_bytes = 0
        self._head: Any = None
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Future[None] | None = None

    @property
    def has_begun(self) -> bool:
        return self._head is not None

    def begin(self, head: Any) -> None:
        """Say what stands before the pieces, anything but None; once, and before the first of them."""
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

    # --- what seats and flights need of it

    @property
    def _is_joinable(self) -> bool:
        return self._replay is not None and not self._has_ended

    @property
    def _has_ended(self) -> bool:
        return self._task is not None and self._task.done()

    def _start(self, fetch: Fetch) -> asyncio.Task[None]:
        self._task = asyncio.create_task(fetch(self))
        self._task.add_done_callback(self._end)
        return self._task

    def _end(self, task: asyncio.Task[None]) -> None:
        self._wake_all()
        if not task.cancelled():
            task.exception()  # every passenger may have left; then nobody else asks for it

    def _board(self) -> Seat:
        seat = Seat(self, self._replay or ())
        self._seats.append(seat)
        return seat

    def _leave(self, seat: Seat) -> None:
        self._seats.remove(seat)
        self._make_room()
        if not self._seats:
            self._replay = None
            if self._task is not None:
                self._task.cancel()

    async def _settled(self) -> None:
        """Once everybody has left: until the call has ended, with all that it does on its way out."""
        if self._task is not None and not self._seats and not self._has_ended:
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

    def _raise_if_failed(self) -> None:
        if self._task is None or not self._task.done():
            return
        if self._task.cancelled():
            raise UpstreamFailed("the call was ended before its answer was complete")
        if (error := self._task.exception()) is not None:
            raise error


Fetch = Callable[[Flight], Coroutine[Any, Any, None]]
"""Makes the call: `begin` once, then `piece` after `piece`."""


class Seat:
    """One passenger of a flight: reads the answer at its own pace, and leaves without ending it for others.

    Whoever joins leaves, by `aclose` of the seat or of its `pieces`, also where nothing was read yet.
    """

    def __init__(self, flight: Flight, pieces_so_far: Sequence[bytes]) -> None:
        self._flight = flight
        self._unread = deque(pieces_so_far)
        self._unread_bytes = sum(map(len, pieces_so_far))
        self._news: asyncio.Future[None] | None = None
        self._has_left = False

    @property
    def result(self) -> Any:
        """What the call left behind; complete once `pieces` has ended."""
        return self._flight.result

    async def head(self) -> Any:
        """What the call began with.

        Raises:
            UpstreamFailed: the call was cancelled, or ended without an answer.
            Exception: whatever the call itself raised.
        """
        while not self._flight.has_begun and not self._flight._has_ended:
            await self._wait_for_news()
        if not self._flight.has_begun:
            self._flight._raise_if_failed()
            raise UpstreamFailed("the call ended without an answer")
        return self._flight._head

    def pieces(self) -> Pieces:
        """Every piece from the first on, then the call's error if it failed."""
        return Pieces(self)

    async def next_piece(self) -> bytes | None:
        """The next piece; None at the end.

        Raises:
            Exception: as `head`, after the last piece that came.
        """
        while not self._unread:
            if self._flight._has_ended:
                self._flight._raise_if_failed()
                return None
            await self._wait_for_news()
        data = self._unread.popleft()
        self._unread_bytes -= len(data)
        self._flight._make_room()
        return data

    async def aclose(self) -> None:
        """Leave. The last to leave ends the call and waits until it has settled; safe to call twice."""
        if not self._has_left:
            self._has_left = True
            self._flight._leave(self)
            await self._flight._settled()

    # --- what the flight tells its passenger

    def _hand(self, data: bytes) -> None:
        self._unread.append(data)
        self._unread_bytes += len(data)
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _wait_for_news(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None


class Pieces(AsyncGenerator[bytes, None]):
    """The pieces of a seat. A generator function, closed before its first step, would not leave the flight."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    async def __anext__(self) -> bytes:
        piece = await self._seat.next_piece()
        if piece is None:
            await self._seat.aclose()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        await self._seat.aclose()

    async def asend(self, value: None) -> bytes:
        return await self.__anext__()

    async def athrow(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> bytes:
        await self.aclose()
        raise typ


class Flights:
    """The calls in flight, by exact key. Used on the event loop only."""

    def __init__(self, *, max_buffered_bytes: int = MAX_BUFFERED_BYTES) -> None:
        self._max_buffered_bytes = max_buffered_bytes
        self._by_key: dict[bytes, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def join(self, key: bytes | None, fetch: Fetch) -> tuple[Seat, bool]:
        """A seat in the flight of this key, and whether it was started for it (`fetch` runs only then).

        A flight that has ended, failed or passed its buffer takes nobody more. None as key is never shared.
        """
        flight = None if key is None else self._by_key.get(key)
        if flight is not None and flight._is_joinable:
            return flight._board(), False
        return self._start(key, fetch), True

    async def aclose(self) -> None:
        """Cancel what is still in flight and wait until it has settled."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, key: bytes | None, fetch: Fetch) -> Seat:
        flight = Flight(is_shared=key is not None, max_buffered_bytes=self._max_buffered_bytes)
        seat = flight._board()
        task = flight._start(fetch)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if key is not None:
            self._by_key[key] = flight
            task.add_done_callback(lambda _: self._forget(key, flight))
        return seat

    def _forget(self, key: bytes, flight: Flight) -> None:
        if self._by_key.get(key) is flight:
            del self._by_key[key]
