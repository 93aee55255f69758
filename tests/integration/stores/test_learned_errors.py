"""What scopes learned of their near hits is one account of a whole fleet, in which nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from daemon.caching.error_bound import ErrorBounds
from daemon.caching.verifier import Odds
from daemon.ports.storage import Store

from .conftest import HandClock, MakeStore

SCOPES = ("key:ann", "team:research@acme", "everyone")
ODDS = Odds(0.96, 0.5)


@pytest_asyncio.fixture
async def nodes(make_store: MakeStore, clock: HandClock) -> AsyncIterator[list[ErrorBounds]]:
    stores: list[Store] = [make_store(clock) for _ in range(3)]
    for store in stores:
        await store.open()
    yield [ErrorBounds(store) for store in stores]
    for store in stores:
        await store.aclose()


def count(node: ErrorBounds, scope: str, *, right: int = 0, wrong: int = 0) -> None:
    for is_right, times in ((True, right), (False, wrong)):
        for _ in range(times):
            node.count(scope, ODDS, 0.02, is_right=is_right)


async def test_nodes_that_save_in_the_same_moment_lose_nothing(nodes: list[ErrorBounds]) -> None:
    for round_ in range(8):
        for number, node in enumerate(nodes):
            for scope in SCOPES:
                count(node, scope, right=number + 1, wrong=round_ % 2)
                node.count_served(scope, ODDS)
        await asyncio.gather(*(node.save() for node in nodes))
    for node in nodes:
        await node.load()

    expected = (8 * (1 + 2 + 3) + 4 * 3, 4 * 3)
    assert [expected] * 9 == [node.checks(scope, 0.02) for node in nodes for scope in SCOPES]


async def test_what_is_checked_while_it_is_saved_is_saved_next(nodes: list[ErrorBounds]) -> None:
    node, other, _ = nodes
    count(node, "key:ann", right=5)
    saving = asyncio.create_task(node.save())
    while not saving.done():
        count(node, "key:ann", right=1)
        checked = node.checks("key:ann", 0.02)
        await asyncio.sleep(0)
    await node.save()
    await other.load()

    assert checked[0] > 5
    assert checked == node.checks("key:ann", 0.02) == other.checks("key:ann", 0.02)


async def test_what_one_node_opens_and_stops_is_open_and_stopped_on_the_others(nodes: list[ErrorBounds]) -> None:
    node, other, late = nodes
    count(node, "key:ann", right=2_000)
    await node.save()
    await other.load()
    assert ["serving"] * 2 == [one.mode("key:ann", 0.02) for one in (node, other)]

    count(other, "key:ann", wrong=7)
    await other.save()
    await node.load()
    await late.load()  # as after a restart
    assert ["stopped"] * 3 == [one.mode("key:ann", 0.02) for one in nodes]

    await late.forget("key:ann")
    await node.load()
    assert "shadow" == node.mode("key:ann", 0.02)
