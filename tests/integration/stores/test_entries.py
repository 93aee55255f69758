"""What every store promises about cached entries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.exchange import CacheEntry, Selection
from daemon.ports.caching import StoreStats
from daemon.ports.storage import Store
from daemon.sealing import Sealer

from .conftest import NOW, HandClock, MakeStore

Entries = Callable[[int], list[CacheEntry]]


async def test_what_is_put_is_got_back_with_an_id(store: Store, entry: CacheEntry) -> None:
    entry_id = await store.put(entry)

    assert replace(entry, id=entry_id) == await store.get(entry.key)
    assert entry_id > 0


async def test_an_entry_without_a_vector_stays_without(store: Store, entry: CacheEntry) -> None:
    entry_id = await store.put(replace(entry, vector=None))

    assert replace(entry, vector=None, id=entry_id) == await store.get(entry.key)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.binary(min_size=1, max_size=64),
    question=st.text(st.characters(exclude_categories=["Cs"])),
    answer=st.binary(max_size=2000),
    vector=st.none() | st.binary(min_size=1, max_size=768),
    cost_nanos=st.integers(0, 9 * 10**15),
    created_at=st.floats(0, NOW),
)
def test_any_entry_comes_back_as_it_was(
    make_store: MakeStore,
    entry: CacheEntry,
    key: bytes,
    question: str,
    answer: bytes,
    vector: bytes | None,
    cost_nanos: int,
    created_at: float,
) -> None:
    given_entry = replace(
        entry,
        key=key,
        question=question,
        answer=answer,
        vector=vector,
        cost_nanos=cost_nanos,
        created_at=created_at,
    )

    async def round_trip() -> tuple[int, CacheEntry | None]:
        store = make_store(HandClock())
        await store.open()
        entry_id = await store.put(given_entry)
        kept = await store.get(key)
        await store.aclose()
        return entry_id, kept

    entry_id, kept = asyncio.run(round_trip())
    assert replace(given_entry, id=entry_id) == kept


async def test_an_unknown_key_finds_nothing(store: Store) -> None:
    assert await store.get(b"unknown") is None


async def test_ids_rise_also_after_the_newest_was_removed(store: Store, entries: Entries) -> None:
    first, second, third = entries(3)
    ids = [await store.put(first), await store.put(second)]
    await store.clear()
    ids.append(await store.put(third))

    assert sorted(set(ids)) == ids


async def test_an_entry_of_the_same_key_is_replaced_under_a_new_id(store: Store, entry: CacheEntry) -> None:
    old_id = await store.put(entry)
    new_id = await store.put(replace(entry, answer=b"newer"))

    kept = await store.get(entry.key)
    assert kept is not None
    assert (new_id, b"newer") == (kept.id, kept.answer)
    assert new_id > old_id
    assert {} == await store.get_by_ids([old_id])
    assert 1 == (await store.stats()).entries


async def test_get_by_ids_gives_those_that_exist(store: Store, entries: Entries) -> None:
    first, second = entries(2)
    first_id, second_id = await store.put(first), await store.put(second)

    found = await store.get_by_ids([second_id, first_id, second_id + 1000])
    assert {first_id: replace(first, id=first_id), second_id: replace(second, id=second_id)} == found
    assert {} == await store.get_by_ids([])


async def test_an_expired_entry_is_never_returned(store: Store, entry: CacheEntry, clock: HandClock) -> None:
    entry_id = await store.put(entry)
    clock.advance(60.125)

    assert await store.get(entry.key) is None
    assert {} == await store.get_by_ids([entry_id])
    assert [] == await store.vectors_after(0, 10)
    assert 0 == (await store.stats()).entries


async def test_an_entry_lives_until_it_expires(store: Store, entry: CacheEntry, clock: HandClock) -> None:
    await store.put(entry)
    clock.advance(60.0)

    assert await store.get(entry.key) is not None


async def test_vectors_are_followed_in_rising_order_page_by_page(store: Store, entries: Entries) -> None:
    given_entries = [
        replace(entry, vector=None) if number % 3 == 0 else entry for number, entry in enumerate(entries(20))
    ]
    ids = [await store.put(entry) for entry in given_entries]
    expected = [
        (entry_id, entry.partition, entry.vector, entry.expires_at)
        for entry_id, entry in zip(ids, given_entries, strict=True)
        if entry.vector is not None
    ]

    followed, last_id = [], 0
    while page := await store.vectors_after(last_id, 4):
        followed += [(row.id, row.partition, row.vector, row.expires_at) for row in page]
        last_id = page[-1].id
    assert expected == followed


async def test_a_full_page_of_vectors_is_found_behind_expired_ones(
    store: Store, entries: Entries, clock: HandClock
) -> None:
    """A follower takes a short page for the end."""
    for entry in entries(10):
        await store.put(entry)
    clock.advance(61)
    late = [replace(entry, key=b"late" + entry.key, expires_at=NOW + 600) for entry in entries(3)]
    late_ids = [await store.put(entry) for entry in late]

    assert late_ids == [row.id for row in await store.vectors_after(0, 3)]


async def test_clear_removes_what_matches_all_that_is_given(store: Store, entries: Entries) -> None:
    mine, other_model, other_scope = entries(3)
    await store.put(mine)
    await store.put(replace(other_model, model="other"))
    await store.put(replace(other_scope, scope="team:other"))

    assert 1 == await store.clear(Selection(scope=mine.scope, model=mine.model))
    assert [False, True, True] == [await store.get(entry.key) is not None for entry in (mine, other_model, other_scope)]
    assert 1 == await store.clear(Selection(scope="team:other"))
    assert 0 == await store.clear(Selection(model="never seen"))
    assert 1 == await store.clear()
    assert StoreStats(entries=0, bytes=0) == await store.stats()


async def test_clear_and_evict_reach_every_entry_of_many(store: Store, entries: Entries) -> None:
    await asyncio.gather(*(store.put(entry) for entry in entries(1203)))

    assert 1203 - 7 == len(await store.evict(7))
    assert 7 == await store.clear()


async def test_the_count_of_cleared_entries_leaves_out_expired_ones(
    store: Store, entries: Entries, clock: HandClock
) -> None:
    short, long = entries(2)
    await store.put(short)
    await store.put(replace(long, expires_at=NOW + 600))
    clock.advance(61)

    assert 1 == await store.clear()


async def test_the_epoch_changes_only_when_all_is_cleared(store: Store, entry: CacheEntry) -> None:
    epoch = await store.epoch()
    await store.put(entry)
    await store.clear(Selection(scope="somebody else's"))
    assert epoch == await store.epoch()

    await store.clear()
    assert epoch != await store.epoch()


async def test_the_epoch_and_the_entries_are_there_for_the_next_to_open_it(
    store: Store, make_store: MakeStore, entry: CacheEntry, clock: HandClock
) -> None:
    entry_id, epoch = await store.put(entry), await store.epoch()
    await store.aclose()
    reopened = make_store(clock)
    await reopened.open()

    assert epoch == await reopened.epoch()
    assert replace(entry, id=entry_id) == await reopened.get(entry.key)
    await reopened.aclose()


async def test_expired_entries_are_evicted_first(store: Store, entries: Entries, clock: HandClock) -> None:
    expired = [await store.put(entry) for entry in entries(2)]
    fresh = [replace(entry, key=b"fresh" + entry.key, expires_at=NOW + 600) for entry in entries(3)]
    fresh_ids = [await store.put(entry) for entry in fresh]
    await store.touch(dict.fromkeys(expired, 100))
    clock.advance(61)

    assert expired == sorted(await store.evict(3))
    assert set(fresh_ids) == set(await store.get_by_ids(expired + fresh_ids))


async def test_the_least_used_then_the_cheapest_then_the_oldest_goes(store: Store, entries: Entries) -> None:
    costs = [500, 500, 100, 500]
    ids = [await store.put(replace(entry, cost_nanos=cost)) for entry, cost in zip(entries(4), costs, strict=True)]
    used, oldest, cheapest, newest = ids
    await store.touch({used: 2, newest + 1000: 1})

    assert [] == await store.evict(4)
    assert [cheapest] == await store.evict(3)
    assert [oldest] == await store.evict(2)
    assert [newest] == await store.evict(1)
    assert [used] == await store.evict(0)


async def test_hits_add_up(store: Store, entries: Entries) -> None:
    first, second = [await store.put(entry) for entry in entries(2)]
    await store.touch({first: 2})
    await store.touch({second: 1})
    await store.touch({second: 2})

    assert [first] == await store.evict(1)


async def test_an_evicted_key_can_be_put_again(store: Store, entry: CacheEntry) -> None:
    await store.put(entry)
    await store.evict(0)
    assert await store.get(entry.key) is None

    await store.put(entry)
    assert await store.get(entry.key) is not None


async def test_stats_count_entries_and_the_bytes_of_their_answers(store: Store, entries: Entries) -> None:
    for entry in entries(3):
        await store.put(replace(entry, answer=b"twelve bytes"))

    stats = await store.stats()
    assert 3 == stats.entries
    assert stats.bytes in (36, 3 * len(Sealer([bytes(32)]).seal(b"twelve bytes", b"")))


async def test_concurrent_puts_of_one_key_leave_one_entry(store: Store, entry: CacheEntry) -> None:
    ids = await asyncio.gather(*(store.put(replace(entry, answer=str(n).encode())) for n in range(20)))

    kept = await store.get(entry.key)
    assert kept is not None
    assert (max(ids), 20, 1) == (kept.id, len(set(ids)), (await store.stats()).entries)


@pytest.mark.parametrize("size", [0, 4 * 2**20])
async def test_an_answer_may_be_empty_or_large(store: Store, entry: CacheEntry, size: int) -> None:
    await store.put(replace(entry, answer=b"x" * size))

    kept = await store.get(entry.key)
    assert kept is not None
    assert size == len(kept.answer)
