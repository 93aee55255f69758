"""Virtual keys through a real daemon: who gets in, what for, how often, and what of it a provider sees."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import anthropic
import jwt
import openai
import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.upstream import Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

ASKED = [{"role": "user", "content": "hello"}]
JWT_SECRET = "s" * 32
SETTINGS = """
[server]
require_key = true
master_key = "hx-master"

[jwt]
secret = "env:JWT_SECRET"
issuer = "https://id.example"
audience = "helix"

[[models]]
name = "priced"
target = "openai/gpt-priced"
input_usd_per_mtok = 0
output_usd_per_mtok = 1000
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Upstream]:
    async with Upstream(Reply("ok", output_tokens=10)) as upstream:
        yield upstream


def settings(provider: Upstream) -> str:
    claude = anthropic_settings(provider.url, 'models = ["claude-*"]\n')
    # Without a key of its own: what the caller shows would be passed on.
    bare = f'[[providers]]\nname = "bare"\ntype = "openai"\nbase_url = "{provider.openai_url}"\nmodels = ["bare-*"]\n'
    return SETTINGS + claude + bare + openai_settings(provider.openai_url, 'models = ["gpt-*"]\n')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(provider, tmp_path_factory) -> AsyncIterator[Daemon]:
    async with Daemon(tmp_path_factory.mktemp("keys"), settings(provider), JWT_SECRET=JWT_SECRET) as running:
        yield running


async def create(daemon: Daemon, *options: str) -> dict:
    return await daemon.helix_json("keys", "create", *options)


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", "x-helix-cache": "off"}


async def ask(daemon, key, *, model="gpt-4o-mini", text="hello", **headers):
    return await daemon.post_chat(text, model=model, headers=bearer(key) | headers)


async def row_of(daemon, answer):
    rows = {row["id"]: row for row in await daemon.rows()}
    return rows[answer.headers["x-helix-request-id"]]


def chat_client(daemon, key):
    return openai.AsyncOpenAI(base_url=f"{daemon.url}/v1", api_key=key, max_retries=0)


def claude_client(daemon, key):
    return anthropic.AsyncAnthropic(base_url=daemon.url, api_key=key, max_retries=0)


# --- through the SDKs


async def test_both_sdks_get_in_with_a_key_and_with_no_other(daemon):
    made = await create(daemon, "--name", "sdk")
    async with chat_client(daemon, made["key"]) as chat, claude_client(daemon, made["key"]) as claude:
        whole = await chat.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
        message = await claude.messages.create(model="claude-opus-4-7", max_tokens=50, messages=ASKED)
        stream = await chat.chat.completions.create(model="gpt-4o-mini", messages=ASKED, stream=True)
        streamed = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert ("ok", "ok", "ok") == (whole.choices[0].message.content, message.content[0].text, streamed)
    async with chat_client(daemon, "sk-other") as chat, claude_client(daemon, "hx-made-up") as claude:
        with pytest.raises(openai.AuthenticationError):
            await chat.chat.completions.create(model="gpt-4o-mini", messages=ASKED)
        with pytest.raises(anthropic.AuthenticationError):
            await claude.messages.create(model="claude-opus-4-7", max_tokens=50, messages=ASKED)


async def test_a_model_that_is_not_the_keys_is_refused_in_the_callers_protocol(daemon, provider):
    made = await create(daemon, "--models", "gpt-4o*,o3")
    asked = len(provider.asked)
    async with chat_client(daemon, made["key"]) as chat, claude_client(daemon, made["key"]) as claude:
        with pytest.raises(openai.PermissionDeniedError, match=r"gpt-4o\*, o3"):
            await chat.chat.completions.create(model="gpt-5", messages=ASKED)
        with pytest.raises(anthropic.PermissionDeniedError):
            await claude.messages.create(model="claude-opus-4-7", max_tokens=50, messages=ASKED)
        assert asked == len(provider.asked)
        assert (
            "ok" == (await chat.chat.completions.create(model="gpt-4o-mini", messages=ASKED)).choices[0].message.content
        )


async def test_a_viewer_looks_and_a_member_asks(daemon):
    viewer, member = await create(daemon, "--role", "viewer"), await create(daemon)

    assert 403 == (await ask(daemon, viewer["key"])).status
    assert 200 == (await ask(daemon, member["key"])).status
    assert [200, 403] == [await get(daemon, "/metrics", made["key"]) for made in (viewer, member)]


def token(**claims) -> str:
    whole = {"iss": "https://id.example", "aud": "helix", "sub": "jo", "exp": time.time() + 60, **claims}
    return jwt.encode(whole, JWT_SECRET)


async def test_a_jwt_opens_and_its_user_and_team_pay(daemon, provider):
    await daemon.helix("budget", "set", "user:jo", "0.02", "--window", "total")
    answers = [await ask(daemon, token(team="red"), model="priced", text=text) for text in "abc"]
    rows = (await daemon.helix_json("spend", "--by", "team"))["rows"]

    assert [200, 200, 429] == [answer.status for answer in answers]
    assert "0.02" == next(row["cost_usd"] for row in rows if row["team"] == "red")


async def test_a_jwt_goes_to_no_provider(daemon, provider):
    mine = token(sub="bare")
    assert 200 == (await ask(daemon, mine, model="bare-model")).status
    assert not provider.last.holds(mine)


async def test_a_jwt_that_is_refused_is_asked_of_nobody(daemon, provider):
    asked = len(provider.asked)
    refused = [token(aud="others"), token(exp=time.time() - 60), jwt.encode({"sub": "jo"}, None, algorithm="none")]

    assert [401] * 3 == [(await ask(daemon, each)).status for each in refused]
    assert asked == len(provider.asked)


async def test_an_admin_of_clients_is_no_owner(daemon):
    """The control API takes the owner's token alone; roles are for the routes of clients."""
    made = await create(daemon, "--role", "admin")

    for credential in (made["key"], token(role="admin"), "hx-master"):
        assert 200 == await get(daemon, "/metrics", credential)
        assert 401 == await get(daemon, "/control/v1/keys", credential)


async def test_a_key_sees_the_models_it_may_ask(daemon):
    made = await create(daemon, "--models", "helix/*")
    async with chat_client(daemon, made["key"]) as chat:
        assert {"helix/echo"} == {model.id async for model in chat.models.list()}


async def get(daemon, path, key):
    async with daemon.session.get(daemon.url + path, headers=bearer(key)) as answer:
        return answer.status


# --- what leaves


@pytest.mark.parametrize("model", ["gpt-4o-mini", "bare-1"])
async def test_no_helix_key_goes_upstream(daemon, provider, model):
    made = await create(daemon)
    for key in (made["key"], "hx-master"):
        assert 200 == (await ask(daemon, key, model=model)).status
        assert not provider.saw(key.removeprefix("hx-"))


async def test_the_secret_is_shown_once_and_rests_nowhere(daemon):
    made = await create(daemon, "--name", "once", "--team", "research")
    assert 200 == (await ask(daemon, made["key"])).status
    secret = made["key"].removeprefix("hx-")
    listed = await daemon.helix_json("keys", "list")

    assert made["key"].startswith("hx-") and 43 == len(secret)
    assert secret not in json.dumps(listed) and made["id"] in {key["id"] for key in listed}
    assert secret not in daemon.stderr
    for file in daemon.data_dir.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


# --- whom it is for


async def test_what_a_key_is_bound_to_is_what_the_ledger_says(daemon):
    made = await create(daemon, "--user", "ann", "--team", "research", "--org", "acme")
    whole = {"model": "gpt-4o-mini", "messages": ASKED, "user": "bo", "metadata": {"user_id": "bo", "team": "sales"}}
    answer = await daemon.post("/v1/chat/completions", whole, bearer(made["key"]) | {"x-helix-user": "bo"})
    row = await row_of(daemon, answer)
    by_user = {row["user"]: row["calls"] for row in (await daemon.helix_json("spend", "--by", "user"))["rows"]}

    assert (200, made["id"]) == (answer.status, row["key"])
    assert 1 == by_user["ann"] and "bo" not in by_user


async def test_nobody_spends_from_the_budget_of_a_user_who_has_a_key(daemon):
    await create(daemon, "--user", "carl")
    await daemon.helix("budget", "set", "user:carl", "0.01", "--window", "total")
    other = await create(daemon)
    answers = [await ask(daemon, other["key"], model="priced", **{"x-helix-user": "carl"}) for _ in range(2)]
    [carl] = [row for row in await daemon.helix_json("budget", "list") if row["scope"] == "user:carl"]

    assert [200, 200] == [answer.status for answer in answers]
    assert "0" == carl["spent_usd"]


async def test_a_keys_budget_ends_what_it_may_spend(daemon):
    made = await create(daemon, "--budget", "0.02/day")
    answers = [await ask(daemon, made["key"], model="priced", text=text) for text in ("one", "two", "three")]
    [budget] = [row for row in await daemon.helix_json("budget", "list") if row["scope"] == f"key:{made['id']}"]

    assert [200, 200, 429] == [answer.status for answer in answers]
    assert "budget_exceeded" == answers[-1].json["error"]["code"]
    assert ("day", "0.02", "0.02") == (budget["window"], budget["limit_usd"], budget["spent_usd"])
    assert 0 == (await daemon.helix("keys", "revoke", made["id"], "--yes"))[0]
    assert f"key:{made['id']}" not in {row["scope"] for row in await daemon.helix_json("budget", "list")}


# --- how it ends


async def test_a_revoked_key_is_out_at_once(daemon):
    made = await create(daemon)
    assert 200 == (await ask(daemon, made["key"])).status
    assert 0 == (await daemon.helix("keys", "revoke", made["id"], "--yes"))[0]
    answer = await ask(daemon, made["key"])

    assert (401, "invalid_api_key") == (answer.status, answer.json["error"]["code"])
    assert 4 == (await daemon.helix("keys", "revoke", made["id"], "--yes"))[0]


async def test_a_rotated_key_has_its_grace_and_keeps_its_id(daemon):
    made = await create(daemon)
    gentle = await daemon.helix_json("keys", "rotate", made["id"], "--grace", "24h")
    assert made["id"] == gentle["id"]
    assert [200, 200] == [(await ask(daemon, key)).status for key in (made["key"], gentle["key"])]

    abrupt = await daemon.helix_json("keys", "rotate", made["id"])
    secrets = (made["key"], gentle["key"], abrupt["key"])
    assert [401, 401, 200] == [(await ask(daemon, key)).status for key in secrets]


async def test_keys_outlive_a_kill(daemon):
    made = await create(daemon)
    await daemon.kill()
    await daemon.start()

    assert 200 == (await ask(daemon, made["key"])).status


async def test_a_reload_gives_no_key_another_minute(daemon):
    made = await create(daemon, "--rpm", "1")
    assert 200 == (await ask(daemon, made["key"])).status
    token = json.loads((daemon.data_dir / "daemon.json").read_text())["token"]
    reloaded = await daemon.post("/control/v1/reload", {}, {"authorization": f"Bearer {token}"})

    assert reloaded.json["reloaded"]
    assert 429 == (await ask(daemon, made["key"])).status


# --- how often


async def test_requests_beyond_the_minute_are_refused_with_the_time_to_wait(daemon, provider):
    made = await create(daemon, "--rpm", "2")
    asked = len(provider.asked)
    first, second, third = [await ask(daemon, made["key"]) for _ in range(3)]

    assert ("2", "1", "1m0s") == limits_of(first, "requests")
    assert [200, 200, 429] == [first.status, second.status, third.status]
    assert "rate_limit_exceeded" == third.json["error"]["code"]
    assert 50 <= int(third.headers["retry-after"]) <= 60
    assert "0" == third.headers["x-ratelimit-remaining-requests"]
    assert "x-ratelimit-limit-tokens" not in first.headers
    assert asked + 2 == len(provider.asked)
    async with claude_client(daemon, made["key"]) as claude:
        with pytest.raises(anthropic.RateLimitError):
            await claude.messages.create(model="claude-opus-4-7", max_tokens=50, messages=ASKED)


def limits_of(answer, kind):
    return tuple(answer.headers[f"x-ratelimit-{part}-{kind}"] for part in ("limit", "remaining", "reset"))


async def test_a_crowd_gets_exactly_its_limit(daemon):
    made = await create(daemon, "--rpm", "7")
    answers = await asyncio.gather(*[ask(daemon, made["key"], text=f"{number}") for number in range(30)])

    assert 7 == sum(answer.status == 200 for answer in answers)


async def test_a_hit_is_a_request(daemon):
    made = await create(daemon, "--rpm", "2", "--name", "hits")
    headers = {"authorization": f"Bearer {made['key']}"}
    answers = [await daemon.post_chat("asked again", headers=headers) for _ in range(3)]

    assert ["miss", "exact", None] == [answer.verdict for answer in answers]
    assert 429 == answers[-1].status


async def test_tokens_are_counted_as_the_provider_counted_them(daemon, provider):
    made = await create(daemon, "--tpm", "100")
    provider.next(Reply("ok", input_tokens=50, output_tokens=40))
    first = await ask(daemon, made["key"])
    second = await ask(daemon, made["key"])
    large = await ask(daemon, made["key"], text="word " * 200)

    assert [200, 200, 429] == [first.status, second.status, large.status]
    assert "100" == first.headers["x-ratelimit-limit-tokens"]
    assert 10 > int(second.headers["x-ratelimit-remaining-tokens"])


async def test_a_stream_has_the_headers_and_counts_its_tokens(daemon, provider):
    made = await create(daemon, "--tpm", "100")
    provider.next(Reply("ok", input_tokens=50, output_tokens=50))
    whole = {"model": "gpt-4o-mini", "messages": ASKED, "stream": True}
    first = await daemon.post("/v1/chat/completions", whole, bearer(made["key"]))

    assert (200, "100") == (first.status, first.headers["x-ratelimit-limit-tokens"])
    assert 429 == (await ask(daemon, made["key"])).status


async def test_requests_at_the_same_time(daemon, provider):
    made = await create(daemon, "--parallel", "1")
    hold, asked = asyncio.Event(), len(provider.asked)
    provider.next(Reply(hold=hold))
    asking = asyncio.create_task(ask(daemon, made["key"]))
    await provider.until_asked(asked + 1)
    refused = await ask(daemon, made["key"])
    hold.set()

    assert (429, 200) == (refused.status, (await asking).status)
    assert 200 == (await ask(daemon, made["key"])).status


async def test_a_key_without_limits_hears_of_none(daemon):
    answer = await ask(daemon, (await create(daemon))["key"])

    assert 200 == answer.status and not [name for name in answer.headers if name.startswith("x-ratelimit")]


async def test_a_refusal_is_a_row(daemon):
    made = await create(daemon, "--models", "o3")
    answer = await ask(daemon, made["key"])
    row = await row_of(daemon, answer)

    assert ("refused", 403, made["id"]) == (row["kind"], row["status"], row["key"])


# --- a fleet


@pytest_asyncio.fixture(loop_scope="module")
async def fleet(own_redis_server, provider, tmp_path) -> AsyncIterator[list[Daemon]]:
    """Two daemons, each with an installation key of its own, that share a Redis."""
    shared = f'[storage]\nurl = "{own_redis_server.url}"\n{settings(provider)}'
    async with AsyncExitStack() as stack:
        daemons = [Daemon(tmp_path / name, shared, JWT_SECRET=JWT_SECRET) for name in ("one", "two")]
        yield [await stack.enter_async_context(daemon) for daemon in daemons]


async def until(daemon, key, status):
    async with asyncio.timeout(20):
        while status != (await ask(daemon, key)).status:
            await asyncio.sleep(0.1)


async def test_a_fleet_knows_one_set_of_keys(fleet):
    one, two = fleet
    made = await create(one)
    await until(two, made["key"], 200)
    assert 0 == (await two.helix("keys", "revoke", made["id"], "--yes"))[0]
    assert 401 == (await ask(two, made["key"])).status
    await until(one, made["key"], 401)


async def test_a_fleet_counts_a_keys_minute_together(fleet):
    one, two = fleet
    made = await create(one, "--rpm", "4")
    await until(two, made["key"], 200)
    answers = [await ask(daemon, made["key"]) for daemon in (one, two, one, two)]

    assert [200, 200, 200, 429] == [answer.status for answer in answers]
    assert ["2", "1", "0", "0"] == [answer.headers["x-ratelimit-remaining-requests"] for answer in answers]
