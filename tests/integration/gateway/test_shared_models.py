"""Several targets are one model to its callers, to the cache and to the ledger."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.upstream import Reply, Upstream

NAMES = ("one", "two", "three")


def settings(servers, more: str = "") -> str:
    providers = "".join(
        f'[[providers]]\nname = "{name}"\ntype = "openai"\nbase_url = "{server.openai_url}"\napi_key = "k"\n'
        f'models = ["{name}-*"]\n'
        for name, server in zip(NAMES, servers, strict=True)
    )
    shares = ", ".join(f'"{name}/gpt-4o-mini" = 1' for name in NAMES)
    return f'[[models]]\nname = "shared"\nshares = {{ {shares} }}\n{more}\n{providers}'


@pytest.fixture
async def servers():
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Upstream(f"from {name}")) for name in NAMES]


def asked(servers) -> list[int]:
    return [len(server.asked) for server in servers]


async def test_calls_that_come_at_once_go_to_whoever_is_least_busy(start_daemon, servers):
    daemon = await start_daemon(settings(servers, 'strategy = "least_busy"'))
    hold = asyncio.Event()
    for server in servers:
        server.always(Reply("held", hold=hold))
    asking = [asyncio.create_task(daemon.post_chat(f"question {n}", model="shared")) for n in range(9)]
    await asyncio.gather(*(server.until_asked(3) for server in servers))
    hold.set()

    assert [3, 3, 3] == asked(servers)
    assert {200} == {(await one).status for one in asking}


async def test_the_turns_of_a_conversation_go_to_one_target(start_daemon, servers):
    daemon = await start_daemon(settings(servers, 'strategy = "lowest_latency"'))
    turns = [{"role": "user", "content": "I am ann@example.com"}]
    for number in range(4):
        body = {"model": "shared", "messages": turns}
        said = (await daemon.post("/v1/chat/completions", body)).json["choices"][0]["message"]["content"]
        turns += [{"role": "assistant", "content": said}, {"role": "user", "content": f"and {number}?"}]

    assert [0, 0, 4] == sorted(asked(servers))


async def test_the_cheapest_that_is_well_is_asked(start_daemon, servers):
    prices = "".join(
        f'[[models]]\nname = "{name}/gpt-4o-mini"\ninput_usd_per_mtok = {usd}\noutput_usd_per_mtok = {usd}\n'
        for name, usd in zip(NAMES, (3, 1, 2), strict=True)
    )
    daemon = await start_daemon(settings(servers, f'strategy = "cheapest"\nsticky = false\n{prices}'))
    await daemon.chat("first", model="shared")
    servers[1].always(Reply.error(503))
    await daemon.chat("second", model="shared")

    assert [0, 2, 1] == asked(servers)


async def test_an_answer_of_any_of_them_is_kept_for_all(start_daemon, servers):
    daemon = await start_daemon(settings(servers, "sticky = false"))
    verdicts = [(await daemon.post_chat("hello", model="shared")).verdict for _ in range(5)]

    assert ["miss", *["exact"] * 4] == verdicts
    assert 1 == sum(asked(servers))


async def test_while_two_are_sick_the_third_answers_each_request_once(start_daemon, servers):
    daemon = await start_daemon(settings(servers, 'strategy = "least_busy"\nsticky = false'))
    servers[0].always(Reply.error(429, retry_after_s=30))
    servers[1].always(Reply(garbage=b""))
    answers = await asyncio.gather(
        *(daemon.post_chat(f"question {n}", model="shared", stream=bool(n % 2)) for n in range(20))
    )

    assert {200} == {answer.status for answer in answers}
    assert 20 == len(servers[2].asked)
