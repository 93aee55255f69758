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
ASKED, REWORDED = "how do I cancel my subscription", "how can I cancel my subscription?"
BEFORE, AFTER = "Write to us by 3 May.", "Write to us by 9 May."


@asynccontextmanager
async def near_hits(folder, *answers, more=()):
    """A daemon that has given a near answer to its own caller and to each of those named by `more`."""
    texts = iter(answers)
    upstream = Upstream(lambda asked: next(texts))
    async with upstream, Daemon(folder, openai_settings(upstream.openai_url) + PRICED) as daemon:
        await daemon.until_ready("ok")
        for headers in ({}, *more):
            await daemon.post_chat(ASKED, headers=headers)
            for _ in range(2):  # twice the same is one question
                assert "semantic" == (await daemon.post_chat(REWORDED, headers=headers)).verdict
        upstream.asked.clear()
        yield daemon, upstream


@pytest.mark.parametrize(("after", "wrong"), [(BEFORE, 0), (AFTER, 1)])
async def test_what_was_given_is_compared_with_a_fresh_answer(tmp_path, after, wrong):
    """Once, as a call of its caller; what it finds is evidence of the scope's error."""
    async with near_hits(tmp_path, BEFORE, after) as (daemon, upstream):
        plan = await daemon.helix_json("cache", "audit", "--estimate")
        dear = await daemon.helix_json("cache", "audit", "--yes", "--max-usd", "0")
        found = await daemon.helix_json("cache", "audit", "--yes")
        again = await daemon.helix_json("cache", "audit", "--yes")
        await daemon.post_chat(REWORDED)
        once_more = await daemon.helix_json("cache", "audit", "--yes")
        rows = (await daemon.helix_json("spend", "--by", "tag"))["rows"]
        stats = await daemon.helix_json("cache", "stats")

    assert (1, 1, 0) == (plan["near_hits"], plan["sample"], plan["unpriced"])
    assert 0 < float(plan["likely_usd"]) < 0.001
    assert (0, "0") == (dear["checks"], dear["cost_usd"])
    assert (1, wrong, 0) == (found["checks"], found["wrong"], found["failed"])
    assert found["cost_usd"] in {row["cost_usd"] for row in rows if row["tag"] == "helix-audit"}
    assert [0, 0] == [one["checks"] for one in (again, once_more)]
    assert 1 == len(upstream.asked)
    assert [("key:local", 1, wrong)] == [(one["scope"], one["checks"], one["wrong"]) for one in stats["scopes"]]


async def test_only_the_scope_that_is_asked_for_is_sampled(tmp_path):
    bo = {"authorization": "Bearer sk-bo"}
    async with near_hits(tmp_path, BEFORE, BEFORE, AFTER, more=(bo,)) as (daemon, upstream):
        plans = [
            await daemon.helix_json("cache", "audit", "--estimate", *scope) for scope in ((), ("--scope", "key:local"))
        ]
        found = await daemon.helix_json("cache", "audit", "--yes", "--scope", "key:local")

    assert [2, 1] == [plan["near_hits"] for plan in plans]
    assert [("key:local", 1, 1)] == [(one["scope"], one["checks"], one["wrong"]) for one in found["scopes"]]
    assert 1 == len(upstream.asked)


async def test_what_is_cleared_or_erased_is_asked_no_more(tmp_path):
    for_ann = {"x-helix-user": "ann"}
    async with near_hits(tmp_path, BEFORE, BEFORE, more=(for_ann | {"authorization": "Bearer sk-bo"},)) as (daemon, _):
        assert 0 == (await daemon.helix("privacy", "erase", "--user", "ann", "--yes"))[0]
        after_erasure = await daemon.helix_json("cache", "audit", "--estimate")
        assert 0 == (await daemon.helix("cache", "clear", "--yes"))[0]
        after_clearing = await daemon.helix_json("cache", "audit", "--estimate")

    assert [1, 0] == [plan["near_hits"] for plan in (after_erasure, after_clearing)]


async def test_a_budget_refuses_an_audit_like_any_call(tmp_path):
    async with near_hits(tmp_path, BEFORE) as (daemon, upstream):
        await daemon.helix("budget", "set", "key:local", "0.00001", "--window", "total")
        found = await daemon.helix_json("cache", "audit", "--yes")
        rows = [json.loads(line) for line in (await daemon.helix("logs", "--json"))[1].splitlines()]

    assert (0, 1, "0") == (found["checks"], found["failed"], found["cost_usd"])
    assert not upstream.asked
    assert ("refused", ["helix-audit"]) == (rows[-1]["kind"], rows[-1]["tags"])
