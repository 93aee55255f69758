"""`helix cache warm`: what a line may be, what becomes of it, and how it goes on where it was stopped."""

import json
from decimal import Decimal

import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, both_settings
from tests.upstream import Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICED = '[[models]]\nname = "gpt-priced"\ntarget = "openai/gpt-4o"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 2\n'
COST_USD = Decimal("0.000025")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream():
    async with Upstream(lambda asked: f"About {asked.question}") as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(upstream, tmp_path_factory):
    settings = both_settings(upstream, "[server]\nrequire_key = true\n" + PRICED)
    async with Daemon(tmp_path_factory.mktemp("warm"), settings) as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="module")
async def warm(daemon, tmp_path):
    """Warm with these lines, as somebody with a key of his own."""
    key = await daemon.helix_json("keys", "create")
    daemon.environ["OPENAI_API_KEY"] = key["key"]
    file = tmp_path / "lines.jsonl"

    async def with_lines(*lines, options=()):
        file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        code, out, err = await daemon.helix("cache", "warm", str(file), "--model", "gpt-priced", *options, "--json")
        return code, json.loads(out), err.splitlines()

    with_lines.key_id = key["id"]
    with_lines.headers = {"authorization": f"Bearer {key['key']}"}
    return with_lines


def counted(result):
    return [result[name] for name in ("hits", "misses", "not_kept", "errors", "left")]


async def test_questions_requests_and_lines_of_a_batch_are_asked_once(daemon, upstream, warm):
    turns = [{"role": "user", "content": "Name three rivers of Chile."}]
    lines = (
        "What is a monad?",
        '"Who wrote Faust?"',
        {"question": "How deep is the Atlantic?"},
        {"model": "gpt-priced", "messages": turns, "temperature": 0},
        {"custom_id": "1", "method": "POST", "url": "/v1/embeddings", "body": {"input": "a text"}},
        {"url": "/v1/messages", "body": {"model": "claude-opus-4-7", "max_tokens": 9, "messages": turns}},
    )
    before = len(upstream.asked)
    code, first, _ = await warm(*lines, "", options=("--system", "Be brief."))
    _, second, _ = await warm(*lines, options=("--system", "Be brief."))

    assert (0, [0, 6, 0, 0, 0]) == (code, counted(first))
    assert ([6, 0, 0, 0, 0], "0") == (counted(second), second["cost_usd"])
    assert 6 == len(upstream.asked) - before
    assert Decimal(first["cost_usd"]) >= 4 * COST_USD
    asked = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a monad?"}
    found = await daemon.post(
        "/v1/chat/completions",
        {"model": "gpt-priced", "messages": list(asked)},
        warm.headers | {"x-helix-cache": "only"},
    )
    assert "exact" == found.verdict


async def test_lines_that_fail_are_named_and_the_rest_goes_on(warm):
    code, result, said = await warm(
        '{"broken', {"x": 1}, {"url": "/v1/files", "body": {}}, "Is this right?", {"messages": "none"}
    )

    assert (1, [0, 1, 0, 4, 0]) == (code, counted(result))
    assert {"1", "2", "3", "5"} == {line.split("line ")[1].split(":")[0] for line in said if "line " in line}
    assert "4 lines failed" in said[-1]


async def test_a_budget_that_is_used_up_stops_it_and_the_next_run_goes_on(daemon, warm):
    lines = [f"What is {number} plus one?" for number in range(12)]
    await daemon.helix("budget", "set", f"key:{warm.key_id}", "0.0003", "--window", "total")
    code, first, said = await warm(*lines, options=("--concurrency", "1"))
    await daemon.helix("budget", "set", f"key:{warm.key_id}", "1", "--window", "total")
    again, second, _ = await warm(*lines)

    assert (7, 0) == (code, first["errors"])
    assert 0 < first["misses"] < 12 and first["misses"] + first["left"] == 12
    assert any("run it again to go on" in line for line in said)
    assert (0, [first["misses"], first["left"], 0, 0, 0]) == (again, counted(second))


async def test_a_limit_of_requests_is_waited_for(upstream, warm):
    upstream.next(Reply.error(429, retry_after_s=0), Reply.error(429, retry_after_s=0), "at last")
    code, result, _ = await warm("Who has to wait?")

    assert (0, [0, 1, 0, 0, 0]) == (code, counted(result))


async def test_a_key_that_is_none_stops_it_at_once(daemon, warm):
    daemon.environ["OPENAI_API_KEY"] = "hx-unknown"
    code, result, _ = await warm("one", "two", "three", options=("--concurrency", "1"))

    assert (3, [0, 0, 0, 0, 3]) == (code, counted(result))
