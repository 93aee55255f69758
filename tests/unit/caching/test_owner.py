"""What the owner asks of the cache, and how large it may become."""

from __future__ import annotations

import asyncio

from daemon.exchange import CacheDirectives, Caller, Selection

from .conftest import ASKED, OPPOSITE, REWORDED, Client, Open


async def test_clear_empties_store_memory_and_index(client: Client) -> None:
    await client.learn(ASKED)
    await client.learn(OPPOSITE)

    assert 2 == await client.cache.clear()
    assert "miss" == await client.verdict(ASKED)
    assert "miss" == await client.verdict(REWORDED)


async def test_an_answer_that_was_asked_for_before_a_clear_is_not_kept_after_it(client: Client) -> None:
    in_flight = await client.find("what is 6 times 7?")
    await client.cache.clear()

    await client.keep(in_flight)

    assert "miss" == await client.verdict("what is 6 times 7?")


async def test_clear_of_one_scope_leaves_the_others(client: Client) -> None:
    await client.learn(ASKED, caller=Caller("ann"))
    await client.learn(ASKED, caller=Caller("bo"))

    assert 1 == await client.cache.clear(Selection(scope="key:bo"))
    assert "exact" == await client.verdict(ASKED, caller=Caller("ann"))
    assert "miss" == await client.verdict(REWORDED, caller=Caller("bo"))


async def test_stats_count_each_look_up_once(client: Client) -> None:
    await client.learn(ASKED)
    await client.find(ASKED)
    await client.find(REWORDED)
    (await client.find(OPPOSITE)).coalesced()
    await client.find(ASKED, directives=CacheDirectives(look=False, keep=False))

    stats = await client.cache.stats()

    assert {"exact": 1, "semantic": 1, "coalesced": 1} == stats["hits"]
    assert (1, 1) == (stats["misses"], stats["entries"])
    assert ("0.000004000", 1.8) == (stats["saved_usd"], stats["saved_s"])


async def test_why_names_each_step_and_counts_nothing(client: Client) -> None:
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


async def test_no_more_than_max_entries_stay(open_cache: Open) -> None:
    client = await open_cache(max_entries=2)
    for number in range(5):
        await client.learn(f"tell me about the number {number}")
    while (await client.cache.stats())["entries"] > 2:
        await asyncio.sleep(0)

    hits = [await client.verdict(f"tell me about the number {number}") for number in range(5)]

    assert 2 == hits.count("exact")
