"""What only the Redis store promises: of a server that is gone, slow, empty or shared."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
import redis.exceptions

from daemon.adapters.redis_link import FAILURES_TO_OPEN, PROBE_EVERY_S, CircuitBreaker, RedisLink
from daemon.adapters.store_redis import RedisStore
from daemon.errors import CannotStart, StoreUnavailable
from daemon.exchange import CacheEntry
from tests.fixtures_redis import RedisServer

from .conftest import PATIENT, HandClock


@pytest.fixture
async def store(own_redis_server: RedisServer, clock: HandClock) -> AsyncIterator[RedisStore]:
    store = RedisStore(own_redis_server.url, clock, patience=PATIENT)
    await store.open()
    yield store
    await store.aclose()


async def fail_until_the_breaker_opens(store: RedisStore) -> None:
    for _ in range(FAILURES_TO_OPEN):
        with pytest.raises(StoreUnavailable):
            await store.ping()


async def test_a_redis_that_is_gone_is_said_and_it_comes_back_by_itself(
    store: RedisStore, own_redis_server: RedisServer, clock: HandClock, entry: CacheEntry
) -> None:
    await store.put(entry)
    own_redis_server.kill()
    await fail_until_the_breaker_opens(store)
    own_redis_server.start()
    with pytest.raises(StoreUnavailable, match="asked again every second"):
        await store.get(entry.key)
    clock.advance(PROBE_EVERY_S)

    assert await store.get(entry.key) is None
    await store.put(entry)
    assert await store.get(entry.key) is not None


async def test_a_redis_that_does_not_answer_is_said(own_redis_server: RedisServer, clock: HandClock) -> None:
    """Connections stand, as with a network that drops all: each call ends in time, then none is sent."""
    store = RedisStore(own_redis_server.url, clock)
    with suppress(StoreUnavailable):
        await store.open()
    own_redis_server.pause()
    await fail_until_the_breaker_opens(store)
    with pytest.raises(StoreUnavailable, match="asked again every second"):
        await store.ping()
    own_redis_server.resume()
    await store.aclose()


async def test_a_store_opens_before_its_redis_is_there(own_redis_server: RedisServer, clock: HandClock) -> None:
    own_redis_server.kill()
    store = RedisStore(own_redis_server.url, clock, patience=PATIENT)
    with pytest.raises(StoreUnavailable):
        await store.open()
    own_redis_server.start()

    await store.ping()
    await store.aclose()


async def test_scripts_are_sent_again_to_a_server_that_lost_them(
    store: RedisStore, own_redis_server: RedisServer, entry: CacheEntry
) -> None:
    await store.put(entry)
    own_redis_server.tell("SCRIPT", "FLUSH")

    assert await store.get(entry.key) is not None


async def test_an_emptied_redis_has_a_new_epoch_and_never_an_old_id(
    store: RedisStore, own_redis_server: RedisServer, entry: CacheEntry, clock: HandClock
) -> None:
    epoch, entry_id = await store.epoch(), await store.put(entry)
    own_redis_server.tell("FLUSHALL")
    clock.advance(1)

    assert epoch != await store.epoch()
    assert entry_id < await store.put(entry)


async def test_an_error_for_an_answer_is_said_and_opens_no_breaker(
    store: RedisStore, own_redis_server: RedisServer
) -> None:
    own_redis_server.tell("SET", "helix:{r}:budget", "text")
    for _ in range(2 * FAILURES_TO_OPEN):
        with pytest.raises(StoreUnavailable, match="ResponseError"):
            await store.records("budget")

    await store.ping()


async def test_a_full_redis_is_said(store: RedisStore, own_redis_server: RedisServer, entry: CacheEntry) -> None:
    own_redis_server.tell("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreUnavailable):
        await store.put(entry)
    own_redis_server.tell("CONFIG", "SET", "maxmemory", "0")

    await store.put(entry)


async def test_an_entry_that_ended_by_itself_leaves_nothing_behind(
    store: RedisStore, own_redis_server: RedisServer, entry: CacheEntry, clock: HandClock
) -> None:
    """Redis may drop it before it is evicted here: by its TTL, or for want of memory."""
    entry_id = await store.put(entry)
    own_redis_server.tell("DEL", f"helix:{{c}}:entry:{entry_id:016d}")

    assert await store.get(entry.key) is None
    assert {} == await store.get_by_ids([entry_id])
    assert [] == await store.vectors_after(0, 10)
    clock.advance(61)
    assert [entry_id] == await store.evict(10)
    keys = own_redis_server.tell("KEYS", "helix:{c}:*")
    assert {b"helix:{c}:last_id", b"helix:{c}:bytes"} == {word for word in keys.split() if word.startswith(b"helix")}
    assert 0 == (await store.stats()).bytes


async def test_entries_and_counters_end_by_themselves_in_redis(
    store: RedisStore, own_redis_server: RedisServer, entry: CacheEntry, clock: HandClock
) -> None:
    entry_id = await store.put(entry)
    await store.seed("hour", 1, clock.now().timestamp() + 3600)
    await store.seed("total", 1, None)
    ttl_ms = [
        int(own_redis_server.tell("PTTL", key).strip(b":\r\n"))
        for key in (f"helix:{{c}}:entry:{entry_id:016d}", "helix:{b}:counter:hour", "helix:{b}:counter:total")
    ]

    assert 0 < ttl_ms[0] <= 60_125
    assert 3_600_000 < ttl_ms[1] <= 90_000_000
    assert -1 == ttl_ms[2]


async def test_a_unix_socket_will_do(own_redis_server: RedisServer, clock: HandClock) -> None:
    store = RedisStore(own_redis_server.unix_url, clock, patience=PATIENT)
    await store.open()
    await store.aclose()


@pytest.mark.parametrize("url", ["http://user:hunter2@host", "redis://user:hunter2@host:port", "redis"])
async def test_a_url_that_cannot_be_read_is_refused_without_repeating_it(url: str, clock: HandClock) -> None:
    with pytest.raises(CannotStart, match=r"storage\.url") as refused:
        await RedisStore(url, clock).open()
    assert "hunter2" not in str(refused.value)


MISTAKES_IN_A_PROGRAM = {redis.exceptions.IncorrectPolicyType, redis.exceptions.ChildDeadlockedError}
"""No server and no network can cause them, so they are not the store's being unavailable."""
VENDOR_ERRORS = [
    error
    for _, error in inspect.getmembers(redis.exceptions, inspect.isclass)
    if issubclass(error, Exception) and error not in MISTAKES_IN_A_PROGRAM
]


@pytest.mark.parametrize("vendor_error", [*VENDOR_ERRORS, ConnectionRefusedError, TimeoutError])
async def test_every_error_of_the_client_becomes_store_unavailable(
    vendor_error: type[Exception], clock: HandClock
) -> None:
    async def fails(client: Any) -> None:
        raise vendor_error("1 host:1")

    link = RedisLink("redis://127.0.0.1:1", clock, PATIENT)
    link.open()
    with pytest.raises(StoreUnavailable, match=vendor_error.__name__):
        await link.ask(fails)
    await link.aclose()


def test_an_open_breaker_admits_one_probe_a_second_and_closes_when_one_works(clock: HandClock) -> None:
    breaker = CircuitBreaker(clock)
    for _ in range(FAILURES_TO_OPEN):
        assert breaker.admits()
        breaker.failed()
    assert not breaker.admits()

    clock.advance(PROBE_EVERY_S)
    assert [True, False] == [breaker.admits(), breaker.admits()]
    breaker.failed()
    assert not breaker.admits()

    clock.advance(PROBE_EVERY_S)
    assert breaker.admits()
    breaker.worked()
    assert [True, True] == [breaker.admits(), breaker.admits()]


async def test_who_asks_for_ever_ends_when_told_to(own_redis_server: RedisServer, clock: HandClock) -> None:
    """Wherever in an answer the cancellation comes: a daemon that leaves waits for its tasks to end."""

    async def ask_for_ever(store: RedisStore) -> None:
        while True:
            with suppress(StoreUnavailable):
                await store.epoch()

    for turns in range(40):
        store = RedisStore(own_redis_server.url, clock, patience=PATIENT)
        await store.open()
        asking = asyncio.create_task(ask_for_ever(store))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        async with asyncio.timeout(20):
            await asyncio.wait((asking,))
        await store.aclose()
