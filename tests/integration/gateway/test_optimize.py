"""`[[optimize]]`: a cheaper model answers what its rule allows, and everything says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.upstream import Reply

RULES = """
[[optimize]]
from = "gpt-4o"
to = "gpt-4o-mini"
when = { max_prompt_tokens = 200, max_output_tokens = 300, no_tools = true }

[[optimize]]
from = "openai/gpt-5*"
to = "claude-haiku-4-5"

[[optimize]]
from = "claude-sonnet-*"
to = "claude-haiku-4-5"
when = { max_output_tokens = 300 }
"""

SMALL = {"max_tokens": 100}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}


@pytest.fixture
async def daemon(share_daemon):
    return await share_daemon(RULES)


async def last_explained(daemon) -> dict[str, Any]:
    return (await daemon.helix_json("spend", "explain", (await daemon.rows())[-1]["id"]))[0]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_cheaper_model_answers_and_everything_says_so(daemon, upstream, stream):
    answer = await daemon.post_chat("Name a river.", model="gpt-4o", stream=stream, **SMALL)

    assert ("gpt-4o-mini", "gpt-4o-mini") == (upstream.last.body["model"], answer.headers["x-helix-model"])
    row = await last_explained(daemon)
    assert ("gpt-4o", "gpt-4o-mini", "gpt-4o") == (row["model"], row["upstream_model"], row["swapped_from"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"max_tokens": 301},
        {"max_tokens": 200, "n": 2},
        {**SMALL, "tools": [TOOL]},
        {**SMALL, "messages": [{"role": "tool", "content": "7", "tool_call_id": "c"}]},
        {**SMALL, "messages": [{"role": "user", "content": "word " * 2000}]},
    ],
    ids=["no limit", "long answer", "two answers", "tools", "a tool's result", "long prompt"],
)
async def test_what_the_rule_does_not_allow_goes_where_it_was_sent(daemon, upstream, body):
    whole = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Name a river."}], **body}
    answer = await daemon.post("/v1/chat/completions", whole)

    assert "gpt-4o" == upstream.last.body["model"]
    assert "x-helix-model" not in answer.headers
    assert "" == (await last_explained(daemon))["swapped_from"]


async def test_a_kept_answer_says_which_model_made_it(daemon, upstream):
    await daemon.post_chat("Name a river.", model="gpt-4o", **SMALL)

    again = await daemon.post_chat("Name a river.", model="gpt-4o", **SMALL)

    assert ("exact", "gpt-4o-mini", 1) == (again.verdict, again.headers["x-helix-model"], len(upstream.asked))


async def test_where_the_cheaper_model_fails_the_one_asked_for_answers(daemon, upstream):
    upstream.next(Reply.error(503))

    answer = await daemon.post_chat("Name a river.", model="gpt-4o", **SMALL)

    assert 200 == answer.status
    assert ["gpt-4o-mini", "gpt-4o"] == [asked.body["model"] for asked in upstream.asked]
    rows = await daemon.helix_json("spend", "explain", answer.headers["x-helix-request-id"])
    assert [("failed", "gpt-4o"), ("settled", "")] == [(row["outcome"], row["swapped_from"]) for row in rows]


async def test_messages_are_optimised_by_the_same_rules(daemon, upstream):
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 100}

    answer = await daemon.post("/v1/messages", body)

    assert ("claude-haiku-4-5", "claude-haiku-4-5") == (upstream.last.body["model"], answer.headers["x-helix-model"])


async def test_vectors_are_never_those_of_another_model(start_daemon, upstream):
    daemon = await start_daemon('[[optimize]]\nfrom = "gpt-*"\nto = "gpt-small"\n')

    await daemon.post("/v1/embeddings", {"model": "gpt-large", "input": "x"})

    assert "gpt-large" == upstream.last.body["model"]


async def test_a_rule_that_leads_nowhere_is_left_out_with_a_sentence(start_daemon, upstream):
    daemon = await start_daemon('[[optimize]]\nfrom = "gpt-4o"\nto = "nobodys"\n')

    assert 200 == (await daemon.post_chat("Hello", model="gpt-4o")).status
    assert "no provider serves nobodys" in daemon.stderr


async def test_hidden_values_stay_hidden_from_the_cheaper_model(daemon, upstream):
    upstream.next("I wrote to <EMAIL_ADDRESS_1>.")
    answer = await daemon.post_chat("Write to ann.lee@example.com", model="gpt-4o", **SMALL)

    assert "gpt-4o-mini" == upstream.last.body["model"]
    assert "ann.lee" not in json.dumps(upstream.last.body)
    assert b"ann.lee@example.com" in answer.body
