"""The test provider is judged by the official SDKs, so that what passes against it is real."""

from __future__ import annotations

import asyncio

import aiohttp
import anthropic
import openai
import pytest

from tests.upstream import Reply, ToolCall, Upstream

WEATHER = ToolCall("weather", '{"city": "Oslo", "days": 3}')
QUESTION = [{"role": "user", "content": "How is it?"}]


def openai_client(upstream: Upstream) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=upstream.openai_url, api_key="k", max_retries=0)


def anthropic_client(upstream: Upstream) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=upstream.url, api_key="k", max_retries=0)


async def test_the_openai_sdk_reads_whole_answers():
    async with Upstream() as upstream, openai_client(upstream) as client:
        upstream.next("Fine, thanks", Reply.tools(WEATHER))
        said = await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
        called = await client.chat.completions.create(model="gpt-4o", messages=QUESTION)

    assert "Fine, thanks" == said.choices[0].message.content
    assert 18 == said.usage.total_tokens
    assert WEATHER.arguments == called.choices[0].message.tool_calls[0].function.arguments
    assert "tool_calls" == called.choices[0].finish_reason


async def test_the_openai_sdk_reads_streams_and_usage_only_when_it_asks():
    async with Upstream() as upstream, openai_client(upstream) as client:
        upstream.always(Reply.tools(WEATHER, text="Let me look"))
        ask = client.chat.completions
        plain = [c async for c in await ask.create(model="m", messages=QUESTION, stream=True)]
        counted = [
            chunk
            async for chunk in await ask.create(
                model="m", messages=QUESTION, stream=True, stream_options={"include_usage": True}
            )
        ]

    deltas = [chunk.choices[0].delta for chunk in plain]
    assert "Let me look" == "".join(delta.content or "" for delta in deltas)
    parts = [call.function.arguments for delta in deltas for call in delta.tool_calls or ()]
    assert WEATHER.arguments == "".join(parts)
    assert all(chunk.usage is None for chunk in plain)
    assert 18 == counted[-1].usage.total_tokens


async def test_the_anthropic_sdk_reads_whole_answers_and_streams():
    async with Upstream() as upstream, anthropic_client(upstream) as client:
        upstream.always(Reply.tools(WEATHER, text="Let me look"))
        whole = await client.messages.create(model="claude", max_tokens=9, messages=QUESTION)
        async with client.messages.stream(model="claude", max_tokens=9, messages=QUESTION) as stream:
            streamed = await stream.get_final_message()

    for message in (whole, streamed):
        assert "Let me look" == message.content[0].text
        assert {"city": "Oslo", "days": 3} == message.content[1].input
        assert ("tool_use", 11, 7) == (
            message.stop_reason,
            message.usage.input_tokens,
            message.usage.output_tokens,
        )
    assert [True, True] == [asked.holds("How is it?") for asked in upstream.asked]


async def test_errors_reach_both_sdks():
    async with Upstream(Reply.error(429, retry_after_s=3)) as upstream:
        async with openai_client(upstream) as client:
            with pytest.raises(openai.RateLimitError) as refused:
                await client.chat.completions.create(model="m", messages=QUESTION)
        async with anthropic_client(upstream) as client:
            with pytest.raises(anthropic.RateLimitError):
                await client.messages.create(model="m", max_tokens=9, messages=QUESTION)

    assert "3" == refused.value.response.headers["retry-after"]


async def test_a_cut_stream_is_seen_as_broken():
    async with Upstream(Reply(cut_after=3)) as upstream, aiohttp.ClientSession() as session:
        body = {"model": "m", "messages": QUESTION, "stream": True}
        async with session.post(f"{upstream.url}/v1/chat/completions", json=body) as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()


async def test_a_held_answer_waits_and_a_client_that_leaves_is_counted():
    async with Upstream(Reply(hold=asyncio.Event())) as upstream, aiohttp.ClientSession() as session:
        body = {"model": "m", "messages": QUESTION}
        waiting = asyncio.create_task(session.post(f"{upstream.url}/v1/chat/completions", json=body))
        await upstream.until_asked(1)
        waiting.cancel()
        await upstream.until_hung_up(1)

    assert 1 == upstream.hung_up
