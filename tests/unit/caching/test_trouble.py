"""A store, an embedder or an index that fails or hangs."""

from __future__ import annotations

import pytest

from .broken import BrokenIndex, BrokenStore, FailingEmbedder, HangingEmbedder
from .conftest import ASKED, REWORDED, Client, Open


async def test_without_a_store_requests_go_on_and_it_is_said(open_cache: Open) -> None:
    client = await open_cache(store=BrokenStore())

    lookup = await client.learn(ASKED)

    assert ("bypass", False) == (lookup.verdict, lookup.keeps)
    assert lookup.key is not None  # identical requests in flight are still asked once
    assert ("degraded", "the disk is gone") == client.cache.parts()["store"]


async def test_a_store_that_comes_back_is_used_again(open_cache: Open) -> None:
    store = BrokenStore()
    client = await open_cache(store=store)
    await client.find(ASKED)
    client.cache._entries._store = client.store  # the disk is back

    await client.learn(ASKED)

    assert "exact" == await client.verdict(ASKED)
    assert ("ok", "") == client.cache.parts()["store"]


async def test_an_embedder_that_fails_leaves_exact_hits(open_cache: Open) -> None:
    client = await open_cache(embedder=FailingEmbedder())
    await client.learn(ASKED)

    assert "exact" == await client.verdict(ASKED)
    assert "miss" == await client.verdict(REWORDED)
    assert "degraded" == client.cache.parts()["embedder"][0]


async def test_an_embedder_that_hangs_delays_no_request_for_long(
    open_cache: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.caching.searching.NEAR_WAIT_S", 0.01)
    client = await open_cache(embedder=HangingEmbedder())

    assert "miss" == await client.verdict(ASKED)


async def test_an_index_that_breaks_leaves_exact_hits(client: Client) -> None:
    await client.learn(ASKED)
    client.cache._entries.near._index = BrokenIndex()  # type: ignore[assignment]

    assert "miss" == await client.verdict(REWORDED)
    assert "exact" == await client.verdict(ASKED)
