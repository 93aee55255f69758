"""litellm, in its own process and without a network, against the local upstream."""

from __future__ import annotations

import asyncio
import json
import os
import signal

import pytest
import pytest_asyncio
from pydantic import SecretStr

from daemon.adapters.provider_litellm import LitellmProvider
from daemon.errors import UpstreamFailed, UpstreamTimeout
from daemon.settings import ProviderSettings
from tests.upstream import Reply, ToolCall, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

BETA = "context-1m-2025-08-07"
"""litellm passes on only those that it knows."""

WEATHER = ToolCall("weather", '{"city": "Oslo"}')


def litellm_at(url: str, **fields) -> LitellmProvider:
    settings = {"name": "p", "type": "litellm", "base_url": url, "api_key": SecretStr("planted-key"), **fields}
    return LitellmProvider(ProviderSettings(**settings))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running():
    """One process for all tests: its start costs seconds."""
    async with Upstream() as upstream:
        provider = litellm_at(upstream.openai_url, timeout_s=20)
        yield provider, upstream
        await provider.aclose()


@pytest.fixture
def provider(running) -> LitellmProvider:
    return running[0]


@pytest.fixture
def upstream(running) -> Upstream:
    upstream = running[1]
    upstream.asked.clear()
    upstream.hung_up = 0
    return upstream


def data_of(stream: bytes) -> list:
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ") and line != b"data: [DONE]"]
    return [json.loads(line) for line in lines]


async def test_chat_is_answered_whole(provider, upstream, make_call, read):
    upstream.next(Reply.tools(WEATHER, text="Let me look"))
    answer = await provider.ask(make_call("chat", model="openai/gpt-x", temperature=0.5))
    body = json.loads(await read(answer))

    assert 200 == answer.status
    assert "Let me look" == body["choices"][0]["message"]["content"]
    assert WEATHER.arguments == body["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert (11, 7) == (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"])
    assert {"model": "gpt-x", "temperature": 0.5}.items() <= upstream.last.body.items()
    assert "Bearer planted-key" == upstream.last.headers["authorization"]


async def test_chat_is_streamed_with_usage_in_an_event_of_its_own(provider, upstream, make_call, read):
    upstream.next(Reply.tools(WEATHER, text="Let me look"))
    call = make_call("chat", model="openai/gpt-x", stream=True, stream_options={"include_usage": True})
    answer = await provider.ask(call)
    stream = await read(answer)
    events = data_of(stream)
    deltas = [choice["delta"] for event in events for choice in event["choices"]]

    assert answer.is_event_stream
    assert stream.endswith(b"data: [DONE]\n\n")
    assert "Let me look" == "".join(delta.get("content") or "" for delta in deltas)
    parts = [call["function"]["arguments"] for delta in deltas for call in delta.get("tool_calls", [])]
    assert WEATHER.arguments == "".join(parts)
    assert [] == events[-1]["choices"]
    assert 18 == events[-1]["usage"]["total_tokens"]


async def test_messages_are_translated_whole(provider, upstream, make_call, read):
    upstream.next(Reply.tools(WEATHER, text="Let me look"))
    answer = await provider.ask(make_call("messages", model="openai/gpt-x", system="Be kind"))
    body = json.loads(await read(answer))

    assert "/v1/chat/completions" == upstream.last.path
    assert "Be kind" == upstream.last.body["messages"][0]["content"]
    assert ["text", "tool_use"] == [block["type"] for block in body["content"]]
    assert {"city": "Oslo"} == body["content"][1]["input"]
    assert ("tool_use", 11, 7) == (
        body["stop_reason"],
        body["usage"]["input_tokens"],
        body["usage"]["output_tokens"],
    )


async def test_messages_are_translated_as_a_stream(provider, upstream, make_call, read):
    upstream.next("Let me look")
    answer = await provider.ask(make_call("messages", model="openai/gpt-x", stream=True))
    events = data_of(await read(answer))

    assert "message_start" == events[0]["type"]
    assert "message_stop" == events[-1]["type"]
    assert "Let me look" == "".join(event["delta"].get("text", "") for event in events if "delta" in event)
    assert 7 == next(event["usage"]["output_tokens"] for event in events if event["type"] == "message_delta")


@pytest.mark.parametrize("dialect", ["chat", "messages"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_providers_error_keeps_its_status_in_the_callers_dialect(
    provider, upstream, make_call, read, dialect, stream
):
    upstream.next(Reply.error(429, "slow down", retry_after_s=3))
    answer = await provider.ask(make_call(dialect, model="openai/gpt-x", stream=stream))
    body = json.loads(await read(answer))

    assert (429, "3") == (answer.status, answer.headers["retry-after"])
    assert "rate_limit_error" == body["error"]["type"]
    assert "slow down" in body["error"]["message"]
    assert (dialect == "messages") == ("type" in body)
    assert 1 == len(upstream.asked)


async def test_what_litellm_would_read_as_its_own_setting_is_only_a_field(provider, upstream, make_call, read):
    """A caller must not choose where the owner's key goes, nor have an answer made up."""
    fields = {"api_base": "http://127.0.0.1:9/v1", "mock_response": "made up", "custom_llm_provider": "groq"}
    answer = await provider.ask(make_call("chat", model="openai/gpt-x", **fields))

    assert b"Hello from upstream" in await read(answer)
    assert fields.items() <= upstream.last.body.items()


async def test_a_provider_that_hangs_up_is_upstream_failed(provider, upstream, make_call):
    upstream.next(Reply(garbage=b""))
    with pytest.raises(UpstreamFailed) as failed:
        await provider.ask(make_call("chat", model="openai/gpt-x"))

    assert 502 == failed.value.status


async def test_a_stream_that_breaks_off_is_upstream_failed(provider, upstream, make_call, read):
    upstream.next(Reply("one two three four", cut_after=3))
    answer = await provider.ask(make_call("chat", model="openai/gpt-x", stream=True))
    with pytest.raises(UpstreamFailed):
        await read(answer)


async def test_closing_early_hangs_up_on_the_provider(provider, upstream, make_call):
    upstream.next(Reply("one two three", hold=asyncio.Event(), hold_after=2))
    answer = await provider.ask(make_call("chat", model="openai/gpt-x", stream=True))
    await anext(answer.pieces)
    await answer.pieces.aclose()
    await upstream.until_hung_up()


async def test_a_cancelled_call_hangs_up_on_the_provider(provider, upstream, make_call):
    upstream.next(Reply(hold=asyncio.Event()))
    asking = asyncio.create_task(provider.ask(make_call("messages", model="openai/gpt-x")))
    await upstream.until_asked()
    asking.cancel()
    await upstream.until_hung_up()


async def test_a_killed_process_fails_its_calls_and_is_started_again(provider, upstream, make_call, read):
    upstream.next(Reply(hold=asyncio.Event()))
    asking = asyncio.create_task(provider.ask(make_call("chat", model="openai/gpt-x")))
    await upstream.until_asked()
    first = provider._child.pid
    os.kill(first, signal.SIGKILL)
    with pytest.raises(UpstreamFailed):
        await asking
    await provider._child._process.wait()

    call = make_call("chat", model="openai/gpt-x")
    answers = await asyncio.gather(provider.ask(call), provider.ask(call))
    assert [200, 200] == [answer.status for answer in answers]
    assert [True, True] == [b"Hello" in await read(answer) for answer in answers]
    assert first != provider._child.pid


async def test_it_leaves_with_its_parent_and_takes_its_socket_along(provider, upstream, make_call, read):
    """The end of stdin is all that it learns of a parent that was killed."""
    await read(await provider.ask(make_call("chat", model="openai/gpt-x")))
    process = provider._child._process
    process.stdin.close()

    assert 0 == await process.wait()
    assert not provider._child.socket_path.exists()


async def test_a_process_that_cannot_start_says_so_and_is_not_started_again_at_once(monkeypatch, make_call):
    monkeypatch.setattr("sys.executable", "/bin/false")
    provider = litellm_at("http://127.0.0.1:9/v1")
    for expected in ("did not start", "started again in"):
        with pytest.raises(UpstreamFailed, match=expected):
            await provider.ask(make_call("chat", model="openai/gpt-x"))
    await provider.aclose()


async def test_a_slow_provider_is_upstream_timeout(make_call):
    async with Upstream(Reply(hold=asyncio.Event())) as upstream:
        provider = litellm_at(upstream.openai_url, timeout_s=1.0)
        with pytest.raises(UpstreamTimeout):
            await provider.ask(make_call("chat", model="openai/gpt-x"))
        await provider.aclose()


async def test_nothing_but_the_provider_is_asked_and_only_what_it_knows(monkeypatch, make_call, read):
    """Whatever litellm would fetch for itself (prices, header tables) would come by this proxy."""
    async with Upstream() as upstream, Upstream() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        provider = litellm_at(upstream.url)
        for dialect in ("chat", "messages"):
            call = make_call(dialect, model="anthropic/claude-x", headers={"anthropic-beta": BETA}, odd=1)
            assert b"Hello" in await read(await provider.ask(call))
        await provider.aclose()

    assert ["/v1/messages", "/v1/messages"] == [asked.path for asked in upstream.asked]
    assert all(BETA in asked.headers["anthropic-beta"] for asked in upstream.asked)
    assert [] == proxy.asked
    assert not upstream.saw("odd"), "Anthropic refuses fields that it does not know"


async def test_without_a_key_the_callers_credential_is_passed_on(make_call, read):
    async with Upstream() as upstream:
        provider = litellm_at(upstream.openai_url, api_key=None)
        await read(await provider.ask(make_call("chat", model="openai/gpt-x", credential="sk-the-callers")))
        await provider.aclose()

    assert "Bearer sk-the-callers" == upstream.last.headers["authorization"]


async def test_the_owners_options_are_litellms(make_call, read):
    async with Upstream() as upstream:
        provider = litellm_at(upstream.url, options={"api_version": "2024-10-21"})
        await read(await provider.ask(make_call("chat", model="azure/my-deployment")))
        await provider.aclose()

    assert "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21" == upstream.last.path
    assert "planted-key" == upstream.last.headers["api-key"]


async def test_no_other_providers_key_reaches_the_process(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "planted-foreign-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-cloud-key")
    with_base = litellm_at("http://127.0.0.1:9/v1")._child._environment
    without = litellm_at("")._child._environment

    assert not {"planted-foreign-key", "planted-cloud-key"} & set(with_base.values())
    assert {"planted-cloud-key"} == {"planted-foreign-key", "planted-cloud-key"} & set(without.values())
