"""Each store in turn, behind one fixture; and a clock that the test moves."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon.adapters.redis_link import Patience
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.adapters.store_redis import RedisStore
from daemon.exchange import CacheEntry
from daemon.ports.storage import Store
from daemon.sealing import EntrySeal, Sealer
from tests.fixtures_redis import own_redis_server, redis_cluster, redis_server

__all__ = ["own_redis_server", "redis_cluster", "redis_server"]

NOW = 1_760_000_000.0
PATIENT = Patience(answer_s=20, connect_s=20, command_s=20, connection_s=20)
"""Where being slow is not the story: a busy machine may stop a process for longer than 50 ms."""


class HandClock:
    """Time stands still until it is moved."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self) -> float:
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        self.elapsed_s += seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


MakeStore = Callable[[HandClock], Store]


@pytest.fixture(params=["embedded", "embedded-sealed", "redis", "redis-sealed", "redis-cluster"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeStore:
    """Makes stores, not opened yet, that see the same data; another test's stores never do."""
    seal = EntrySeal(Sealer([bytes(32)])) if request.param.endswith("-sealed") else None
    if request.param.startswith("embedded"):
        return lambda clock: EmbeddedStore(tmp_path / "store.db", clock, seal=seal)
    if request.param != "redis-cluster":
        url = request.getfixturevalue("redis_server").url
    else:
        url = request.getfixturevalue("redis_cluster").url.replace("redis://", "redis+cluster://")
    namespace = uuid.uuid4().hex
    return lambda clock: RedisStore(url, clock, namespace, PATIENT, seal)


@pytest.fixture
async def store(make_store: MakeStore, clock: HandClock) -> AsyncIterator[Store]:
    store = make_store(clock)
    await store.open()
    yield store
    await store.aclose()


@pytest.fixture
def entry() -> CacheEntry:
    """An entry that lives for a minute; tests change what their story is about."""
    return CacheEntry(
        key=b"\x00key\xff",
        partition=b"\x00partition\n",
        scope="key:local",
        dialect="chat",
        model="openai/gpt-4o-mini",
        question="Wie heißt <PERSON_1>? 🌍",
        answer=b'{"choices": "\x00\xff"}',
        vector=bytes(range(256)) * 3,
        cost_nanos=8_999_999_999_999_999,
        input_tokens=7,
        output_tokens=11,
        made_in_ms=1234,
        created_at=NOW,
        expires_at=NOW + 60.125,
    )


@pytest.fixture
def entries(entry: CacheEntry) -> Callable[[int], list[CacheEntry]]:
    """So many entries, each under a key of its own."""
    return lambda count: [replace(entry, key=f"key {number}".encode()) for number in range(count)]
