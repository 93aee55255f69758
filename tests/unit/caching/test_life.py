"""How long an entry lives, and how it ends."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from daemon.adapters.entry_worth import HALVED_EVERY_S, worth_after_hits, worth_when_made
from daemon.exchange import CacheDirectives, Caller, Selection

from .conftest import ASKED, ManualClock, Open

DAY_S = 86_400.0


async def test_of_all_ttls_the_shortest_counts(open_cache: Open, clock: ManualClock) -> None:
    rules = ({"scope": "key:ann", "ttl_s": 60}, {"model": "gpt-*", "ttl_s": 600}, {"model": "o*", "ttl_s": 1})
    client = await open_cache(lives=rules)
    for name in ("ann", "bo"):
        await client.learn(ASKED, caller=Caller(name))

    clock.advance(61)
    assert ("miss", "exact") == tuple([await client.verdict(ASKED, caller=Caller(name)) for name in ("ann", "bo")])

    clock.advance(600)
    assert "miss" == await client.verdict(ASKED, caller=Caller("bo"))


class TestStale:
    WISH = CacheDirectives(max_age_s=60, stale_s=600)

    async def test_what_is_a_little_too_old_is_given_and_has_a_place_for_its_successor(
        self, open_cache: Open, clock: ManualClock
    ) -> None:
        client = await open_cache()
        await client.learn(ASKED, "old")
        clock.advance(100)

        stale = await client.find(ASKED, directives=self.WISH)
        assert ("exact", 40) == (stale.verdict, stale.stale_s)

        await client.keep(stale.without_hit(), "new")
        fresh = await client.find(ASKED, directives=self.WISH)
        assert fresh.entry is not None
        assert (b"new", 0) == (fresh.entry.answer, fresh.stale_s)

    @pytest.mark.parametrize(
        ("age_s", "wish"),
        [
            (661, WISH),
            (100, replace(WISH, stale_s=None)),
            (100, replace(WISH, keep=False)),
            (7 * DAY_S + 1, replace(WISH, stale_s=1e9)),
        ],
    )
    async def test_beyond_that_it_is_a_miss_and_never_outlives_the_owners_ttl(
        self, open_cache: Open, clock: ManualClock, age_s: float, wish: CacheDirectives
    ) -> None:
        client = await open_cache()
        await client.learn(ASKED)
        clock.advance(age_s)

        assert "miss" == await client.verdict(ASKED, directives=wish)

    async def test_who_forbids_the_provider_gets_nothing_stale(self, open_cache: Open, clock: ManualClock) -> None:
        client = await open_cache()
        await client.learn(ASKED)
        clock.advance(100)

        found = (await client.why(ASKED, directives=replace(self.WISH, only=True)))["verdict"]
        assert "miss" == found


class TestClearing:
    @pytest.mark.parametrize(
        "selection",
        [
            Selection(id=1),
            Selection(namespace="staging"),
            Selection(tag="nightly"),
            Selection(tag="nightly", model="gpt-4o-mini"),
            Selection(made_before=1_772_366_400 + 50),
        ],
    )
    async def test_what_is_selected_goes_and_the_rest_stays(
        self, open_cache: Open, clock: ManualClock, selection: Selection
    ) -> None:
        client = await open_cache()
        chosen: dict[str, Any] = {"directives": CacheDirectives(namespace="staging"), "tags": ("nightly", "big")}
        await client.learn(ASKED, **chosen)
        clock.advance(100)
        await client.learn(ASKED)

        assert 1 == await client.cache.clear(selection)

        assert ("miss", "exact") == (await client.verdict(ASKED, **chosen), await client.verdict(ASKED))

    async def test_it_takes_effect_before_the_store_has_removed_anything(
        self, open_cache: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = await open_cache()
        await client.learn(ASKED)
        is_done = asyncio.Event()
        monkeypatch.setattr("daemon.caching.clearings.WAITED_FOR_S", 0.01)
        remove = client.store.clear

        async def slowly(selection: Selection) -> int:
            await is_done.wait()
            return await remove(selection)

        monkeypatch.setattr(client.store, "clear", slowly)

        assert await client.cache.clear(Selection(model="gpt-4o-mini")) is None
        assert "miss" == await client.verdict(ASKED)
        is_done.set()

    async def test_a_death_in_the_middle_brings_nothing_back(
        self, open_cache: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        client = await open_cache()
        await client.learn(ASKED)
        monkeypatch.setattr("daemon.caching.clearings.WAITED_FOR_S", 0.01)
        monkeypatch.setattr(client.store, "clear", lambda _: asyncio.Event().wait())
        await client.cache.clear(Selection(model="gpt-4o-mini"))
        await client.cache.aclose()

        again = await open_cache()
        async with asyncio.timeout(5):
            while (await again.cache.stats())["entries"]:
                await asyncio.sleep(0.01)
        assert "miss" == await again.verdict(ASKED)


def test_worth_adds_up_and_fades_by_half_a_day() -> None:
    once = worth_when_made(1_000, 0)

    assert worth_when_made(2_000, 0) == pytest.approx(once + 1)
    assert worth_when_made(1_000, HALVED_EVERY_S) == pytest.approx(once + 1)
    assert worth_after_hits(once, 1_000, 3, 0) == pytest.approx(worth_when_made(4_000, 0))
