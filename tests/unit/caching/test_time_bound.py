"""What was right yesterday is not given today, unless it is an hour old at most."""

from __future__ import annotations

import pytest

from daemon.caching.time_bound import why_time_bound
from daemon.exchange import CacheDirectives

from .conftest import Client

WEEK_S = 604_800.0


@pytest.mark.parametrize("word", ["today", "latest", "now", "this week", "last night", "Tomorrow"])
def test_words_of_the_day_are_exact_only(word: str) -> None:
    assert why_time_bound(f"what is the weather {word}?", WEEK_S)
    assert why_time_bound(f"what is the weather {word}?", 3_600) is None


@pytest.mark.parametrize("text", ["do you know it", "the relatest thing", "a nowhere man", "last but not least"])
def test_words_that_only_look_like_it_are_not(text: str) -> None:
    assert why_time_bound(text, WEEK_S) is None


async def test_a_short_life_makes_them_eligible(client: Client) -> None:
    brief = CacheDirectives(ttl_s=600)
    await client.learn("what is the latest version of numpy?", directives=brief)

    assert "semantic" == await client.verdict("What is the latest version of numpy", directives=brief)
    assert "miss" == await client.verdict("What is the latest version of numpy")
