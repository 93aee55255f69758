from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.exchange import Usage

chat, messages = dialect_named("chat"), dialect_named("messages")


def test_the_provider_gets_the_targets_model_and_not_what_is_for_gateways():
    body = {"model": "fast", "cache": {"ttl": 1}, "metadata": {"tags": ["a"]}, "custom": 1}

    assert {"model": "gpt-4o", "metadata": {"tags": ["a"]}, "custom": 1} == chat.for_provider(body, model="gpt-4o")
    assert {"model": "fast", "cache": {"ttl": 1}, "metadata": {"tags": ["a"]}, "custom": 1} == body


def test_a_chat_stream_is_asked_for_its_usage():
    body = {"model": "m", "stream": True, "stream_options": {"include_obfuscation": False}}

    sent = chat.for_provider(body, model="m")

    assert {"include_obfuscation": False, "include_usage": True} == sent["stream_options"]
    assert (False, True) == (chat.wants_usage(body), chat.wants_usage(sent))


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        ({}, None),
        ({"max_tokens": None}, None),
        ({"max_tokens": 10}, 10),
        ({"max_tokens": 10, "n": 3}, 30),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
    ],
)
def test_a_chat_limit_counts_all_choices(body, limit):
    assert limit == chat.output_limit(body)


@given(
    st.fixed_dictionaries({}, optional={"max_tokens": st.integers(1, 99), "n": st.integers(1, 5)}),
    st.integers(5, 200),
)
def test_a_clamped_request_allows_no_more(body, tokens):
    clamped = chat.output_limit(chat.with_output_limit({"model": "m", **body}, tokens))

    assert clamped is not None and clamped <= min(tokens, chat.output_limit(body) or tokens)


def test_reasoning_models_get_the_field_that_they_take():
    assert "max_completion_tokens" in chat.with_output_limit({"model": "openai/o3-mini"}, 5)
    assert "max_tokens" in chat.with_output_limit({"model": "llama3"}, 5)


def test_a_thinking_budget_stays_below_the_limit():
    body = {"max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 4096}}

    clamped = messages.with_output_limit(body, 2000)

    assert (2000, 1999) == (clamped["max_tokens"], clamped["thinking"]["budget_tokens"])
    assert body == messages.with_output_limit(body, 10_000)


def test_a_chat_prompt_contains_its_cached_tokens():
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 20},
    }

    assert Usage(40, 50, 60, reasoning_tokens=20, service_tier="flex") == chat.usage(
        {"usage": usage, "service_tier": "flex"}
    )


def test_deepseeks_hits_are_cached_tokens():
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 90}

    assert Usage(10, 5, 90) == chat.usage({"usage": usage})


def test_reasoning_beside_the_completion_is_output_too():
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 35,
        "completion_tokens_details": {"reasoning_tokens": 20},
    }

    assert Usage(10, 25, reasoning_tokens=20) == chat.usage({"usage": usage})


def test_anthropics_classes_are_disjoint():
    usage = {
        "input_tokens": 10,
        "output_tokens": 5,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 50,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30},
        "service_tier": "priority",
    }

    assert Usage(10, 5, 100, 20, 30, service_tier="priority") == messages.usage({"usage": usage})


def test_cache_writes_without_a_split_are_of_five_minutes():
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_creation_input_tokens": 50}

    assert Usage(10, 5, cache_write_5m_tokens=50) == messages.usage({"usage": usage})


HOSTILE = [-1, True, "7", 1.5, 10**20, [], {}]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["prompt_tokens", "completion_tokens", "prompt_cache_hit_tokens"])
def test_a_chat_count_that_is_none_makes_usage_unknown(field, value):
    assert chat.usage({"usage": {"prompt_tokens": 9, "completion_tokens": 9, field: value}}) is None


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "field", ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"]
)
def test_an_anthropic_count_that_is_none_makes_usage_unknown(field, value):
    assert messages.usage({"usage": {"input_tokens": 9, "output_tokens": 9, field: value}}) is None


def test_more_cached_than_read_is_unknown():
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2}}

    assert chat.usage({"usage": usage}) is None


counts = st.none() | st.integers(-2, 2**70) | st.booleans() | st.floats() | st.text(max_size=2) | st.just({})
FIELDS = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
]


@given(
    st.dictionaries(st.sampled_from(FIELDS), counts | st.integers(0, 99)),
    st.dictionaries(st.sampled_from(["cached_tokens", "reasoning_tokens", "ephemeral_1h_input_tokens"]), counts),
)
def test_no_class_is_ever_negative(usage, details):
    nested = {"prompt_tokens_details": details, "completion_tokens_details": details, "cache_creation": details}
    for dialect in (chat, messages):
        found = dialect.usage({"usage": {**usage, **nested}})
        if found is not None:
            assert min(found.input_tokens, found.output_tokens, found.cached_read_tokens) >= 0
            assert min(found.cache_write_5m_tokens, found.cache_write_1h_tokens, found.reasoning_tokens) >= 0
            assert found.reasoning_tokens <= found.output_tokens
