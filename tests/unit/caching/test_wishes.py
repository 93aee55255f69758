"""What a request's own wishes make of a look-up."""

from __future__ import annotations

import pytest

from daemon.errors import CacheMiss
from daemon.exchange import CacheDirectives

from .conftest import ASKED, REWORDED, Client, ManualClock, Open


async def test_off_neither_looks_nor_keeps_nor_shares(client: Client) -> None:
    off = CacheDirectives(look=False, keep=False)
    await client.learn(ASKED)

    lookup = await client.find(ASKED, directives=off)

    assert ("bypass", None, False) == (lookup.verdict, lookup.key, lookup.keeps)


async def test_refresh_asks_again_and_replaces(client: Client) -> None:
    await client.learn(ASKED, "old")

    fresh = await client.learn(ASKED, "new", directives=CacheDirectives(look=False))

    assert ("miss", None) == (fresh.verdict, fresh.key)
    entry = (await client.find(ASKED)).entry
    assert entry is not None and b"new" == entry.answer


async def test_exact_takes_no_near_answer(client: Client) -> None:
    await client.learn(ASKED)

    assert "miss" == await client.verdict(REWORDED, directives=CacheDirectives(near=False))
    assert "exact" == await client.verdict(ASKED, directives=CacheDirectives(near=False))


async def test_only_refuses_what_is_not_kept(client: Client) -> None:
    only = CacheDirectives(only=True)
    with pytest.raises(CacheMiss):
        await client.find(ASKED, directives=only)
    await client.learn(ASKED)

    assert "exact" == await client.verdict(ASKED, directives=only)


async def test_only_refuses_where_the_cache_is_off(client: Client) -> None:
    with pytest.raises(CacheMiss):
        await client.find(ASKED, directives=CacheDirectives(look=False, keep=False, only=True))


async def test_max_age_bounds_exact_and_near_hits(client: Client, clock: ManualClock) -> None:
    await client.learn(ASKED)
    clock.advance(61)

    for text in (ASKED, REWORDED):
        assert "miss" == await client.verdict(text, directives=CacheDirectives(max_age_s=60))
    assert "exact" == await client.verdict(ASKED, directives=CacheDirectives(max_age_s=62))


async def test_the_shortest_time_to_live_counts(open_cache: Open, clock: ManualClock) -> None:
    client = await open_cache(ttl_s=100)
    await client.learn("what is a ttl", directives=CacheDirectives(ttl_s=10))
    await client.learn("what is a lease", directives=CacheDirectives(ttl_s=1_000))
    clock.advance(10)
    assert "miss" == await client.verdict("what is a ttl")
    assert "exact" == await client.verdict("what is a lease")

    clock.advance(90)
    assert "miss" == await client.verdict("what is a lease")


async def test_namespaces_share_nothing(client: Client) -> None:
    await client.learn(ASKED, directives=CacheDirectives(namespace="a"))

    assert "exact" == await client.verdict(ASKED, directives=CacheDirectives(namespace="a"))
    for text in (ASKED, REWORDED):
        assert "miss" == await client.verdict(text, directives=CacheDirectives(namespace="b"))
