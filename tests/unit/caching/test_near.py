"""The vector index beside a real store: what stands in its file, what in memory, and how each catches up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from daemon.adapters.index_usearch import FILE, UsearchIndex
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.caching.near import NearIndex
from daemon.exchange import CacheEntry, Selection, Vector

from .conftest import ManualClock

PARTITIONS = [bytes(32), bytes([1]) * 32]
SCOPES = ["key:ann", "key:bo"]
FULL = 20
"""So many vectors in memory are enough for a file."""


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.caching.near.UNSAVED", FULL)
    monkeypatch.setattr("daemon.caching.near.PAGE_ROWS", 7)
    monkeypatch.setattr("daemon.caching.near_file.PAGE_ROWS", 7)


def vector(number: int) -> Vector:
    made = np.random.default_rng(number).standard_normal(384).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made), np.float16).astype(np.float32)


class Shelf:
    """Entries in a store and their vectors in an index; entry `number` is of scope and partition `number % 2`."""

    def __init__(self, store: EmbeddedStore, index: UsearchIndex, near: NearIndex) -> None:
        self.store = store
        self.index = index
        self.near = near

    async def keep(self, numbers: range, *, tells_index: bool = True) -> None:
        for number in numbers:
            entry_id = await self.store.put(entry(number))
            if tells_index:
                self.near.add(entry_id, PARTITIONS[number % 2], vector(number))

    async def finds(self, number: int) -> bool:
        found = await self.near.search(vector(number), PARTITIONS[number % 2], 1, min_similarity=0.95)
        entries = await self.store.get_by_ids([entry_id for entry_id, _ in found])
        return [f"question {number}"] == [one.question for one in entries.values()]

    async def settled(self) -> None:
        """Until the index has all, and no file is being written."""
        self.near.restart()
        await asyncio.sleep(0)
        await self.near.caught_up()
        await self.near._file.written()


def entry(number: int) -> CacheEntry:
    return CacheEntry(
        key=bytes(28) + number.to_bytes(4),
        partition=PARTITIONS[number % 2],
        scope=SCOPES[number % 2],
        dialect="chat",
        model="m",
        question=f"question {number}",
        answer=b"42",
        vector=vector(number).astype("<f2").tobytes(),
        cost_nanos=1,
        input_tokens=1,
        output_tokens=1,
        made_in_ms=1,
        created_at=0.0,
        expires_at=1e12,
    )


Open = Callable[..., Awaitable[Shelf]]


@pytest.fixture
async def open_shelf(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_one(*, is_saved: bool = True, starts: bool = True) -> Shelf:
            store = EmbeddedStore(tmp_path / "store.sqlite", clock)
            await store.open()
            stack.push_async_callback(store.aclose)
            index = UsearchIndex(tmp_path / "index", model="m", is_saved=is_saved)
            near = NearIndex(store, index, clock, follow_s=0.05)
            stack.push_async_callback(near.aclose)
            if starts:
                near.start()
                await near.caught_up()
            return Shelf(store, index, near)

        yield open_one


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


async def test_few_stay_in_memory_and_come_back_from_the_store(open_shelf: Open, tmp_path: Path) -> None:
    shelf = await open_shelf()
    await shelf.keep(range(FULL - 1))
    await shelf.settled()
    await shelf.near.aclose()

    restarted = await open_shelf()

    assert not (tmp_path / "index" / FILE).exists()
    assert FULL - 1 == restarted.index.unsaved
    assert all([await restarted.finds(number) for number in range(FULL - 1)])


async def test_many_go_into_a_file_while_all_of_them_are_found(open_shelf: Open) -> None:
    shelf = await open_shelf()
    await shelf.keep(range(FULL))
    await until(lambda: shelf.near._file._task is not None)
    assert all([await shelf.finds(number) for number in range(FULL)])

    await shelf.keep(range(FULL, FULL + 5))
    await until(lambda: shelf.index.has_file)
    await shelf.settled()

    assert shelf.index.unsaved <= 5
    assert all([await shelf.finds(number) for number in range(FULL + 5)])


async def test_a_start_uses_the_file_and_reads_only_what_came_since(open_shelf: Open) -> None:
    shelf = await open_shelf()
    await shelf.keep(range(FULL))
    await until(lambda: shelf.index.has_file)
    await shelf.near.aclose()
    await shelf.keep(range(FULL, FULL + 3), tells_index=False)

    restarted = await open_shelf()

    assert (FULL + 3, 3) == (restarted.index.size, restarted.index.unsaved)
    assert all([await restarted.finds(number) for number in range(FULL + 3)])


async def test_a_store_without_a_file_gets_one_in_growing_steps(open_shelf: Open) -> None:
    shelf = await open_shelf(starts=False)
    await shelf.keep(range(20 * FULL), tells_index=False)

    shelf.near.start()
    await shelf.near.caught_up()
    await shelf.settled()

    assert 20 * FULL == shelf.index.size
    assert shelf.index.unsaved < 3 * FULL
    assert all([await shelf.finds(number) for number in range(0, 20 * FULL, 7)])


async def test_what_is_cleared_while_a_file_is_written_is_in_none(open_shelf: Open, tmp_path: Path) -> None:
    shelf = await open_shelf()
    await shelf.keep(range(FULL))
    await until(lambda: shelf.near._file._task is not None)
    await shelf.store.clear()
    shelf.near.restart()
    await until(lambda: 0 == shelf.index.size)

    await shelf.settled()

    assert [] == list((tmp_path / "index").iterdir())
    await shelf.keep(range(3))
    while not (await shelf.finds(0) and await shelf.finds(2)):
        await asyncio.sleep(0.01)
    assert not await shelf.finds(4)


async def test_the_file_is_made_anew_where_much_has_left_the_store(open_shelf: Open) -> None:
    """Nobody tells the index which entries a clearing removed."""
    shelf = await open_shelf()
    await shelf.keep(range(2 * FULL))
    await until(lambda: shelf.index.has_file)
    await shelf.settled()
    await shelf.store.clear(Selection(scope=SCOPES[0]))

    shelf.near.restart()
    await until(lambda: FULL == shelf.index.size)

    assert [False, True] == [await shelf.finds(number) for number in (0, 1)]
    assert shelf.index.has_file


async def test_what_is_erased_is_in_no_file_any_more(open_shelf: Open, tmp_path: Path) -> None:
    shelf = await open_shelf()
    await shelf.keep(range(2 * FULL))
    await until(lambda: shelf.index.has_file)
    await shelf.store.clear(Selection(scope=SCOPES[0]))

    await shelf.near.renew()
    assert not (tmp_path / "index" / FILE).exists()
    assert await shelf.finds(1)

    await until((tmp_path / "index" / FILE).exists)
    await until(lambda: shelf.near._file._task is None)
    assert FULL == shelf.index.size
    assert all([await shelf.finds(number) for number in range(1, 2 * FULL, 2)])


async def test_without_a_file_it_is_made_anew_in_memory(open_shelf: Open, tmp_path: Path) -> None:
    shelf = await open_shelf(is_saved=False)
    await shelf.keep(range(2 * FULL))
    await shelf.store.clear(Selection(scope=SCOPES[0]))

    shelf.near.restart()
    await until(lambda: FULL == shelf.index.size)

    assert [False, True] == [await shelf.finds(number) for number in (0, 1)]
    assert not (tmp_path / "index").exists()


async def test_a_file_that_cannot_be_written_is_told_and_all_are_found(open_shelf: Open, tmp_path: Path) -> None:
    (tmp_path / "index").write_text("a file where the folder should be")
    shelf = await open_shelf()
    await shelf.keep(range(3 * FULL))
    await until(lambda: "could not be saved" in shelf.near.trouble)

    assert all([await shelf.finds(number) for number in range(3 * FULL)])
    assert 3 * FULL == shelf.index.unsaved
