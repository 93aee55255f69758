"""An outage drill through a real daemon: three providers of one model, of which some are sick."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.daemon_process import Daemon
from tests.integration.gateway.well_again import well_again
from tests.upstream import Reply, Upstream

NAMES = ("one", "two", "three")


@pytest.fixture
async def servers(listener_of):
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Upstream(f"from {name}", listener=listener_of(name))) for name in NAMES]


@pytest.fixture
async def start(shared_daemons, servers):
    async with AsyncExitStack() as stack:

        async def start_with(settings: str = "") -> Daemon:
            providers = "".join(
                f'[[providers]]\nname = "{name}"\ntype = "openai"\nbase_url = "{server.openai_url}"\n'
                'api_key = "k"\ntimeout_s = 1.0\n'
                for name, server in zip(NAMES, servers, strict=True)
            )
            alias = '[[models]]\nname = "any"\ntarget = "one/m"\nfallbacks = ["two/m", "three/m"]\n'
            whole = settings + '[cache]\nmode = "off"\n' + providers + alias
            daemon = await stack.enter_async_context(shared_daemons.visit(whole))
            return await well_again(daemon, {f"{name}/m": server for name, server in zip(NAMES, servers, strict=True)})

        yield start_with


SICK = {
    "slow": lambda: Reply(hold=asyncio.Event()),
    "hangs up": lambda: Reply(garbage=b""),
    "breaks off": lambda: Reply(cut_after=1),
    "refuses": lambda: Reply.error(503),
    "limits": lambda: Reply.error(429, retry_after_s=30),
}


@pytest.mark.parametrize("how", SICK)
async def test_another_answers_and_the_load_on_the_sick_falls(start, servers, how):
    daemon = await start()
    servers[0].always(SICK[how]())
    answers = [await daemon.post_chat("hi", model="any") for _ in range(6)]

    assert ["from two"] * 6 == [answer.json["choices"][0]["message"]["content"] for answer in answers]
    assert 3 >= len(servers[0].asked)
    assert (6, 0) == (len(servers[1].asked), len(servers[2].asked))


async def test_each_attempt_is_a_row_and_nobody_answers_twice(start, servers):
    daemon = await start()
    servers[0].always(Reply.error(503))
    servers[1].always(Reply(garbage=b""))
    await daemon.post_chat("hi", model="any")

    assert [503, 502, 200] == [row["status"] for row in await daemon.rows()]


async def test_where_all_are_sick_the_last_ones_own_answer_comes_through(start, servers):
    daemon = await start()
    for server in servers:
        server.always(Reply.error(429, "too much", retry_after_s=60))
    answer = await daemon.post_chat("hi", model="any")

    assert (429, "60", "too much") == (answer.status, answer.headers["retry-after"], answer.json["error"]["message"])


async def test_the_owner_may_want_retries(start, servers):
    daemon = await start("[routing]\nretries = 1\n")
    for server in servers[:2]:
        server.always(Reply.error(503))
    servers[2].next(Reply.error(503, retry_after_s=0))
    answer = await daemon.post_chat("hi", model="any")

    assert 200 == answer.status
    assert [1, 1, 2] == [len(server.asked) for server in servers]


async def test_conversations_are_shared_out_and_each_stays_where_it_began(start, servers):
    shared = '[[models]]\nname = "shared"\nshares = { "one/m" = 1, "two/m" = 1 }\n'
    daemon = await start(shared)
    said: dict[str, set[str]] = {}
    for number in range(12):
        first = {"role": "user", "content": f"question number {number}"}
        for later in ([], [{"role": "assistant", "content": "yes?"}, {"role": "user", "content": "and then?"}]):
            answer = await daemon.post("/v1/chat/completions", {"model": "shared", "messages": [first, *later]})
            said.setdefault(first["content"], set()).add(answer.json["choices"][0]["message"]["content"])

    assert all(1 == len(answers) for answers in said.values())
    assert {"from one", "from two"} == set.union(*said.values())


async def test_a_stream_that_has_begun_is_not_begun_by_another(start, servers):
    daemon = await start()
    servers[0].always(Reply("one two three four", cut_after=3))
    answer = await daemon.post_chat("hi", model="any", stream=True)

    assert b"one" in answer.body and b"upstream_failed" in answer.body
    assert [1, 0, 0] == [len(server.asked) for server in servers]
