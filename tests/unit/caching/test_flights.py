"""One call for all who ask the same: who joins, who leaves, and what each of them reads."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.caching.flights import Flight, Flights, Seat
from daemon.errors import UpstreamFailed


class Upstream:
    """A call that moves when the test says so."""

    def __init__(self) -> None:
        self.calls = 0
        self.was_cancelled = False
        self.may_end = asyncio.Event()
        self.begun = asyncio.Event()

    async def fetch(self, flight: Flight) -> None:
        self.calls += 1
        try:
            flight.begin("head")
            await flight.piece(b"one ")
            self.begun.set()
            await self.may_end.wait()
            await flight.piece(b"two")
            flight.result = "settled"
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def flights() -> Flights:
    return Flights()


async def read(seat: Seat) -> bytes:
    async with aclosing(seat.pieces()) as pieces:
        await seat.head()
        return b"".join([piece async for piece in pieces])


async def settle_down() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_identical_requests_are_asked_once(flights: Flights, upstream: Upstream) -> None:
    first, first_leads = flights.join(b"key", upstream.fetch)
    second, second_leads = flights.join(b"key", upstream.fetch)
    upstream.may_end.set()

    assert [b"one two", b"one two"] == list(await asyncio.gather(read(first), read(second)))
    assert (True, False) == (first_leads, second_leads)
    assert 1 == upstream.calls
    assert "settled" == first.result == second.result


async def test_a_late_passenger_reads_from_the_first_piece_on(flights: Flights, upstream: Upstream) -> None:
    first, _ = flights.join(b"key", upstream.fetch)
    reading = asyncio.create_task(read(first))
    await upstream.begun.wait()

    late, leads = flights.join(b"key", upstream.fetch)
    upstream.may_end.set()

    assert b"one two" == await read(late)
    assert not leads
    await reading


async def test_a_follower_is_not_cancelled_by_the_leaders_leaving(flights: Flights, upstream: Upstream) -> None:
    leader, _ = flights.join(b"key", upstream.fetch)
    follower, _ = flights.join(b"key", upstream.fetch)
    await upstream.begun.wait()

    await leader.aclose()
    upstream.may_end.set()

    assert b"one two" == await read(follower)
    assert not upstream.was_cancelled


async def test_the_last_to_leave_ends_the_call(flights: Flights, upstream: Upstream) -> None:
    seats = [flights.join(b"key", upstream.fetch)[0] for _ in range(3)]
    await upstream.begun.wait()

    for seat in seats[:-1]:
        await seat.aclose()
        assert not upstream.was_cancelled
    await seats[-1].aclose()

    assert upstream.was_cancelled


async def test_a_caller_that_hangs_up_before_the_first_piece_leaves(flights: Flights, upstream: Upstream) -> None:
    """The pieces are closed without having been asked for one."""
    seat, _ = flights.join(b"key", upstream.fetch)
    async with aclosing(seat.pieces()):
        await seat.head()

    assert upstream.was_cancelled


async def test_a_cancelled_caller_leaves(flights: Flights, upstream: Upstream) -> None:
    seat, _ = flights.join(b"key", upstream.fetch)
    reading = asyncio.create_task(read(seat))
    await upstream.begun.wait()

    reading.cancel()
    await asyncio.wait((reading,))

    assert upstream.was_cancelled


async def test_leaving_waits_until_the_call_has_settled(flights: Flights) -> None:
    settled = []

    async def fetch(flight: Flight) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            settled.append(True)

    seat, _ = flights.join(b"key", fetch)
    await settle_down()
    await seat.aclose()

    assert [True] == settled


async def test_an_error_reaches_every_passenger_after_what_came_before_it(flights: Flights) -> None:
    async def fetch(flight: Flight) -> None:
        flight.begin("head")
        await flight.piece(b"half")
        raise UpstreamFailed("the provider hung up")

    seats = [flights.join(b"key", fetch)[0] for _ in range(2)]
    for seat in seats:
        pieces = seat.pieces()
        assert b"half" == await anext(pieces)
        with pytest.raises(UpstreamFailed, match="hung up"):
            await anext(pieces)
        await pieces.aclose()


async def test_an_error_before_the_head_is_raised_by_the_head(flights: Flights) -> None:
    async def fetch(flight: Flight) -> None:
        raise UpstreamFailed("no answer")

    seat, _ = flights.join(b"key", fetch)
    with pytest.raises(UpstreamFailed, match="no answer"):
        await read(seat)


async def test_a_call_that_says_nothing_is_an_upstream_failure(flights: Flights) -> None:
    async def fetch(flight: Flight) -> None:
        return

    seat, _ = flights.join(b"key", fetch)
    with pytest.raises(UpstreamFailed):
        await read(seat)


async def test_nobody_joins_a_flight_that_has_ended_or_failed(flights: Flights, upstream: Upstream) -> None:
    upstream.may_end.set()
    for _ in range(2):
        seat, leads = flights.join(b"key", upstream.fetch)
        await read(seat)
        assert leads

    assert 2 == upstream.calls


async def test_nobody_joins_a_flight_that_everybody_has_left(flights: Flights, upstream: Upstream) -> None:
    """Not even while its call is still on its way out."""
    seat, _ = flights.join(b"key", upstream.fetch)
    await upstream.begun.wait()
    leaving = asyncio.create_task(seat.aclose())
    await asyncio.sleep(0)

    other, leads = flights.join(b"key", upstream.fetch)
    upstream.may_end.set()

    assert leads
    assert b"one two" == await read(other)
    await leaving


async def test_without_a_key_nothing_is_shared(flights: Flights, upstream: Upstream) -> None:
    seats = [flights.join(None, upstream.fetch) for _ in range(2)]
    upstream.may_end.set()

    assert [True, True] == [leads for _, leads in seats]
    for seat, _ in seats:
        assert b"one two" == await read(seat)
    assert 2 == upstream.calls


async def test_a_call_waits_for_a_slow_reader_and_loses_nothing() -> None:
    flights, sent = Flights(max_buffered_bytes=10), []

    async def fetch(flight: Flight) -> None:
        flight.begin("head")
        for number in range(20):
            await flight.piece(b"%04d" % number)
            sent.append(number)

    slow, _ = flights.join(b"key", fetch)
    await settle_down()
    assert len(sent) == 2  # the third piece is the one that passed the 10 bytes

    assert b"".join(b"%04d" % n for n in range(20)) == await read(slow)


async def test_a_slow_reader_that_leaves_lets_the_others_go_on() -> None:
    flights = Flights(max_buffered_bytes=10)

    async def fetch(flight: Flight) -> None:
        flight.begin("head")
        for _ in range(20):
            await flight.piece(b"1234")

    quick, _ = flights.join(b"key", fetch)
    slow, _ = flights.join(b"key", fetch)
    reading = asyncio.create_task(read(quick))
    await settle_down()
    assert not reading.done()

    await slow.aclose()

    assert 80 == len(await reading)


async def test_a_flight_past_its_buffer_takes_nobody_more() -> None:
    flights, may_end = Flights(max_buffered_bytes=10), asyncio.Event()

    async def fetch(flight: Flight) -> None:
        flight.begin("head")
        for _ in range(3):
            await flight.piece(b"1234")
        await may_end.wait()

    first, _ = flights.join(b"key", fetch)
    pieces = first.pieces()
    assert [b"1234"] * 3 == [await anext(pieces) for _ in range(3)]

    second, leads = flights.join(b"key", fetch)
    assert leads
    may_end.set()
    await first.aclose()
    await second.aclose()


async def test_closing_all_ends_every_call(flights: Flights, upstream: Upstream) -> None:
    seat, _ = flights.join(b"key", upstream.fetch)
    await upstream.begun.wait()
    await flights.aclose()

    assert upstream.was_cancelled
    with pytest.raises(UpstreamFailed, match="ended before"):
        await read(seat)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=6), max_size=12),
    joins=st.lists(st.integers(0, 12), min_size=1, max_size=4),
    yields=st.lists(st.integers(0, 3), min_size=12, max_size=12),
)
def test_every_passenger_reads_the_same_whenever_it_joins(
    pieces: list[bytes], joins: list[int], yields: list[int]
) -> None:
    async def story() -> None:
        flights, calls = Flights(max_buffered_bytes=20), 0

        async def fetch(flight: Flight) -> None:
            nonlocal calls
            calls += 1
            flight.begin("head")
            for data, pauses in zip(pieces, yields, strict=False):
                await flight.piece(data)
                for _ in range(pauses):
                    await asyncio.sleep(0)

        async def passenger(after: int) -> bytes:
            for _ in range(after):
                await asyncio.sleep(0)
            seat, _ = flights.join(b"key", fetch)
            return await read(seat)

        answers = await asyncio.gather(*map(passenger, joins))
        assert [b"".join(pieces)] * len(joins) == list(answers)
        assert 1 <= calls <= len(joins)

    asyncio.run(story())
