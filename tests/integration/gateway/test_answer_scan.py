"""PII that a model brings itself, towards the caller: where it is asked for, in every protocol, whole and streamed."""

import json

import pytest

from tests.said import said
from tests.upstream import Reply, ToolCall

ASK = {"x-helix-scan-answer": "on"}
ROUTES = {
    "/v1/chat/completions": {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "who is ann@example.com?"}],
    },
    "/v1/messages": {
        "model": "claude-haiku-4-5",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "who is ann@example.com?"}],
    },
    "/v1/responses": {"model": "gpt-4o-mini", "input": "who is ann@example.com?"},
}
SAID = "Ask bo@example.org about <EMAIL_ADDRESS_1>, or about nobody"


def saying(*pieces):
    call = ToolCall("send", json.dumps({"to": "eve@example.net"}))
    return Reply("".join(pieces), pieces=pieces, tool_calls=(call,))


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
async def test_the_models_values_are_replaced_and_the_callers_put_back(daemon, upstream, path, stream):
    upstream.always(saying("Ask bo@exa", "mple.org about <EMAIL_", "ADDRESS_1>, or about", " nobody"))
    answer = await daemon.post(path, ROUTES[path] | {"stream": stream}, ASK)
    body = answer.body.decode()

    assert 200 == answer.status
    assert [] == [value for value in ("bo@example.org", "eve@example.net", "mple.org") if value in body]
    assert "ann@example.com" in body
    assert stream or "EMAIL_ADDRESS=2" == answer.headers["x-helix-answer-pii"]


async def test_nobody_asks_and_nothing_is_changed(daemon, upstream):
    upstream.always(SAID)
    answer = await daemon.post_chat("who is ann@example.com?")

    assert SAID.replace("<EMAIL_ADDRESS_1>", "ann@example.com") in answer.body.decode()
    assert "x-helix-answer-pii" not in answer.headers


async def test_the_owner_may_want_it_for_all_and_the_audit_tells(start_daemon, upstream):
    daemon = await start_daemon("[pii]\nscan_answers = true")
    upstream.always(SAID)
    answer = await daemon.post_chat("who is it?", headers={"x-helix-scan-answer": "off"})
    _, out, _ = await daemon.helix("pii", "report", "--json")

    assert "bo@example.org" not in answer.body.decode()
    assert [("EMAIL_ADDRESS", 1)] == [(row["type"], row["findings"]) for row in json.loads(out)["rows"]]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_blocked_kind_is_never_said(share_daemon, upstream, stream):
    daemon = await share_daemon('[pii]\nscan_answers = true\nentities = { US_SSN = "block" }')
    pieces = ("it is known that her ssn ", "is 536-90-", "4399 and more")
    upstream.always(Reply("".join(pieces), pieces=pieces))
    answer = await daemon.post_chat("who is it?", stream=stream)

    assert "pii_in_answer" in answer.body.decode()
    assert "536-90" not in answer.body.decode() and "4399" not in answer.body.decode()
    assert stream or (502, "false") == (answer.status, answer.headers["x-should-retry"])


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("stream", [False, True])
async def test_where_it_is_only_detected_it_is_said_and_nothing_is_changed(share_daemon, upstream, path, stream):
    daemon = await share_daemon('[pii]\nmode = "detect"\nscan_answers = true')
    upstream.always(saying("Ask bo@exa", "mple.org, or her"))
    answer = await daemon.post(path, ROUTES[path] | {"stream": stream}, {"x-helix-cache": "off"})

    assert 200 == answer.status
    assert "Ask bo@example.org, or her" == said(answer.body)[0]
    assert stream or "EMAIL_ADDRESS=2" == answer.headers["x-helix-answer-pii"]
    assert {"detect"} == {row["operator"] for row in (await daemon.helix_json("pii", "report"))["rows"]}


async def test_what_brings_pii_is_scanned_each_time_for_it_is_never_kept(daemon, upstream):
    upstream.always(SAID)
    asked = [await daemon.post_chat("who is ann@example.com?", headers=headers) for headers in ({}, ASK, ASK)]

    assert ["miss"] * 3 == [answer.verdict for answer in asked]
    assert ["bo@example.org" in answer.body.decode() for answer in asked] == [True, False, False]


async def test_what_is_kept_brings_none_so_a_hit_needs_no_scan(daemon, upstream):
    upstream.always("Ask <EMAIL_ADDRESS_1>")
    for name, verdict in (("ann", "miss"), ("bo", "exact")):
        answer = await daemon.post_chat(f"who is {name}@example.net?", headers=ASK)

        assert verdict == answer.verdict
        assert f"Ask {name}@example.net" in answer.body.decode()
        assert "x-helix-answer-pii" not in answer.headers


async def test_what_cannot_be_understood_is_refused(daemon):
    assert 400 == (await daemon.post_chat("hi", headers={"x-helix-scan-answer": "maybe"})).status
