"""Usage blocks as providers send them, whole and streamed, each with what it costs to the last digit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cost.price_table import price_of_entry
from daemon.dialects import dialect_named
from daemon.exchange import DialectName

RATES = json.loads(
    """{
    "gpt-4o": {
        "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06},
    "o4-mini": {
        "input_cost_per_token": 1.1e-06, "output_cost_per_token": 4.4e-06, "cache_read_input_token_cost": 2.75e-07},
    "gpt-5.4": {
        "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 2.5e-07,
        "input_cost_per_token_above_272k_tokens": 5e-06, "output_cost_per_token_above_272k_tokens": 2.25e-05,
        "input_cost_per_token_flex": 1.25e-06, "output_cost_per_token_flex": 7.5e-06,
        "input_cost_per_token_priority": 5e-06, "output_cost_per_token_priority": 3e-05},
    "gpt-audio": {
        "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05,
        "input_cost_per_audio_token": 3.2e-05, "output_cost_per_audio_token": 6.4e-05},
    "claude-sonnet-4-5": {
        "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 3e-07,
        "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
        "input_cost_per_token_batches": 1.5e-06, "output_cost_per_token_batches": 7.5e-06},
    "deepseek-chat": {
        "input_cost_per_token": 2.8e-07, "output_cost_per_token": 4.2e-07, "cache_read_input_token_cost": 2.8e-08},
    "openai/gpt-oss-120b": {"input_cost_per_token": 1.5e-07, "output_cost_per_token": 6e-07},
    "gemini-2.5-flash": {
        "input_cost_per_token": 3e-07, "output_cost_per_token": 2.5e-06, "cache_read_input_token_cost": 3e-08,
        "input_cost_per_audio_token": 1e-06},
    "grok-4": {
        "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05, "cache_read_input_token_cost": 7.5e-07}
    }""",
    parse_float=Decimal,
)
"""US dollars a token, as litellm 1.106 states them."""


@dataclass(frozen=True)
class Block:
    """A usage block and its bill. `answer` is what stands around it."""

    model: str
    usage: dict[str, Any]
    cost_usd: str
    parts: str
    dialect: DialectName = "chat"
    tier: str | None = None


BLOCKS = {
    "OpenAI, part of the prompt cached": Block(
        "gpt-4o",
        {
            "prompt_tokens": 2006,
            "completion_tokens": 300,
            "total_tokens": 2306,
            "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "0.005615",
        "input=86@0.0000025,cached_read=1920@0.00000125,output=300@0.00001",
        tier="default",
    ),
    "OpenAI, reasoning inside the completion": Block(
        "o4-mini",
        {
            "prompt_tokens": 75,
            "completion_tokens": 1186,
            "total_tokens": 1261,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1024, "audio_tokens": 0},
        },
        "0.0053009",
        "input=75@0.0000011,output=162@0.0000044,reasoning=1024@0.0000044",
    ),
    "OpenAI, the flex tier": Block(
        "gpt-5.4",
        {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
        "0.005",
        "input=1000@0.00000125,output=500@0.0000075",
        tier="flex",
    ),
    "OpenAI, the priority tier": Block(
        "gpt-5.4",
        {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
        "0.02",
        "input=1000@0.000005,output=500@0.00003",
        tier="priority",
    ),
    "OpenAI, the last prompt of the short price": Block(
        "gpt-5.4",
        {"prompt_tokens": 272_000, "completion_tokens": 100, "total_tokens": 272_100},
        "0.6815",
        "input=272000@0.0000025,output=100@0.000015",
    ),
    "OpenAI, the first prompt of the long price": Block(
        "gpt-5.4",
        {"prompt_tokens": 272_001, "completion_tokens": 100, "total_tokens": 272_101},
        "1.362255",
        "input=272001@0.000005,output=100@0.0000225",
    ),
    "OpenAI, audio in and out": Block(
        "gpt-audio",
        {
            "prompt_tokens": 140,
            "completion_tokens": 260,
            "total_tokens": 400,
            "prompt_tokens_details": {"cached_tokens": 0, "text_tokens": 40, "audio_tokens": 100, "image_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "text_tokens": 60, "audio_tokens": 200},
        },
        "0.0167",
        "input=40@0.0000025,input_audio=100@0.000032,output=60@0.00001,output_audio=200@0.000064",
    ),
    "Anthropic, the cache beside the input": Block(
        "claude-sonnet-4-5",
        {
            "input_tokens": 2048,
            "cache_creation_input_tokens": 248,
            "cache_read_input_tokens": 1800,
            "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 503,
            "service_tier": "standard",
        },
        "0.015384",
        "input=2048@0.000003,cached_read=1800@0.0000003,cache_write_5m=148@0.00000375,"
        "cache_write_1h=100@0.000006,output=503@0.000015",
        "messages",
    ),
    "Anthropic, before writes were split": Block(
        "claude-sonnet-4-5",
        {"input_tokens": 10, "cache_creation_input_tokens": 1000, "cache_read_input_tokens": 0, "output_tokens": 5},
        "0.003855",
        "input=10@0.000003,cache_write_5m=1000@0.00000375,output=5@0.000015",
        "messages",
    ),
    "Anthropic, a batch": Block(
        "claude-sonnet-4-5",
        {"input_tokens": 1000, "output_tokens": 500, "service_tier": "batch"},
        "0.00525",
        "input=1000@0.0000015,output=500@0.0000075",
        "messages",
    ),
    "Anthropic, thoughts inside the output": Block(
        "claude-sonnet-4-5",
        {
            "input_tokens": 55,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 900,
            "output_tokens_details": {"thinking_tokens": 640},
            "server_tool_use": None,
        },
        "0.013665",
        "input=55@0.000003,output=260@0.000015,reasoning=640@0.000015",
        "messages",
    ),
    "Anthropic through litellm, in OpenAI's words": Block(
        "claude-sonnet-4-5",
        {
            "completion_tokens": 503,
            "prompt_tokens": 4096,
            "total_tokens": 4599,
            "completion_tokens_details": {"reasoning_tokens": 0, "text_tokens": 503},
            "prompt_tokens_details": {
                "cache_write_tokens": 248,
                "cached_tokens": 1800,
                "text_tokens": 2048,
                "cache_creation_tokens": 248,
                "cache_creation_token_details": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
            },
            "cache_creation_input_tokens": 248,
            "cache_read_input_tokens": 1800,
        },
        "0.015384",
        "input=2048@0.000003,cached_read=1800@0.0000003,cache_write_5m=148@0.00000375,"
        "cache_write_1h=100@0.000006,output=503@0.000015",
    ),
    "OpenAI's Responses, cached and reasoned": Block(
        "o4-mini",
        {
            "input_tokens": 2075,
            "input_tokens_details": {"cached_tokens": 1920},
            "output_tokens": 1186,
            "output_tokens_details": {"reasoning_tokens": 1024},
            "total_tokens": 3261,
        },
        "0.0059169",
        "input=155@0.0000011,cached_read=1920@0.000000275,output=162@0.0000044,reasoning=1024@0.0000044",
        "responses",
        tier="default",
    ),
    "OpenAI's Responses, written to the cache": Block(
        "gpt-4o",
        {
            "input_tokens": 1000,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 900},
            "output_tokens": 10,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 1010,
        },
        "0.0026",
        "input=100@0.0000025,cache_write_5m=900@0.0000025,output=10@0.00001",
        "responses",
    ),
    "DeepSeek, hits and misses named its own way": Block(
        "deepseek-chat",
        {
            "prompt_tokens": 1500,
            "completion_tokens": 200,
            "total_tokens": 1700,
            "prompt_cache_hit_tokens": 1024,
            "prompt_cache_miss_tokens": 476,
        },
        "0.000245952",
        "input=476@0.00000028,cached_read=1024@0.000000028,output=200@0.00000042",
    ),
    "Groq, with its times": Block(
        "openai/gpt-oss-120b",
        {
            "queue_time": 0.0403,
            "prompt_tokens": 98,
            "prompt_time": 0.0031,
            "completion_tokens": 256,
            "completion_time": 0.5128,
            "total_tokens": 354,
            "total_time": 0.5159,
        },
        "0.0001683",
        "input=98@0.00000015,output=256@0.0000006",
    ),
    "Gemini over OpenAI's protocol, thoughts in the total only": Block(
        "gemini-2.5-flash",
        {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 821},
        "0.0020327",
        "input=9@0.0000003,output=12@0.0000025,reasoning=800@0.0000025",
    ),
    "Gemini through litellm, with audio, of which some was cached": Block(
        "gemini-2.5-flash",
        {
            "completion_tokens": 812,
            "prompt_tokens": 1009,
            "total_tokens": 1821,
            "completion_tokens_details": {"reasoning_tokens": 800, "text_tokens": 12},
            "prompt_tokens_details": {"audio_tokens": 500, "cached_tokens": 512, "text_tokens": -3},
            "cache_read_input_tokens": 512,
        },
        "0.00254236",
        "input_audio=497@0.000001,cached_read=512@0.00000003,output=12@0.0000025,reasoning=800@0.0000025",
    ),
    "xAI, reasoning beside the completion": Block(
        "grok-4",
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 135,
            "prompt_tokens_details": {"text_tokens": 32, "audio_tokens": 0, "image_tokens": 0, "cached_tokens": 6},
            "completion_tokens_details": {"reasoning_tokens": 94, "audio_tokens": 0},
        },
        "0.0016275",
        "input=26@0.000003,cached_read=6@0.00000075,output=9@0.000015,reasoning=94@0.000015",
    ),
}


def quoted(model: str, dialect: DialectName, answer: dict[str, Any]):
    price, usage = price_of_entry(model, RATES[model]), dialect_named(dialect).usage(answer)
    assert price is not None and usage is not None
    return price.quote(usage)


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_each_block_costs_what_the_provider_bills(block):
    answer = {"usage": block.usage, **({"service_tier": block.tier} if block.tier else {})}

    quote = quoted(block.model, block.dialect, answer)

    assert (block.parts, Decimal(block.cost_usd)) == (quote.parts_text, quote.cost_usd)


def streamed(block: Block) -> bytes:
    """The block at the end of a stream, as its protocol sends it."""
    tier = {"service_tier": block.tier} if block.tier else {}
    if block.dialect == "responses":
        answer = {"id": "r", "object": "response", "status": "completed", "output": [], "usage": block.usage, **tier}
        return json_event(
            {"type": "response.completed", "sequence_number": 1, "response": answer}, "response.completed"
        )
    if block.dialect == "messages":
        opening = {
            "id": "m",
            "type": "message",
            "role": "assistant",
            "content": [],
            "usage": {**block.usage, "output_tokens": 1},
        }
        closing = {"stop_reason": "end_turn", "stop_sequence": None}
        events = [
            {"type": "message_start", "message": opening},
            {"type": "message_delta", "delta": closing, "usage": {"output_tokens": block.usage["output_tokens"]}},
            {"type": "message_stop"},
        ]
        return b"".join(json_event(event, event["type"]) for event in events)
    envelope = {"id": "c", "object": "chat.completion.chunk", **tier}
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    events = [{**envelope, "choices": [choice], "usage": None}, {**envelope, "choices": [], "usage": block.usage}]
    return b"".join(map(json_event, events)) + b"data: [DONE]\n\n"


def json_event(event: dict[str, Any], name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(event).encode() + b"\n\n"


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS.keys())
def test_a_stream_costs_what_the_whole_answer_costs(block):
    answer = dialect_named(block.dialect).assemble(streamed(block))

    assert answer is not None
    assert block.parts == quoted(block.model, block.dialect, answer).parts_text


def test_searches_are_counted_where_providers_name_them():
    claude = {"input_tokens": 1, "output_tokens": 1, "server_tool_use": {"web_search_requests": 2}}
    gpt = {
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "output": [{"type": "web_search_call"}, {"type": "message"}],
    }

    assert 2 == dialect_named("messages").usage({"usage": claude}).web_searches
    assert 1 == dialect_named("responses").usage(gpt).web_searches


@pytest.mark.parametrize("where", ["in the last chunk", "in every chunk", "in Groq's own field too"])
def test_usage_is_found_where_servers_put_it(where):
    """DeepSeek has it beside the last choice; Gemini and xAI count up from chunk to chunk."""
    usage = {"prompt_tokens": 98, "completion_tokens": 256, "total_tokens": 354}
    first = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}]}
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    if where == "in every chunk":
        first["usage"] = {"prompt_tokens": 98, "completion_tokens": 1, "total_tokens": 99}
    if where == "in Groq's own field too":
        last["x_groq"] = {"id": "req", "usage": usage}

    answer = dialect_named("chat").assemble(json_event(first) + json_event(last) + b"data: [DONE]\n\n")

    assert (98, 256) == (
        dialect_named("chat").usage(answer).input_tokens,
        dialect_named("chat").usage(answer).output_tokens,
    )


def test_the_source_names_the_tier_and_the_step():
    answer = {"usage": {"prompt_tokens": 300_000, "completion_tokens": 1}, "service_tier": "priority"}

    assert "gpt-5.4, priority, above 272000 tokens" == quoted("gpt-5.4", "chat", answer).source


counts = st.none() | st.integers(0, 10**7) | st.sampled_from([-1, 1.5, "3", True])
details = st.none() | st.dictionaries(
    st.sampled_from(
        [
            "cached_tokens",
            "audio_tokens",
            "image_tokens",
            "reasoning_tokens",
            "cache_write_tokens",
            "cache_creation_tokens",
        ]
    ),
    counts,
)
hostile = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("prompt_tokens", "completion_tokens", "total_tokens", "prompt_cache_hit_tokens"), counts),
        **dict.fromkeys(("input_tokens", "output_tokens", "cache_read_input_tokens"), counts),
        "prompt_tokens_details": details,
        "completion_tokens_details": details,
        "input_tokens_details": details,
        "output_tokens_details": details,
        "cache_creation": st.dictionaries(
            st.sampled_from(["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"]), counts
        ),
    },
)


@given(st.sampled_from(["chat", "messages", "responses"]), st.sampled_from(sorted(RATES)), hostile)
def test_whatever_a_provider_says_no_class_is_negative_and_all_add_up(dialect, model, block):
    usage = dialect_named(dialect).usage({"usage": block})
    if usage is None:
        return
    quote = price_of_entry(model, RATES[model]).quote(usage)

    assert all(tokens > 0 for _, tokens, _ in quote.parts)
    assert usage.prompt_tokens + usage.output_tokens == sum(tokens for _, tokens, _ in quote.parts)
