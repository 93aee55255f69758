"""Find and keep, over a real store, index and embedder."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from daemon.errors import CacheMiss, EmbedderUnavailable, StoreUnavailable
from daemon.exchange import CacheDirectives, CacheEntry, Caller, Selection, Vector
from daemon.settings import CacheSettings

from .conftest import Client, ManualClock, Open

ASKED = "how do I cancel my subscription"
REWORDED = "how can I cancel my subscription?"
OPPOSITE = "how do I renew my subscription"


class TestExact:
    async def test_the_same_request_hits(self, client: Client) -> None:
        assert "miss" == (await client.learn(ASKED, "by mail")).verdict

        again = await client.find(ASKED)

        assert "exact" == again.verdict
        assert again.entry is not None and b"by mail" == again.entry.answer
        assert again.similarity is None

    async def test_a_stream_and_a_whole_request_share_an_entry(self, client: Client) -> None:
        await client.learn(ASKED, stream=True, stream_options={"include_usage": True})

        assert "exact" == await client.verdict(ASKED)

    async def test_parameters_and_earlier_turns_must_be_equal(self, client: Client) -> None:
        await client.learn(ASKED)

        assert "miss" == await client.verdict(ASKED, temperature=0.5)
        assert "miss" == await client.verdict(ASKED, before=[{"role": "system", "content": "Be brief."}])

    async def test_another_pii_policy_shares_nothing(self, client: Client) -> None:
        await client.learn(ASKED)
        client.cache.configure(CacheSettings(), policy=lambda: "pii-2")

        assert "miss" == await client.verdict(ASKED)

    async def test_it_is_found_again_after_a_restart(self, open_cache: Open) -> None:
        await (await open_cache()).learn(ASKED)

        assert "exact" == await (await open_cache()).verdict(ASKED)

    async def test_an_answer_beyond_4_mb_is_not_kept(self, client: Client) -> None:
        await client.learn(ASKED, "a" * (4 * 2**20 + 1))

        assert "miss" == await client.verdict(ASKED)


class TestNear:
    async def test_other_words_for_the_same_hit_with_their_similarity(self, client: Client) -> None:
        await client.learn(ASKED, "by mail")

        lookup = await client.find(REWORDED)

        assert "semantic" == lookup.verdict
        assert lookup.entry is not None and b"by mail" == lookup.entry.answer
        assert lookup.similarity is not None and 0.95 <= lookup.similarity <= 1

    async def test_an_opposite_is_a_miss(self, client: Client) -> None:
        await client.learn(ASKED)

        assert "miss" == await client.verdict(OPPOSITE)

    async def test_the_next_best_candidate_may_answer(self, client: Client) -> None:
        await client.learn("what is 5 miles in km")
        await client.learn("what is 7 miles in km", "11.3")

        lookup = await client.find("hi, what is 7 miles in km")

        assert lookup.entry is not None and b"11.3" == lookup.entry.answer

    async def test_another_context_is_no_candidate(self, client: Client) -> None:
        await client.learn(ASKED, before=[{"role": "system", "content": "You sell phones."}])

        assert "miss" == await client.verdict(REWORDED, before=[{"role": "system", "content": "You sell cars."}])

    async def test_a_hit_for_one_name_is_a_hit_for_its_placeholder_only(self, client: Client) -> None:
        await client.learn("how do I send a birthday greeting to <PERSON_1>")

        assert "semantic" == await client.verdict("how can I send a birthday greeting to <PERSON_1>?")
        assert "miss" == await client.verdict("how can I send a birthday greeting to <PERSON_2>?")
        assert "miss" == await client.verdict("how can I send a birthday greeting to <EMAIL_ADDRESS_1>?")

    async def test_two_names_are_exact_only(self, client: Client) -> None:
        await client.learn("<PERSON_1> pays <PERSON_2> what he owes")

        assert "miss" == await client.verdict("please, <PERSON_1> pays <PERSON_2> what he owes")
        assert "exact" == await client.verdict("<PERSON_1> pays <PERSON_2> what he owes")

    @pytest.mark.parametrize(
        "parameters",
        [{"seed": 7}, {"n": 2}, {"logprobs": True}, {"temperature": 1.5}, {"tools": [{"type": "function"}]}],
    )
    async def test_what_asks_for_variety_or_acts_is_exact_only(
        self, client: Client, parameters: dict[str, Any]
    ) -> None:
        await client.learn(ASKED, **parameters)

        assert "miss" == await client.verdict(REWORDED, **parameters)
        assert "exact" == await client.verdict(ASKED, **parameters)

    async def test_it_is_found_again_after_a_restart(self, open_cache: Open) -> None:
        """With the saved index, and with none: it is derived from the store."""
        first = await open_cache()
        await first.learn(ASKED)
        await first.cache.caught_up()

        second = await open_cache()  # the first has saved nothing yet
        await second.cache.caught_up()
        assert "semantic" == await second.verdict(REWORDED)

        await second.cache.aclose()
        third = await open_cache()
        await third.cache.caught_up()
        assert "semantic" == await third.verdict(REWORDED)

    async def test_an_entry_without_a_vector_gets_one_later(self, open_cache: Open, embedder: Any) -> None:
        late = LateEmbedder(embedder)
        client = await open_cache(embedder=late)
        await client.learn(ASKED)
        assert "miss" == await client.verdict(REWORDED)

        late.is_ready = True
        await _until_vectors(client, 1)

        assert "semantic" == await client.verdict(REWORDED)

    async def test_a_refreshed_answer_is_found_by_other_words_too(self, client: Client) -> None:
        await client.learn(ASKED, "old")
        await client.learn(ASKED, "new", directives=CacheDirectives(look=False))
        await _until_vectors(client, 1)

        lookup = await client.find(REWORDED)

        assert lookup.entry is not None and b"new" == lookup.entry.answer


class TestWishes:
    async def test_off_neither_looks_nor_keeps_nor_shares(self, client: Client) -> None:
        off = CacheDirectives(look=False, keep=False)
        await client.learn(ASKED)

        lookup = await client.find(ASKED, directives=off)

        assert ("bypass", None, False) == (lookup.verdict, lookup.key, lookup.keeps)

    async def test_refresh_asks_again_and_replaces(self, client: Client) -> None:
        await client.learn(ASKED, "old")

        fresh = await client.learn(ASKED, "new", directives=CacheDirectives(look=False))

        assert ("miss", None) == (fresh.verdict, fresh.key)
        entry = (await client.find(ASKED)).entry
        assert entry is not None and b"new" == entry.answer

    async def test_exact_takes_no_near_answer(self, client: Client) -> None:
        await client.learn(ASKED)

        assert "miss" == await client.verdict(REWORDED, directives=CacheDirectives(near=False))
        assert "exact" == await client.verdict(ASKED, directives=CacheDirectives(near=False))

    async def test_only_refuses_what_is_not_kept(self, client: Client) -> None:
        only = CacheDirectives(only=True)
        with pytest.raises(CacheMiss):
            await client.find(ASKED, directives=only)
        await client.learn(ASKED)

        assert "exact" == await client.verdict(ASKED, directives=only)

    async def test_only_refuses_where_the_cache_is_off(self, client: Client) -> None:
        with pytest.raises(CacheMiss):
            await client.find(ASKED, directives=CacheDirectives(look=False, keep=False, only=True))

    async def test_max_age_bounds_exact_and_near_hits(self, client: Client, clock: ManualClock) -> None:
        await client.learn(ASKED)
        clock.advance(61)

        for text in (ASKED, REWORDED):
            assert "miss" == await client.verdict(text, directives=CacheDirectives(max_age_s=60))
        assert "exact" == await client.verdict(ASKED, directives=CacheDirectives(max_age_s=62))

    async def test_the_shortest_time_to_live_counts(self, open_cache: Open, clock: ManualClock) -> None:
        client = await open_cache(ttl_s=100)
        await client.learn("what is a ttl", directives=CacheDirectives(ttl_s=10))
        await client.learn("what is a lease", directives=CacheDirectives(ttl_s=1_000))
        clock.advance(10)
        assert "miss" == await client.verdict("what is a ttl")
        assert "exact" == await client.verdict("what is a lease")

        clock.advance(90)
        assert "miss" == await client.verdict("what is a lease")

    async def test_namespaces_share_nothing(self, client: Client) -> None:
        await client.learn(ASKED, directives=CacheDirectives(namespace="a"))

        assert "exact" == await client.verdict(ASKED, directives=CacheDirectives(namespace="a"))
        for text in (ASKED, REWORDED):
            assert "miss" == await client.verdict(text, directives=CacheDirectives(namespace="b"))


class TestScopes:
    async def test_callers_share_within_a_team_only_where_the_owner_says_so(self, open_cache: Open) -> None:
        client = await open_cache(scope="team")
        await client.learn(ASKED, caller=Caller("ann", team="research"))

        assert "exact" == await client.verdict(ASKED, caller=Caller("bo", team="research"))
        assert "semantic" == await client.verdict(REWORDED, caller=Caller("bo", team="research"))
        for stranger in (Caller("bo"), Caller("bo", team="sales"), Caller("research")):
            assert "miss" == await client.verdict(ASKED, caller=stranger)
            assert "miss" == await client.verdict(REWORDED, caller=stranger)


class TestSharedStore:
    """Two nodes on one store; each has its own memory and its own index."""

    async def test_a_node_finds_what_another_one_keeps(self, open_cache: Open) -> None:
        ours = await open_cache(is_shared=True)
        theirs = await open_cache(is_shared=True, store=ours.store)
        await theirs.learn(ASKED)

        assert "exact" == await ours.verdict(ASKED)
        ours.cache._entries.near.restart()  # follow now rather than in half a second
        while "semantic" != await ours.verdict(REWORDED):
            await asyncio.sleep(0.01)

    async def test_what_another_node_clears_is_believed_for_two_seconds_only(
        self, open_cache: Open, clock: ManualClock
    ) -> None:
        ours = await open_cache(is_shared=True)
        theirs = await open_cache(is_shared=True, store=ours.store)
        await ours.learn(ASKED)
        await theirs.cache.clear()
        clock.advance(2)

        assert "miss" == await ours.verdict(ASKED)
        assert "miss" == await ours.verdict(REWORDED)

    async def test_without_the_store_a_nodes_own_memory_answers(self, open_cache: Open, clock: ManualClock) -> None:
        client = await open_cache(is_shared=True, store=BrokenStore())
        assert "bypass" == (await client.learn(ASKED)).verdict
        clock.advance(60)

        assert "exact" == await client.verdict(ASKED)


class TestTrouble:
    async def test_without_a_store_requests_go_on_and_it_is_said(self, open_cache: Open) -> None:
        client = await open_cache(store=BrokenStore())

        lookup = await client.learn(ASKED)

        assert ("bypass", False) == (lookup.verdict, lookup.keeps)
        assert lookup.key is not None  # identical requests in flight are still asked once
        assert ("degraded", "the disk is gone") == client.cache.parts()["store"]

    async def test_a_store_that_comes_back_is_used_again(self, open_cache: Open) -> None:
        store = BrokenStore()
        client = await open_cache(store=store)
        await client.find(ASKED)
        client.cache._entries._store = client.store  # the disk is back

        await client.learn(ASKED)

        assert "exact" == await client.verdict(ASKED)
        assert ("ok", "") == client.cache.parts()["store"]

    async def test_an_embedder_that_fails_leaves_exact_hits(self, open_cache: Open) -> None:
        client = await open_cache(embedder=FailingEmbedder())
        await client.learn(ASKED)

        assert "exact" == await client.verdict(ASKED)
        assert "miss" == await client.verdict(REWORDED)
        assert "degraded" == client.cache.parts()["embedder"][0]

    async def test_an_embedder_that_hangs_delays_no_request_for_long(
        self, open_cache: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("daemon.caching.searching.NEAR_WAIT_S", 0.01)
        client = await open_cache(embedder=HangingEmbedder())

        assert "miss" == await client.verdict(ASKED)

    async def test_an_index_that_breaks_leaves_exact_hits(self, client: Client) -> None:
        await client.learn(ASKED)
        client.cache._entries.near._index = BrokenIndex()  # type: ignore[assignment]

        assert "miss" == await client.verdict(REWORDED)
        assert "exact" == await client.verdict(ASKED)


class TestOwner:
    async def test_clear_empties_store_memory_and_index(self, client: Client) -> None:
        await client.learn(ASKED)
        await client.learn(OPPOSITE)

        assert 2 == await client.cache.clear()
        assert "miss" == await client.verdict(ASKED)
        assert "miss" == await client.verdict(REWORDED)

    async def test_an_answer_that_was_asked_for_before_a_clear_is_not_kept_after_it(self, client: Client) -> None:
        in_flight = await client.find("what is 6 times 7?")
        await client.cache.clear()

        await client.keep(in_flight)

        assert "miss" == await client.verdict("what is 6 times 7?")

    async def test_clear_of_one_scope_leaves_the_others(self, client: Client) -> None:
        await client.learn(ASKED, caller=Caller("ann"))
        await client.learn(ASKED, caller=Caller("bo"))

        assert 1 == await client.cache.clear(Selection(scope="key:bo"))
        assert "exact" == await client.verdict(ASKED, caller=Caller("ann"))
        assert "miss" == await client.verdict(REWORDED, caller=Caller("bo"))

    async def test_stats_count_each_look_up_once(self, client: Client) -> None:
        await client.learn(ASKED)
        await client.find(ASKED)
        await client.find(REWORDED)
        (await client.find(OPPOSITE)).coalesced()
        await client.find(ASKED, directives=CacheDirectives(look=False, keep=False))

        stats = await client.cache.stats()

        assert {"exact": 1, "semantic": 1, "coalesced": 1} == stats["hits"]
        assert (1, 1) == (stats["misses"], stats["entries"])
        assert ("0.000004000", 1.8) == (stats["saved_usd"], stats["saved_s"])

    async def test_why_names_each_step_and_counts_nothing(self, client: Client) -> None:
        await client.learn(ASKED)

        why = await client.why(REWORDED)
        assert "semantic" == why["verdict"]
        assert ["scope", "exact", "eligible", "candidates"] == [step["step"] for step in why["steps"][:4]]
        assert {"step": "bound", "outcome": "hit", "detail": "proven"} == why["steps"][-1]
        assert [(ASKED, "hit")] == [(one["question"], one["verdict"]) for one in why["candidates"]]

        why = await client.why("how do I not cancel my subscription")
        assert "miss" == why["verdict"]
        assert "stop" == why["steps"][-1]["outcome"]
        assert "hit" != why["candidates"][0]["verdict"]
        assert 0 == (await client.cache.stats())["hits"]["semantic"]

    async def test_no_more_than_max_entries_stay(self, open_cache: Open) -> None:
        client = await open_cache(max_entries=2)
        for number in range(5):
            await client.learn(f"tell me about the number {number}")
        while (await client.cache.stats())["entries"] > 2:
            await asyncio.sleep(0)

        hits = [await client.verdict(f"tell me about the number {number}") for number in range(5)]

        assert 2 == hits.count("exact")


async def _until_vectors(client: Client, count: int) -> None:
    while len(await client.store.vectors_after(0, 10)) < count:
        await asyncio.sleep(0.01)


def _unit(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


class SameEmbedder:
    """Every text has one vector."""

    is_ready = True

    async def warm(self) -> None: ...

    async def embed(self, text: str) -> Vector:
        return _unit(0)

    async def aclose(self) -> None: ...


class LateEmbedder(SameEmbedder):
    """Another embedder, once it is ready."""

    def __init__(self, embedder: Any) -> None:
        self.is_ready = False
        self._embedder = embedder

    async def embed(self, text: str) -> Vector:
        return await self._embedder.embed(text)  # type: ignore[no-any-return]


class FailingEmbedder(SameEmbedder):
    async def embed(self, text: str) -> Vector:
        raise EmbedderUnavailable("the model failed")


class HangingEmbedder(SameEmbedder):
    async def embed(self, text: str) -> Vector:
        await asyncio.Event().wait()
        raise AssertionError


class BrokenIndex:
    size = 1

    def search(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        raise RuntimeError("broken")

    def remove(self, ids: Any) -> None: ...

    needs_rebuild = False

    def save(self, last_id: int, store_epoch: str) -> None: ...


class BrokenStore:
    """A store that can never be asked."""

    async def epoch(self) -> str:
        raise StoreUnavailable("the disk is gone")

    async def get(self, key: bytes) -> CacheEntry | None:
        raise StoreUnavailable("the disk is gone")

    async def get_by_ids(self, ids: Sequence[int]) -> dict[int, CacheEntry]:
        raise StoreUnavailable("the disk is gone")

    async def put(self, entry: CacheEntry) -> int:
        raise StoreUnavailable("the disk is gone")

    async def vectors_after(self, entry_id: int, limit: int) -> list[Any]:
        raise StoreUnavailable("the disk is gone")

    async def touch(self, hits: Mapping[int, int]) -> None:
        raise StoreUnavailable("the disk is gone")

    async def clear(self, *, scope: str | None = None, model: str | None = None) -> int:
        raise StoreUnavailable("the disk is gone")

    async def evict(self, max_entries: int) -> list[int]:
        raise StoreUnavailable("the disk is gone")

    async def stats(self) -> Any:
        raise StoreUnavailable("the disk is gone")
