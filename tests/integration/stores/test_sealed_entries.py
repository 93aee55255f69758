"""What rests in a store that seals: nothing readable, under whichever of the keys it was sealed."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from daemon.adapters.store_embedded import EmbeddedStore
from daemon.adapters.store_redis import RedisStore
from daemon.caching.at_rest import remove_what_was_kept_otherwise
from daemon.exchange import CacheEntry, Selection
from daemon.ports.storage import Store
from daemon.sealing import EntrySeal, Sealer, is_sealed

from .conftest import PATIENT, HandClock

OLD, NEW = b"o" * 32, b"n" * 32
Open = Callable[..., Store]


@pytest.fixture(params=["embedded", "redis"])
def house(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> House:
    if request.param == "embedded":
        return EmbeddedHouse(tmp_path / "store.db", clock)
    return RedisHouse(request.getfixturevalue("redis_server").url, clock)


class EmbeddedHouse:
    def __init__(self, path: Path, clock: HandClock) -> None:
        self._path, self._clock = path, clock

    def store(self, *keys: bytes) -> Store:
        return EmbeddedStore(self._path, self._clock, seal=EntrySeal(Sealer(keys)) if keys else None)

    def answers(self) -> list[bytes]:
        with sqlite3.connect(self._path) as connection:
            return [row[0] for row in connection.execute("SELECT answer FROM answers")]

    def all_bytes(self) -> bytes:
        return b"".join(path.read_bytes() for path in self._path.parent.iterdir())


class RedisHouse:
    def __init__(self, url: str, clock: HandClock) -> None:
        self._url, self._clock, self._namespace = url, clock, uuid.uuid4().hex

    def store(self, *keys: bytes) -> Store:
        seal = EntrySeal(Sealer(keys)) if keys else None
        return RedisStore(self._url, self._clock, self._namespace, PATIENT, seal)

    def answers(self) -> list[bytes]:
        with redis.Redis.from_url(self._url) as client:
            return [client.hget(key, "answer") for key in client.scan_iter(f"{self._namespace}:{{c}}:entry:*")]

    def all_bytes(self) -> bytes:
        with redis.Redis.from_url(self._url) as client:
            found = [client.hgetall(key) for key in client.scan_iter(f"{self._namespace}:{{c}}:entry:*")]
            return b"".join(value for fields in found for value in fields.values())


House = EmbeddedHouse | RedisHouse


async def test_no_text_and_no_vector_is_readable(house: House, entry: CacheEntry) -> None:
    store = house.store(OLD)
    await store.open()
    await store.put(replace(entry, question="the question", answer=b"the answer"))
    await store.aclose()
    resting = house.all_bytes()

    assert entry.vector is not None
    assert [] == [text for text in (b"the question", b"the answer", entry.vector[:64]) if text in resting]


async def test_an_old_key_opens_what_it_sealed_which_is_then_sealed_anew(house: House, entry: CacheEntry) -> None:
    before, after = house.store(OLD), house.store(NEW, OLD)
    await before.open()
    entry_id = await before.put(entry)
    await before.aclose()
    await after.open()
    found, again = await after.get(entry.key), await after.get(entry.key)
    await after.aclose()

    assert replace(entry, id=entry_id) == found == again
    assert [True] == [Sealer([NEW]).is_current(answer) for answer in house.answers()]


async def test_without_its_key_an_entry_is_a_miss_and_near_to_nothing(house: House, entry: CacheEntry) -> None:
    before, after = house.store(OLD), house.store(NEW)
    await before.open()
    entry_id = await before.put(entry)
    await before.aclose()
    await after.open()

    assert await after.get(entry.key) is None
    assert {} == await after.get_by_ids([entry_id])
    assert [bytes(768)] == [row.vector for row in await after.vectors_after(0, 10)]
    await after.aclose()


async def test_switching_it_on_removes_what_rested_unsealed(house: House, entry: CacheEntry) -> None:
    plain, sealed = house.store(), house.store(NEW)
    await plain.open()
    await plain.put(replace(entry, answer=b"readable answer"))
    await plain.aclose()
    await sealed.open()
    assert await sealed.get(entry.key) is None  # also before it is removed
    await remove_what_was_kept_otherwise(sealed, is_sealed=True)
    await sealed.put(entry)
    await remove_what_was_kept_otherwise(sealed, is_sealed=True)
    assert await sealed.get(entry.key) is not None
    await sealed.aclose()

    assert [True] == list(map(is_sealed, house.answers()))
    assert b"readable answer" not in house.all_bytes()


async def test_the_entries_of_one_user_are_removed_alone(house: House, entry: CacheEntry) -> None:
    store = house.store(NEW)
    await store.open()
    await store.put(replace(entry, key=b"1", user="ann"))
    await store.put(replace(entry, key=b"2", user="bo"))
    await store.put(replace(entry, key=b"3"))

    assert 1 == await store.clear(Selection(user="ann"))
    assert [None, "bo", ""] == [
        None if found is None else found.user for found in [await store.get(key) for key in (b"1", b"2", b"3")]
    ]
    await store.aclose()
