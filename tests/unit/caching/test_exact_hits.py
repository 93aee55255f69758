"""Hits of equal requests."""

from __future__ import annotations

from daemon.exchange import Caller
from daemon.settings import CacheSettings

from .conftest import ASKED, REWORDED, Client, Open


async def test_the_same_request_hits(client: Client) -> None:
    assert "miss" == (await client.learn(ASKED, "by mail")).verdict

    again = await client.find(ASKED)

    assert "exact" == again.verdict
    assert again.entry is not None and b"by mail" == again.entry.answer
    assert again.similarity is None


async def test_a_stream_and_a_whole_request_share_an_entry(client: Client) -> None:
    await client.learn(ASKED, stream=True, stream_options={"include_usage": True})

    assert "exact" == await client.verdict(ASKED)


async def test_parameters_and_earlier_turns_must_be_equal(client: Client) -> None:
    await client.learn(ASKED)

    assert "miss" == await client.verdict(ASKED, temperature=0.5)
    assert "miss" == await client.verdict(ASKED, before=[{"role": "system", "content": "Be brief."}])


async def test_another_pii_policy_shares_nothing(client: Client) -> None:
    await client.learn(ASKED)
    client.cache.configure(CacheSettings(), policy=lambda: "pii-2")

    assert "miss" == await client.verdict(ASKED)


async def test_it_is_found_again_after_a_restart(open_cache: Open) -> None:
    await (await open_cache()).learn(ASKED)

    assert "exact" == await (await open_cache()).verdict(ASKED)


async def test_an_answer_beyond_4_mb_is_not_kept(client: Client) -> None:
    await client.learn(ASKED, "a" * (4 * 2**20 + 1))

    assert "miss" == await client.verdict(ASKED)


async def test_callers_share_within_a_team_only_where_the_owner_says_so(open_cache: Open) -> None:
    client = await open_cache(scope="team")
    await client.learn(ASKED, caller=Caller("ann", team="research"))

    assert "exact" == await client.verdict(ASKED, caller=Caller("bo", team="research"))
    assert "semantic" == await client.verdict(REWORDED, caller=Caller("bo", team="research"))
    for stranger in (Caller("bo"), Caller("bo", team="sales"), Caller("research")):
        assert "miss" == await client.verdict(ASKED, caller=stranger)
        assert "miss" == await client.verdict(REWORDED, caller=stranger)
