"""Budgets hold (CONTRACT §5, 5): through real daemons, under concurrency, in both stores, in a fleet, after kill -9.

A call costs what it writes: 10 tokens at a tenth of a cent make a cent.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio
import redis

from daemon import control_api as api
from tests.daemon_process import Daemon, Replied, openai_settings
from tests.upstream import Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

CENT = Decimal("0.01")
OFF = {"x-helix-cache": "off"}

SETTINGS = """
[[models]]
name = "priced"
target = "openai/gpt-priced"
input_usd_per_mtok = 0
output_usd_per_mtok = 1000

[[models]]
name = "dear"
target = "openai/gpt-priced"
input_usd_per_mtok = 0
output_usd_per_mtok = 1000

[[models]]
name = "cheap"
target = "openai/gpt-cheap"
input_usd_per_mtok = 0
output_usd_per_mtok = 100

[[budgets]]
scope = "tag:of-the-file"
window = "total"
limit_usd = 0.05

[[budgets]]
scope = "tag:cut-off"
window = "total"
limit_usd = 10
"""


@dataclass
class Owner:
    """A daemon and the token to its control API."""

    daemon: Daemon

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        return await self.daemon.control(method, api.PREFIX + path, body)

    async def limit(self, scope: str, cents: int) -> None:
        budget = {"scope": scope, "window": "total", "limit_usd": str(cents * CENT)}
        await self.control("PUT", "/budgets", budget)

    async def budget(self, scope: str) -> dict[str, str]:
        rows = (await self.control("GET", "/budgets"))["budgets"]
        return next(row for row in rows if row["scope"] == scope)

    async def spent(self, scope: str) -> tuple[Decimal, Decimal]:
        """Settled and reserved dollars."""
        row = await self.budget(scope)
        return Decimal(row["spent_usd"]), Decimal(row["reserved_usd"])

    async def ask(self, question: str, tags: str, *, max_tokens: int = 10, **headers: str) -> Replied:
        sent = OFF | {"x-helix-tags": tags} | headers
        return await self.daemon.post_chat(question, model="priced", headers=sent, max_tokens=max_tokens)


@asynccontextmanager
async def watching(owner: Owner, *scopes: str) -> AsyncIterator[list[Decimal]]:
    """The highest of settled and reserved together that was seen of each budget, while the block runs."""
    highest = [Decimal(0)] * len(scopes)

    async def watch() -> None:
        while True:
            for place, scope in enumerate(scopes):
                highest[place] = max(highest[place], sum(await owner.spent(scope)))

    task = asyncio.create_task(watch())
    try:
        yield highest
    finally:
        task.cancel()


def statuses(answers: list[Replied]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Upstream]:
    async with Upstream(Reply("ok", output_tokens=10)) as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "redis"])
async def owner(request, provider, tmp_path_factory) -> AsyncIterator[Owner]:
    url = "embedded" if request.param == "embedded" else request.getfixturevalue("redis_server").url
    settings = f'[storage]\nurl = "{url}"\n{SETTINGS}{openai_settings(provider.openai_url)}'
    async with Daemon(tmp_path_factory.mktemp(request.param), settings) as daemon:
        yield Owner(daemon)


@pytest.mark.parametrize("max_tokens", [10, 1_000])
async def test_exactly_what_fits_is_answered(owner, max_tokens):
    """Also where each call might have cost a hundred times as much: nobody is refused for what others might need."""
    tag = f"crowd-{max_tokens}"
    await owner.limit(f"tag:{tag}", 20)
    async with watching(owner, f"tag:{tag}") as highest:
        asking = [owner.ask(f"question {number}", tag, max_tokens=max_tokens) for number in range(200)]
        answers = await asyncio.gather(*asking)

    assert {200: 20, 429: 180} == statuses(answers)
    assert highest[0] <= 20 * CENT
    assert (20 * CENT, 0) == await owner.spent(f"tag:{tag}")


async def test_a_refusal_says_what_and_until_when(owner):
    await owner.control("PUT", "/budgets", {"scope": "tag:hourly", "window": "hour", "limit_usd": "0.01"})
    await owner.limit("tag:for-ever", 1)
    for tag in ("hourly", "for-ever"):
        assert 200 == (await owner.ask("one", tag)).status
    hourly, for_ever = await owner.ask("two", "hourly"), await owner.ask("two", "for-ever")

    assert (429, "false") == (hourly.status, hourly.headers["x-should-retry"])
    assert 0 < int(hourly.headers["retry-after"]) <= 3600
    assert "budget_exceeded" == hourly.json["error"]["code"]
    assert "tag:hourly" in hourly.json["error"]["message"]
    assert "retry-after" not in for_ever.headers and "false" == for_ever.headers["x-should-retry"]


async def test_every_budget_of_a_call_holds(owner):
    """The tightest decides; what one refuses is reserved on none of the others."""
    scopes = {"tag:wide": 30, "tag:tight": 7, "tag:other": 9}
    for scope, cents in scopes.items():
        await owner.limit(scope, cents)
    async with watching(owner, *scopes) as highest:
        asking = [owner.ask(f"{number}", f"wide,{('tight', 'other')[number % 2]}") for number in range(60)]
        answers = await asyncio.gather(*asking)

    assert {200: 16, 429: 44} == statuses(answers)
    assert all(seen <= cents * CENT for seen, cents in zip(highest, scopes.values(), strict=True))
    assert [(16 * CENT, 0), (7 * CENT, 0), (9 * CENT, 0)] == [await owner.spent(scope) for scope in scopes]


async def test_budgets_of_key_model_and_all_hold_at_once(owner):
    await owner.ask("who am I", "unlimited", authorization="Bearer sk-mine")
    key = (await owner.control("GET", "/logs?limit=1"))["rows"][-1]["key"]
    already_usd = Decimal((await owner.control("GET", "/spend"))["cost_usd"])
    await owner.limit(f"key:{key}", 1 + 5)
    try:
        await owner.limit("model:priced", int(already_usd / CENT) + 8)
        await owner.limit("all", int(already_usd / CENT) + 9)
        mine = [owner.ask(f"{number}", "unlimited", authorization="Bearer sk-mine") for number in range(12)]
        theirs = [owner.ask(f"{number}", "unlimited", authorization="Bearer sk-theirs") for number in range(12)]

        assert {200: 5, 429: 7} == statuses(await asyncio.gather(*mine))
        assert {200: 3, 429: 9} == statuses(await asyncio.gather(*theirs))
    finally:
        for scope in ("all", "model:priced"):
            await owner.control("DELETE", f"/budgets?scope={scope}&window=total")


async def test_the_official_sdk_sees_a_rate_limit_and_does_not_try_again(owner, provider):
    await owner.limit("tag:sdk", 0)
    asked = len(provider.asked)
    async with openai.AsyncOpenAI(base_url=f"{owner.daemon.url}/v1", api_key="sk-sdk", max_retries=5) as client:
        with pytest.raises(openai.RateLimitError) as refused:
            await client.chat.completions.create(
                model="priced",
                messages=[{"role": "user", "content": "hello"}],
                extra_headers={"x-helix-tags": "sdk"},
            )
    refusals = (await owner.control("GET", "/budgets/why?scope=tag:sdk"))["refusals"]

    assert "budget_exceeded" == refused.value.code
    assert 1 == len(refusals) and asked == len(provider.asked)


async def test_where_there_is_no_room_the_budgets_cheaper_model_answers(owner, provider):
    """Nothing is refused, the answer says who made it, the ledger has both models, and nothing of it is kept."""
    budget = {"scope": "tag:thrifty", "window": "total", "limit_usd": "0.0225", "fallback_model": "cheap"}
    await owner.control("PUT", "/budgets", budget)
    cached = {"x-helix-cache": "exact"}
    answers = [await owner.ask(f"thrifty {number}", "thrifty", **cached) for number in (1, 2, 3, 3)]
    rows = (await owner.control("GET", "/logs?limit=4"))["rows"]
    explained = (await owner.control("GET", f"/spend/explain?id={rows[-1]['id']}"))["rows"]

    assert [200] * 4 == [answer.status for answer in answers]
    assert ["gpt-priced"] * 2 + ["gpt-cheap"] * 2 == [answer.headers["x-helix-model"] for answer in answers]
    assert ["miss"] * 4 == [answer.verdict for answer in answers]
    assert "gpt-cheap" == provider.last.body["model"]
    assert [("call", "priced", "0.001")] * 2 == [(row["kind"], row["model"], row["cost_usd"]) for row in rows[2:]]
    assert ["the budget tag:thrifty/total had no room for gpt-priced"] * 2 == [row["reason"] for row in rows[2:]]
    assert [("gpt-cheap", "gpt-priced")] == [(row["upstream_model"], row["swapped_from"]) for row in explained]
    assert (Decimal("0.022"), 0) == await owner.spent("tag:thrifty")


async def test_a_cheaper_model_is_refused_as_well_where_it_does_not_fit(owner):
    budget = {"scope": "tag:thrifty-too", "window": "total", "limit_usd": "0.001", "fallback_model": "cheap"}
    await owner.control("PUT", "/budgets", budget)
    answers = [await owner.ask(f"thrifty too {number}", "thrifty-too") for number in range(3)]
    refusals = (await owner.control("GET", "/budgets/why?scope=tag:thrifty-too"))["refusals"]

    assert [200, 429, 429] == [answer.status for answer in answers]
    assert 2 == len(refusals)


async def test_a_budget_of_a_model_lets_another_one_take_over(owner):
    budget = {"scope": "model:dear", "window": "total", "limit_usd": 0, "fallback_model": "cheap"}
    await owner.control("PUT", "/budgets", budget)
    body = {"model": "dear", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10}
    answer = await owner.daemon.post("/v1/chat/completions", body, OFF)

    assert (200, "gpt-cheap") == (answer.status, answer.headers["x-helix-model"])


async def test_the_commands_set_list_explain_and_remove(owner):
    daemon = owner.daemon
    made = json.loads((await daemon.helix("budget", "set", "tag:mine", "0.01", "--window", "day", "--json"))[1])
    answers = [await owner.ask("one", "mine"), await owner.ask("two", "mine")]
    [listed] = [row for row in await daemon.helix_json("budget", "list") if row["scope"] == "tag:mine"]
    why = await daemon.helix_json("budget", "why", "tag:mine")
    removed = await daemon.helix("budget", "remove", "tag:mine", "--window", "day", "--yes")
    again = await daemon.helix("budget", "remove", "tag:mine", "--window", "day", "--yes")

    assert ("day", "0.01") == (made["window"], made["limit_usd"])
    assert [200, 429] == [answer.status for answer in answers]
    assert ("0.01", "0") == (listed["spent_usd"], listed["reserved_usd"]) and listed["resets_at"]
    assert 1 == len(why["refusals"])
    assert (0, 4) == (removed[0], again[0])
    assert 200 == (await owner.ask("three", "mine")).status


async def test_a_budget_of_the_file_is_changed_in_the_file(owner):
    commands = ("set tag:of-the-file 100 --window total", "remove tag:of-the-file --window total --yes")
    for command in commands:
        code, _, said = await owner.daemon.helix("budget", *command.split())
        assert 3 == code and "helix.toml" in said
    assert "0.05" == (await owner.budget("tag:of-the-file"))["limit_usd"]


# --- a fleet


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(own_redis_server, provider, tmp_path) -> AsyncIterator[tuple[Owner, Owner]]:
    """Two daemons that share a Redis and the budget of the file."""
    settings = f'[storage]\nurl = "{own_redis_server.url}"\n{SETTINGS}{openai_settings(provider.openai_url)}'
    async with AsyncExitStack() as stack:
        daemons = [Daemon(tmp_path / name, settings) for name in ("one", "two")]
        for daemon in daemons:
            await stack.enter_async_context(daemon)
        yield Owner(daemons[0]), Owner(daemons[1])


async def test_two_daemons_never_pass_their_common_limit(fleet, own_redis_server, provider):
    one, two = fleet
    async with watching(two, "tag:of-the-file") as highest:
        asking = [(one, two)[number % 2].ask(f"{number}", "of-the-file", max_tokens=50) for number in range(60)]
        answers = await asyncio.gather(*asking)

    assert {200: 5, 429: 55} == statuses(answers)
    assert highest[0] <= 5 * CENT
    assert (5 * CENT, 0) == await one.spent("tag:of-the-file") == await two.spent("tag:of-the-file")

    await one.limit("tag:by-command", 3)
    async with asyncio.timeout(30):
        while not any(row["scope"] == "tag:by-command" for row in (await two.control("GET", "/budgets"))["budgets"]):
            await asyncio.sleep(0.2)
    answers = await asyncio.gather(*[(one, two)[number % 2].ask(f"{number}", "by-command") for number in range(10)])

    assert {200: 3, 429: 7} == statuses(answers)


async def test_while_redis_is_away_a_node_goes_on_from_what_it_had_set_aside(fleet, own_redis_server):
    """A slice is a fiftieth of the room: 20 calls of 1,000. Then 503; and once Redis is back it knows of each."""
    one, two = fleet
    assert 200 == (await one.ask("before", "cut-off")).status
    with redis.Redis.from_url(own_redis_server.url) as client:
        counter = "helix:{b}:counter:tag:cut-off/total/"
        async with asyncio.timeout(30):
            while client.hget(counter, "aside") != b"199800000":
                await asyncio.sleep(0.2)
    assert (CENT, 0) == await two.spent("tag:cut-off")

    own_redis_server.pause()
    try:
        answers = [await one.ask(f"{number}", "cut-off") for number in range(22)]
        unknown = await two.ask("never asked before", "cut-off")
        ready = await one.daemon.until_ready("degraded")
    finally:
        own_redis_server.resume()

    assert [200] * 19 + [503] * 3 == [answer.status for answer in answers]
    assert (503, "ledger_unavailable") == (unknown.status, unknown.json["error"]["code"])
    assert "budgets" in ready["parts"]
    await until(lambda: one.spent("tag:cut-off"), (20 * CENT, 0))
    assert 200 == (await one.ask("after", "cut-off")).status


async def until(asked: Callable[[], Awaitable[Any]], expected: Any) -> None:
    """Wait for an answer, also while the daemon has none yet."""
    found = None
    async with asyncio.timeout(30):
        while found != expected:
            await asyncio.sleep(0.2)
            with suppress(AssertionError):  # the control API refuses
                found = await asked()


async def test_a_killed_daemon_leaves_no_reservation_for_ever(fleet, own_redis_server, provider):
    """Its leases end; when it is back the call that nobody saw the end of counts as the worst that it can have cost."""
    one, two = fleet
    hold = asyncio.Event()
    provider.next(Reply(hold=hold))
    asked = len(provider.asked)
    asking = asyncio.create_task(one.ask("never answered", "of-the-file"))
    await provider.until_asked(asked + 1)
    assert (0, CENT) == await two.spent("tag:of-the-file")
    await one.daemon.kill()
    hold.set()
    with pytest.raises(aiohttp.ClientError):
        await asking
    with redis.Redis.from_url(own_redis_server.url) as client:
        [(lease, ends_at)] = client.zrange("helix:{b}:leases", 0, -1, withscores=True)
        client.zadd("helix:{b}:leases", {lease: ends_at - 61})

    assert (0, 0) == await two.spent("tag:of-the-file")
    await one.daemon.start()
    assert (CENT, 0) == await one.spent("tag:of-the-file")
