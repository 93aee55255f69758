"""A scope learns from the answers that it asks for, before it gives kept ones for them."""

from __future__ import annotations

import json

from daemon.caching.lookup import Lookup
from daemon.exchange import Selection

from .conftest import Client, Open

THINGS = ("lamp", "table", "curtain", "carpet", "mirror", "sofa", "wardrobe", "bookshelf", "armchair", "fireplace")
ROOMS = ("kitchen", "bedroom", "attic", "office", "cellar", "garage")


def answer(text: str) -> str:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]})


async def ask(client: Client, text: str, right: str) -> Lookup:
    """One request, as the pipeline makes it: looked up, and kept where nothing was found."""
    lookup = await client.find(text)
    if lookup.entry is None:
        await client.keep(lookup, answer(right))
    return lookup


async def learn_rooms(client: Client, *, agree: bool) -> None:
    for thing, room in ((thing, room) for thing in THINGS for room in ROOMS):
        await ask(client, f"how do I choose a {thing} for the {room}", f"Measure the {room} and its {thing} first")
        other = f"how should I go about choosing a {thing} for my {room}?"
        await ask(client, other, f"Measure the {room} and its {thing} first" if agree else f"Never with {thing}")
    await client.cache._keeper.comparisons.done()


async def test_a_scope_in_shadow_asks_and_compares_and_serves_later(open_cache: Open) -> None:
    client = await open_cache(max_error=0.05)
    first = await client.find("how do I choose a lamp for the kitchen")
    await client.keep(first, answer("Measure the kitchen and its lamp first"))
    early = await client.find("how should I go about choosing a lamp for my kitchen?")
    assert "miss" == early.verdict
    assert early.slot is not None and early.slot.trial is not None

    await learn_rooms(client, agree=True)

    (scope,) = (await client.cache.stats())["scopes"]
    assert ("key:ann", "serving", 0) == (scope["scope"], scope["mode"], scope["wrong"])
    assert scope["checks"] >= 30


async def test_a_scope_whose_fresh_answers_differ_stays_in_shadow(open_cache: Open) -> None:
    client = await open_cache(max_error=0.05)

    await learn_rooms(client, agree=False)

    (scope,) = (await client.cache.stats())["scopes"]
    assert ("shadow", scope["checks"]) == (scope["mode"], scope["wrong"])


async def test_what_is_proven_is_served_at_once_unless_fewer_errors_are_wanted(open_cache: Open) -> None:
    client = await open_cache()
    await client.learn("how do I reset a forgotten password?")

    assert "semantic" == await client.verdict("How do I reset a forgotten password")
    assert "semantic" == await client.verdict("hello, how do i reset a forgotten password please")

    strict = await open_cache(max_error=0.001)
    assert "miss" == await strict.verdict("how do I reset a forgotten password, please?")


async def test_clearing_a_scope_forgets_what_it_learned(open_cache: Open) -> None:
    client = await open_cache(max_error=0.05)
    await learn_rooms(client, agree=True)

    await client.cache.clear(Selection(scope="key:ann"))

    assert [] == (await client.cache.stats())["scopes"]
