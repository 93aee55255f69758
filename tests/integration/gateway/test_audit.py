"""`helix cache audit`: near hits that were given are asked again, and what differs is counted as wrong."""

import json
from contextlib import asynccontextmanager

import pytest

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Upstream

PRICED = """
[[models]]
name = "gpt-4o-mini"
target = "openai/gpt-4o-mini"
input_usd_per_mtok = 1.0
output_usd_per_mtok = 2.0
"""
THINGS = ("subscription", "membership", "order", "appointment", "reservation")
BEFORE, AFTER = "Write to us by 3 May.", "Write to us by 9 May."
BO = {"authorization": "Bearer sk-bo"}


def reworded(thing):
    return f"how can I cancel my {thing}?"


async def near_hit(daemon, headers):
    """Ask until one is answered by the answer to other words: a few are picked to be asked all the same."""
    for thing in THINGS:
        await daemon.post_chat(f"how do I cancel my {thing}", headers=headers)
        if (await daemon.post_chat(reworded(thing), headers=headers)).verdict == "semantic":
            return thing
    raise AssertionError("all were picked")


@asynccontextmanager
async def near_hits(folder, *callers, after=BEFORE):
    """A daemon that has given each of the callers one near answer, twice. From then on the provider says `after`.
    With it its provider, and what the last one asked about."""
    says = [BEFORE]
    upstream = Upstream(lambda asked: says[-1])
    async with upstream, Daemon(folder, openai_settings(upstream.openai_url) + PRICED) as daemon:
        await daemon.until_ready("ok")
        for headers in callers or ({},):
            thing = await near_hit(daemon, headers)
            await daemon.post_chat(reworded(thing), headers=headers)  # twice the same is one question
        says.append(after)
        upstream.asked.clear()
        yield daemon, upstream, thing


async def evidence(daemon):
    """What is known of the scope of who shows no key."""
    scopes = (await daemon.helix_json("cache", "stats"))["scopes"]
    return next(((one["checks"], one["wrong"]) for one in scopes if one["scope"] == "key:local"), (0, 0))


@pytest.mark.parametrize(("after", "wrong"), [(BEFORE, 0), (AFTER, 1)])
async def test_what_was_given_is_compared_with_a_fresh_answer(tmp_path, after, wrong):
    """Once, as a call of its caller; what it finds is evidence of the scope's error."""
    async with near_hits(tmp_path, after=after) as (daemon, upstream, thing):
        checks_before, wrong_before = await evidence(daemon)
        plan = await daemon.helix_json("cache", "audit", "--estimate")
        dear = await daemon.helix_json("cache", "audit", "--yes", "--max-usd", "0")
        found = await daemon.helix_json("cache", "audit", "--yes")
        again = await daemon.helix_json("cache", "audit", "--yes")
        learned = await evidence(daemon)
        await daemon.post_chat(reworded(thing), headers={"x-helix-cache": "only"})
        once_more = await daemon.helix_json("cache", "audit", "--yes")
        rows = (await daemon.helix_json("spend", "--by", "tag"))["rows"]

    assert (1, 1, 0) == (plan["near_hits"], plan["sample"], plan["unpriced"])
    assert 0 < float(plan["likely_usd"]) < 0.001
    assert (0, "0") == (dear["checks"], dear["cost_usd"])
    assert (1, wrong, 0) == (found["checks"], found["wrong"], found["failed"])
    assert found["cost_usd"] in {row["cost_usd"] for row in rows if row["tag"] == "helix-audit"}
    assert [0, 0] == [one["checks"] for one in (again, once_more)]
    assert 1 == len(upstream.asked)
    assert (checks_before + 1, wrong_before + wrong) == learned


async def test_only_the_scope_that_is_asked_for_is_sampled(tmp_path):
    async with near_hits(tmp_path, {}, BO, after=AFTER) as (daemon, upstream, _):
        everybodys = await daemon.helix_json("cache", "audit", "--estimate")
        one_scopes = await daemon.helix_json("cache", "audit", "--estimate", "--scope", "key:local")
        found = await daemon.helix_json("cache", "audit", "--yes", "--scope", "key:local")

    assert [2, 1] == [plan["near_hits"] for plan in (everybodys, one_scopes)]
    assert [("key:local", 1, 1)] == [(one["scope"], one["checks"], one["wrong"]) for one in found["scopes"]]
    assert 1 == len(upstream.asked)


async def test_what_is_cleared_or_erased_is_asked_no_more(tmp_path):
    async with near_hits(tmp_path, {}, BO | {"x-helix-user": "ann"}) as (daemon, *_):
        assert 0 == (await daemon.helix("privacy", "erase", "--user", "ann", "--yes"))[0]
        after_erasure = await daemon.helix_json("cache", "audit", "--estimate")
        assert 0 == (await daemon.helix("cache", "clear", "--yes"))[0]
        after_clearing = await daemon.helix_json("cache", "audit", "--estimate")

    assert [1, 0] == [plan["near_hits"] for plan in (after_erasure, after_clearing)]


async def test_a_budget_refuses_an_audit_like_any_call(tmp_path):
    async with near_hits(tmp_path) as (daemon, upstream, _):
        await daemon.helix("budget", "set", "key:local", "0.00001", "--window", "total")
        found = await daemon.helix_json("cache", "audit", "--yes")
        rows = [json.loads(line) for line in (await daemon.helix("logs", "--json"))[1].splitlines()]

    assert (0, 1, "0") == (found["checks"], found["failed"], found["cost_usd"])
    assert not upstream.asked
    assert ("refused", ["helix-audit"]) == (rows[-1]["kind"], rows[-1]["tags"])
