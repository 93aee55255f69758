"""Hits of other words for the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from daemon.exchange import CacheDirectives

from .broken import LateEmbedder
from .conftest import ASKED, OPPOSITE, REWORDED, Client, Open


async def test_other_words_for_the_same_hit_with_their_similarity(client: Client) -> None:
    await client.learn(ASKED, "by mail")

    lookup = await client.find(REWORDED)

    assert "semantic" == lookup.verdict
    assert lookup.entry is not None and b"by mail" == lookup.entry.answer
    assert lookup.similarity is not None and 0.95 <= lookup.similarity <= 1


async def test_an_opposite_is_a_miss(client: Client) -> None:
    await client.learn(ASKED)

    assert "miss" == await client.verdict(OPPOSITE)


async def test_the_next_best_candidate_may_answer(client: Client) -> None:
    await client.learn("what is 5 miles in km")
    await client.learn("what is 7 miles in km", "11.3")

    lookup = await client.find("hi, what is 7 miles in km")

    assert lookup.entry is not None and b"11.3" == lookup.entry.answer


async def test_another_context_is_no_candidate(client: Client) -> None:
    await client.learn(ASKED, before=[{"role": "system", "content": "You sell phones."}])

    assert "miss" == await client.verdict(REWORDED, before=[{"role": "system", "content": "You sell cars."}])


async def test_a_hit_for_one_name_is_a_hit_for_its_placeholder_only(client: Client) -> None:
    await client.learn("how do I send a birthday greeting to <PERSON_1>")

    assert "semantic" == await client.verdict("how can I send a birthday greeting to <PERSON_1>?")
    assert "miss" == await client.verdict("how can I send a birthday greeting to <PERSON_2>?")
    assert "miss" == await client.verdict("how can I send a birthday greeting to <EMAIL_ADDRESS_1>?")


async def test_two_names_are_exact_only(client: Client) -> None:
    await client.learn("<PERSON_1> pays <PERSON_2> what he owes")

    assert "miss" == await client.verdict("please, <PERSON_1> pays <PERSON_2> what he owes")
    assert "exact" == await client.verdict("<PERSON_1> pays <PERSON_2> what he owes")


@pytest.mark.parametrize(
    "parameters",
    [{"seed": 7}, {"n": 2}, {"logprobs": True}, {"temperature": 1.5}, {"tools": [{"type": "function"}]}],
)
async def test_what_asks_for_variety_or_acts_is_exact_only(client: Client, parameters: dict[str, Any]) -> None:
    await client.learn(ASKED, **parameters)

    assert "miss" == await client.verdict(REWORDED, **parameters)
    assert "exact" == await client.verdict(ASKED, **parameters)


async def test_it_is_found_again_after_a_restart(open_cache: Open) -> None:
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


async def test_an_entry_without_a_vector_gets_one_later(open_cache: Open, embedder: Any) -> None:
    late = LateEmbedder(embedder)
    client = await open_cache(embedder=late)
    await client.learn(ASKED)
    assert "miss" == await client.verdict(REWORDED)

    late.is_ready = True
    await until_vectors(client, 1)

    assert "semantic" == await client.verdict(REWORDED)


async def test_a_refreshed_answer_is_found_by_other_words_too(client: Client) -> None:
    await client.learn(ASKED, "old")
    await client.learn(ASKED, "new", directives=CacheDirectives(look=False))
    await until_vectors(client, 1)

    lookup = await client.find(REWORDED)

    assert lookup.entry is not None and b"new" == lookup.entry.answer


async def until_vectors(client: Client, count: int) -> None:
    while len(await client.store.vectors_after(0, 10)) < count:
        await asyncio.sleep(0.01)
