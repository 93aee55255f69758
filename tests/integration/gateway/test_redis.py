"""Daemons that share a Redis: one cache, one clearing, and a Redis that goes and comes back (CONTRACT §5, 9)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUDGET = """
[[models]]
name = "priced"
target = "openai/gpt-priced"
input_usd_per_mtok = 0
output_usd_per_mtok = 1000

[[budgets]]
scope = "tag:limited"
window = "total"
limit_usd = 0.02
"""

BOUND_S = 5
"""Seconds, where a call to a Redis that is gone has milliseconds: a bound for a busy machine, not a promise."""


@pytest_asyncio.fixture(loop_scope="module")
async def provider() -> AsyncIterator[Upstream]:
    async with Upstream(Reply("ok", output_tokens=10)) as upstream:
        yield upstream


@pytest_asyncio.fixture(loop_scope="module")
async def start(provider, own_redis_server, tmp_path) -> AsyncIterator[Callable[..., Awaitable[Daemon]]]:
    """Start a daemon of the fleet; every caller's entries are everybody's."""
    async with AsyncExitStack() as stack:

        async def start_one(name: str, mode: str = "ok") -> Daemon:
            storage = f'[storage]\nurl = "{own_redis_server.url}"\n[cache]\nscope = "everyone"\n'
            daemon = Daemon(tmp_path / name, storage + BUDGET + openai_settings(provider.openai_url))
            await stack.enter_async_context(daemon)
            await daemon.until_ready(mode)
            return daemon

        yield start_one


async def until_verdict(daemon: Daemon, question: str, verdict: str, **headers: str) -> None:
    """Ask until the cache says so: what another daemon did is seen within seconds."""
    async with asyncio.timeout(20):
        while verdict != (await daemon.post_chat(question, headers=headers)).verdict:
            await asyncio.sleep(0.1)


async def test_two_daemons_share_one_cache_and_its_clearing(start, provider):
    one, two = await start("one"), await start("two")
    await one.post_chat("How do I undo the last commit in git?")

    assert "exact" == (await two.post_chat("How do I undo the last commit in git?")).verdict
    await until_verdict(two, "how do I undo the last commit in git", "semantic", **{"x-helix-cache": "only"})
    assert 1 == len(provider.asked)

    code, _, err = await one.helix("cache", "clear", "--yes")
    assert 0 == code, err
    only = {"x-helix-cache": "only"}
    async with asyncio.timeout(20):
        while 504 != (await two.post_chat("How do I undo the last commit in git?", headers=only)).status:
            await asyncio.sleep(0.1)
    assert 504 == (await two.post_chat("how do I undo the last commit in git", headers=only)).status


@pytest.mark.parametrize("way", ["kill", "pause"])
async def test_requests_go_on_without_redis_and_it_comes_back_by_itself(start, own_redis_server, provider, way):
    """Killed it refuses connections, paused it keeps them and says nothing: both are bounded."""
    daemon = await start("one")
    limited = {"x-helix-tags": "limited", "x-helix-cache": "off"}
    assert 200 == (await daemon.post_chat("hello", model="priced", headers=limited, max_tokens=10)).status
    getattr(own_redis_server, way)()
    for number in range(8):
        async with asyncio.timeout(BOUND_S):
            assert 200 == (await daemon.post_chat(f"question {number}")).status
        async with asyncio.timeout(BOUND_S):
            refused = await daemon.post_chat(f"{number}", model="priced", headers=limited, max_tokens=10)
        assert (503, "ledger_unavailable") == (refused.status, refused.json["error"]["code"])
    ready = await daemon.until_ready("degraded")
    assert ready["parts"]["store"]["reason"]

    own_redis_server.start() if way == "kill" else own_redis_server.resume()
    await until_verdict(daemon, "after all this", "exact")
    answers = []
    async with asyncio.timeout(20):
        while len(answers) < 2:
            answer = await daemon.post_chat("hello", model="priced", headers=limited, max_tokens=10)
            if answer.status != 503:
                answers.append(answer.status)
            await asyncio.sleep(0.1)
    assert [200, 429] == answers
    await daemon.until_ready("ok")
    rows = [json.loads(line) for line in (await daemon.helix("logs", "--json"))[1].splitlines()]
    assert 2 == sum(row["model"] == "priced" and row["kind"] == "call" for row in rows)


async def test_a_daemon_starts_without_redis_and_takes_it_up_later(start, own_redis_server):
    """Until then nobody knows which budgets rest there, so nothing is spent."""
    own_redis_server.kill()
    daemon = await start("one", "degraded")
    refused = await daemon.post_chat("hello")
    assert (503, "ledger_unavailable") == (refused.status, refused.json["error"]["code"])

    own_redis_server.start()
    await daemon.until_ready("ok")
    await until_verdict(daemon, "hello again", "exact")
