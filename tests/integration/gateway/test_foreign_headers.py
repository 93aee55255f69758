"""Headers of other gateways' clients, with a real daemon: they mean here what they meant there, and stay here."""

from __future__ import annotations

import asyncio

import pytest

from tests.upstream import Reply

THEIRS = {
    "x-litellm-tags": "alpha,beta",
    "x-litellm-timeout": "30",
    "Helicone-Session-Id": "s-1",
    "Helicone-Property-Feature": "search",
    "Helicone-Cache-Enabled": "true",
    "x-portkey-metadata": '{"_user": "ann", "env": "prod", "deep": {"not": "a tag"}}',
    "x-portkey-trace-id": "t-1",
    "x-portkey-cache-namespace": "mine",
    "cf-aig-metadata": '{"tier": 2}',
    "cf-aig-cache-ttl": "3600",
}


async def ask(daemon, headers, text="Hello"):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return await daemon.post("/v1/chat/completions", body, headers)


async def test_tags_sessions_traces_and_metadata_become_tags(daemon):
    await ask(daemon, THEIRS | {"x-helix-tags": "own"})

    expected = {"own", "alpha", "beta", "session:s-1", "feature:search", "env:prod", "trace:t-1", "tier:2"}
    assert expected == set((await daemon.rows())[-1]["tags"])


async def test_none_of_them_goes_upstream(daemon, upstream):
    await ask(daemon, THEIRS)

    assert {name.lower() for name in THEIRS}.isdisjoint(upstream.last.headers)


@pytest.mark.parametrize("headers", [{"Helicone-User-Id": "ann"}, {"x-portkey-metadata": '{"_user": "ann"}'}])
async def test_a_user_is_whom_the_ledger_names(daemon, headers):
    await ask(daemon, headers)

    assert ["ann"] == [row["user"] for row in await daemon.rows()]


@pytest.mark.parametrize("headers", [{"Helicone-Cache-Enabled": "false"}, {"cf-aig-skip-cache": "true"}])
async def test_who_wants_no_cache_gets_none_whatever_else_is_said(daemon, headers):
    await ask(daemon, {})

    assert "bypass" == (await ask(daemon, headers)).verdict
    assert "bypass" == (await ask(daemon, headers | {"x-helix-cache": "on"})).verdict
    assert "exact" == (await ask(daemon, {})).verdict


async def test_a_namespace_keeps_answers_apart(daemon):
    await ask(daemon, {})

    assert "miss" == (await ask(daemon, {"x-portkey-cache-namespace": "mine"})).verdict
    assert "exact" == (await ask(daemon, {"x-helix-cache-namespace": "mine"})).verdict


async def test_a_lifetime_of_zero_is_not_kept(daemon):
    await ask(daemon, {"cf-aig-cache-ttl": "0"})

    assert "miss" == (await ask(daemon, {})).verdict


@pytest.mark.parametrize("stream", [False, True])
async def test_who_waits_so_long_only_is_told_in_time_and_the_provider_is_let_go(daemon, upstream, stream):
    upstream.next(Reply(hold=asyncio.Event()))
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}

    late = await daemon.post("/v1/chat/completions", body, {"x-litellm-timeout": "0.2"})

    assert (504, "upstream_timeout") == (late.status, late.json["error"]["code"])
    await upstream.until_hung_up()


async def test_patience_that_is_no_number_is_refused(daemon, upstream):
    for patience in ("soon", "0", "-1", "nan"):
        assert 400 == (await ask(daemon, {"x-litellm-timeout": patience})).status
    assert [] == upstream.asked


async def test_who_wants_retries_gets_them_where_the_owner_wants_none(daemon, upstream):
    upstream.next(Reply.error(503), Reply.error(503))

    assert 200 == (await ask(daemon, {"x-litellm-num-retries": "2"})).status
    assert 3 == len(upstream.asked)


async def test_who_wants_no_retries_gets_none(start_daemon, upstream):
    daemon = await start_daemon("[routing]\nretries = 2\n")
    upstream.next(Reply.error(503))

    assert 503 == (await ask(daemon, {"x-litellm-num-retries": "0"})).status
    assert 1 == len(upstream.asked)


async def test_retries_that_are_no_number_are_refused(daemon, upstream):
    for retries in ("two", "-1", "1.5", "9" * 5_000):
        assert 400 == (await ask(daemon, {"x-litellm-num-retries": retries})).status
    assert [] == upstream.asked


async def test_helixs_own_header_wins(daemon):
    await ask(daemon, {"x-portkey-cache-namespace": "theirs", "x-helix-cache-namespace": "own"})

    assert "exact" == (await ask(daemon, {"x-helix-cache-namespace": "own"})).verdict


async def test_no_header_brings_a_cache_that_the_owner_turned_off(start_daemon):
    daemon = await start_daemon('[cache]\nmode = "off"\n')
    await ask(daemon, {"Helicone-Cache-Enabled": "true", "cf-aig-cache-ttl": "3600"})

    assert "bypass" == (await ask(daemon, {"Helicone-Cache-Enabled": "true", "cf-aig-cache-ttl": "3600"})).verdict


async def test_a_lifetime_that_is_no_number_is_refused_by_its_own_name(daemon):
    refused = await ask(daemon, {"cf-aig-cache-ttl": "soon"})

    assert (400, "cf-aig-cache-ttl") == (refused.status, refused.json["error"]["param"])


@pytest.mark.parametrize("metadata", ["{", "[1]", '"text"', "[" * 5000, '{"a b": "c d"}'])
async def test_metadata_that_cannot_be_read_says_nothing(daemon, metadata):
    assert 200 == (await ask(daemon, {"x-portkey-metadata": metadata, "cf-aig-metadata": metadata})).status
    assert [] == (await daemon.rows())[-1]["tags"]
