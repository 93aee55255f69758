"""A client of one vendor, unchanged, answered by a model of the other: its SDK, a real daemon, litellm between."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest

from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.upstream import Reply, ToolCall, Upstream

GPT, CLAUDE = "gpt-4o-mini", "claude-sonnet-4-5"
ASKED = [{"role": "user", "content": "Greet ann@example.com"}]
ANSWER, RESTORED = "Hello <EMAIL_ADDRESS_1>!", "Hello ann@example.com!"
PIECES = ("Hello <EMA", "IL_ADDRESS", "_1>", "!")
CALLS = ToolCall("send", '{"to": "<EMAIL_ADDRESS_1>"}')
SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}}
CLAUDE_TOOL = {"name": "send", "description": "Sends", "input_schema": SCHEMA}
TOOL = {"type": "function", "function": {"name": "send", "description": "Sends", "parameters": SCHEMA}}
RESPONSES_TOOL = {"type": "function", "name": "send", "description": "Sends", "parameters": SCHEMA, "strict": False}
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
async def daemon(shared_daemons, upstream) -> AsyncIterator[Daemon]:
    gpt = openai_settings(upstream.openai_url, 'models = ["gpt-*"]\ntranslate = ["responses"]\n')
    claude = anthropic_settings(upstream.url, 'models = ["claude-*"]\n')
    async with shared_daemons.visit('[cache]\nmode = "off"\n' + gpt + claude) as daemon:
        yield daemon


async def test_messages_are_answered_by_gpt(claude, upstream):
    upstream.next(ANSWER)
    answer = await claude.messages.create(model=GPT, max_tokens=50, system="Be kind to ann@example.com", messages=ASKED)

    assert RESTORED == answer.content[0].text
    assert ("end_turn", 11, 7) == (answer.stop_reason, answer.usage.input_tokens, answer.usage.output_tokens)
    assert "/v1/chat/completions" == upstream.last.path
    assert "Bearer sk-upstream" == upstream.last.headers["authorization"]
    assert "Be kind to <EMAIL_ADDRESS_1>" == upstream.last.body["messages"][0]["content"]
    assert not upstream.saw("ann@example.com") and not upstream.saw(claude.api_key)


async def test_messages_are_streamed_by_gpt(claude, upstream):
    upstream.next(Reply(ANSWER, pieces=PIECES))
    async with claude.messages.stream(model=GPT, max_tokens=50, messages=ASKED) as stream:
        texts = [text async for text in stream.text_stream]
        final = await stream.get_final_message()

    assert RESTORED == "".join(texts) == final.content[0].text
    assert ("end_turn", 11, 7) == (final.stop_reason, final.usage.input_tokens, final.usage.output_tokens)


@pytest.mark.parametrize("text", ["", "Let me look"])
async def test_gpt_calls_the_tools_of_messages(claude, upstream, text):
    upstream.next(Reply.tools(CALLS, text=text), Reply.tools(CALLS, text=text), "Sent to <EMAIL_ADDRESS_1>")
    asked = {"model": GPT, "max_tokens": 50, "tools": [CLAUDE_TOOL]}
    whole = await claude.messages.create(**asked, messages=ASKED)
    async with claude.messages.stream(**asked, messages=ASKED) as stream:
        streamed = await stream.get_final_message()

    for answer in (whole, streamed):
        assert "tool_use" == answer.stop_reason
        assert ["text", "tool_use"][not text :] == [block.type for block in answer.content]
        assert {"to": "ann@example.com"} == answer.content[-1].input
    result = {"type": "tool_result", "tool_use_id": streamed.content[-1].id, "content": "sent to ann@example.com"}
    turns = [*ASKED, {"role": "assistant", "content": streamed.content}, {"role": "user", "content": [result]}]
    answer = await claude.messages.create(**asked, messages=turns)

    assert "Sent to ann@example.com" == answer.content[-1].text
    sent = upstream.last.body["messages"]
    assert ["user", "assistant", "tool"] == [turn["role"] for turn in sent]
    assert '{"to": "<EMAIL_ADDRESS_1>"}' == sent[1]["tool_calls"][0]["function"]["arguments"]
    assert "sent to <EMAIL_ADDRESS_1>" == sent[2]["content"]
    assert SCHEMA == upstream.last.body["tools"][0]["function"]["parameters"]


async def test_gpt_sees_the_picture_of_messages(claude, upstream):
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": "What is it?"}]
    await claude.messages.create(model=GPT, max_tokens=50, messages=[{"role": "user", "content": parts}])

    urls = [part["image_url"]["url"] for part in upstream.last.body["messages"][0]["content"] if "image_url" in part]
    assert [f"data:image/png;base64,{PICTURE}"] == urls


async def test_what_an_agent_adds_to_messages_does_not_disturb_gpt(claude, upstream):
    cached = {"cache_control": {"type": "ephemeral"}}
    answer = await claude.beta.messages.create(
        model=GPT,
        max_tokens=4000,
        system=[{"type": "text", "text": "Be kind", **cached}],
        messages=[{"role": "user", "content": [{"type": "text", "text": "Hi", **cached}]}],
        tools=[{**CLAUDE_TOOL, **cached}],
        thinking={"type": "enabled", "budget_tokens": 2000},
        extra_body={"temperature": 1, "top_k": 5},
        metadata={"user_id": "u"},
        betas=["context-management-2025-06-27"],
        context_management={"edits": [{"type": "clear_tool_uses_20250919"}]},
    )

    assert "Hello from upstream" == answer.content[0].text


async def test_tokens_of_messages_are_counted_for_gpt(claude, upstream):
    counted = await claude.messages.count_tokens(model=GPT, messages=ASKED)

    assert 5 < counted.input_tokens < 40
    assert [] == upstream.asked


async def test_chat_is_answered_by_claude(client, upstream):
    upstream.next(ANSWER)
    turns = [{"role": "system", "content": "Be kind"}, *ASKED]
    answer = await client.chat.completions.create(model=CLAUDE, messages=turns, max_tokens=50)

    assert RESTORED == answer.choices[0].message.content
    assert ("stop", 11, 7) == (
        answer.choices[0].finish_reason,
        answer.usage.prompt_tokens,
        answer.usage.completion_tokens,
    )
    assert ("/v1/messages", "sk-ant-upstream") == (upstream.last.path, upstream.last.headers["x-api-key"])
    assert not upstream.saw("ann@example.com") and not upstream.saw(client.api_key)


async def test_chat_is_streamed_by_claude(client, upstream):
    upstream.next(Reply(ANSWER, pieces=PIECES))
    stream = await client.chat.completions.create(
        model=CLAUDE, messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert RESTORED == "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert 18 == chunks[-1].usage.total_tokens


async def test_claude_calls_the_tools_of_chat(client, upstream):
    upstream.next(Reply.tools(CALLS, text="Let me"), Reply.tools(CALLS, text="Let me"), "Sent")
    whole = await client.chat.completions.create(model=CLAUDE, messages=ASKED, tools=[TOOL])
    strict = {"type": "function", "function": {**TOOL["function"], "strict": True}}
    async with client.chat.completions.stream(model=CLAUDE, messages=ASKED, tools=[strict]) as stream:
        streamed = await stream.get_final_completion()

    for answer in (whole, streamed):
        assert "tool_calls" == answer.choices[0].finish_reason
        assert '{"to": "ann@example.com"}' == answer.choices[0].message.tool_calls[0].function.arguments
    call = whole.choices[0].message.tool_calls[0]
    turn = {"role": "assistant", "tool_calls": [call.model_dump()]}
    result = {"role": "tool", "tool_call_id": call.id, "content": "sent to ann@example.com"}
    await client.chat.completions.create(model=CLAUDE, messages=[*ASKED, turn, result], tools=[TOOL])
    used, gave = (turn["content"][-1] for turn in upstream.last.body["messages"][1:])

    assert {"to": "<EMAIL_ADDRESS_1>"} == used["input"]
    assert "sent to <EMAIL_ADDRESS_1>" in str(gave["content"])


async def test_claude_sees_the_picture_of_chat(client, upstream):
    url = f"data:image/png;base64,{PICTURE}"
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": url}}]
    await client.chat.completions.create(model=CLAUDE, messages=[{"role": "user", "content": parts}])

    kinds = {part["type"]: part for part in upstream.last.body["messages"][0]["content"]}
    assert PICTURE == kinds["image"]["source"]["data"]


async def test_a_parameter_that_claude_has_no_word_for_is_refused_by_its_name(client, upstream):
    with pytest.raises(openai.BadRequestError, match="logprobs") as refused:
        await client.chat.completions.create(model=CLAUDE, messages=ASKED, logprobs=True)

    assert "litellm" not in str(refused.value)
    assert [] == upstream.asked


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_responses_are_answered_by_models_that_have_none(client, upstream, model):
    upstream.next(ANSWER)
    answer = await client.responses.create(model=model, instructions="Be kind", input="Greet ann@example.com")

    assert RESTORED == answer.output_text
    assert ("completed", 11, 7) == (answer.status, answer.usage.input_tokens, answer.usage.output_tokens)
    assert answer.id.startswith("resp_")
    assert not upstream.last.path.endswith("/responses") and not upstream.saw("ann@example.com")


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_responses_are_streamed_by_models_that_have_none(client, upstream, model):
    upstream.next(Reply(ANSWER, pieces=PIECES))
    async with client.responses.stream(model=model, input="Greet ann@example.com") as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()

    assert RESTORED == final.output_text
    assert RESTORED == "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert list(range(len(events))) == [event.sequence_number for event in events]
    assert 18 == final.usage.total_tokens


@pytest.mark.parametrize("model", [GPT, CLAUDE])
async def test_an_agent_of_responses_calls_its_tools(client, upstream, model):
    """With what Codex sends: sealed reasoning asked for, nothing kept, how hard to think."""
    upstream.next(Reply.tools(CALLS, text="Let me"), "Sent")
    asked = {
        "model": model,
        "instructions": "You send things",
        "tools": [RESPONSES_TOOL],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "store": False,
        "prompt_cache_key": "c1",
    }
    async with client.responses.stream(**asked, input=ASKED) as stream:
        final = await stream.get_final_response()
    call = next(item for item in final.output if item.type == "function_call")
    assert '{"to": "ann@example.com"}' == call.arguments

    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sent to ann@example.com"}
    given = [item.model_dump(exclude_none=True, exclude={"parsed_arguments", "parsed"}) for item in final.output]
    answer = await client.responses.create(**asked, input=[*ASKED, *given, output])

    assert "Sent" == answer.output_text
    assert upstream.saw("sent to <EMAIL_ADDRESS_1>") and not upstream.saw("ann@example.com")


@pytest.mark.parametrize("field", ["previous_response_id", "background"])
async def test_what_only_a_provider_of_responses_can_do_is_refused(client, upstream, field):
    more = {"previous_response_id": "resp_1"} if field == "previous_response_id" else {"background": True}
    with pytest.raises(openai.BadRequestError, match=field):
        await client.responses.create(model=GPT, input="Hi", **more)

    assert [] == upstream.asked


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_of_gpt_is_an_error_of_messages(claude, upstream, stream):
    upstream.next(Reply.error(429, "slow down", retry_after_s=3))
    with pytest.raises(anthropic.RateLimitError) as refused:
        await claude.messages.create(model=GPT, max_tokens=50, messages=ASKED, stream=stream)

    assert {"type": "rate_limit_error", "message": "slow down"} == refused.value.body["error"]
    assert "3" == refused.value.response.headers["retry-after"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_of_claude_is_an_error_of_chat(client, upstream, stream):
    upstream.next(Reply.error(400, "prompt is too long"))
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(model=CLAUDE, messages=ASKED, stream=stream)

    assert ("prompt is too long", "invalid_request_error") == (refused.value.body["message"], refused.value.type)


async def test_the_answering_providers_tokens_are_booked_at_its_prices(client, daemon, upstream):
    """What Anthropic's cache read and wrote stands in the translated answer as well, and costs what it costs there."""
    usage = {
        "input_tokens": 100,
        "cache_read_input_tokens": 50,
        "cache_creation_input_tokens": 30,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        "output_tokens": 7,
    }
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": CLAUDE, "usage": usage}
    body |= {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "end_turn", "stop_sequence": None}
    upstream.next(Reply(body=body))
    answer = await client.chat.completions.with_raw_response.create(model=CLAUDE, messages=ASKED)

    # claude-sonnet-4-5: 3 dollars a million in, 15 out, .30 read, 3.75 and 6 written for 5 minutes and an hour.
    millionths = 100 * 3 + 50 * 0.3 + 10 * 3.75 + 20 * 6 + 7 * 15
    assert pytest.approx(millionths / 1e6) == float(answer.headers["x-helix-cost-usd"])


async def test_a_callers_key_of_one_vendor_is_not_shown_to_the_other(tmp_path):
    """Where the provider has no key of its own, the caller's goes on; but not Anthropic's to somebody else."""
    async with Upstream() as upstream:
        settings = openai_settings(upstream.openai_url).replace('api_key = "sk-upstream"\n', "")
        async with (
            Daemon(tmp_path, settings) as daemon,
            anthropic.AsyncAnthropic(base_url=daemon.url, api_key="sk-ant-mine", max_retries=0) as foreign,
            anthropic.AsyncAnthropic(base_url=daemon.url, api_key="sk-mine", max_retries=0) as own,
        ):
            for client in (foreign, own):
                await client.messages.create(model=GPT, max_tokens=50, messages=ASKED)

    assert ["Bearer none", "Bearer sk-mine"] == [asked.headers["authorization"] for asked in upstream.asked]
