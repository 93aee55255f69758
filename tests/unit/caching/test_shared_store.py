"""Two nodes on one store; each has its own memory and its own index."""

from __future__ import annotations

import asyncio

from .broken import BrokenStore
from .conftest import ASKED, REWORDED, ManualClock, Open


async def test_a_node_finds_what_another_one_keeps(open_cache: Open) -> None:
    ours = await open_cache(is_shared=True)
    theirs = await open_cache(is_shared=True, store=ours.store)
    await theirs.learn(ASKED)

    assert "exact" == await ours.verdict(ASKED)
    ours.cache._entries.near.restart()  # follow now rather than in half a second
    while "semantic" != await ours.verdict(REWORDED):
        await asyncio.sleep(0.01)


async def test_what_another_node_clears_is_believed_for_two_seconds_only(open_cache: Open, clock: ManualClock) -> None:
    ours = await open_cache(is_shared=True)
    theirs = await open_cache(is_shared=True, store=ours.store)
    await ours.learn(ASKED)
    await theirs.cache.clear()
    clock.advance(2)

    assert "miss" == await ours.verdict(ASKED)
    assert "miss" == await ours.verdict(REWORDED)


async def test_without_the_store_a_nodes_own_memory_answers(open_cache: Open, clock: ManualClock) -> None:
    client = await open_cache(is_shared=True, store=BrokenStore())
    assert "bypass" == (await client.learn(ASKED)).verdict
    clock.advance(60)

    assert "exact" == await client.verdict(ASKED)
