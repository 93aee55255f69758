from __future__ import annotations

import pytest

from daemon.dialects import dialect_named
from daemon.errors import BadRequest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {**CHAT, "max_tokens": 10}


@pytest.mark.parametrize("body", [None, [], "x", 1, True])
@pytest.mark.parametrize("name", ["chat", "messages"])
def test_a_body_that_is_no_object_is_refused(name, body):
    with pytest.raises(BadRequest):
        dialect_named(name).check(body)


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"max_tokens": "10"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": 10.0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": False}, "temperature"),
        ({"tools": {}}, "tools"),
        ({"tools": ["search"]}, "tools[0]"),
        ({"metadata": "x"}, "metadata"),
        ({"cache": "no"}, "cache"),
    ],
)
@pytest.mark.parametrize("name", ["chat", "messages"])
def test_a_wrong_type_is_refused_by_the_name_of_its_parameter(name, change, param):
    with pytest.raises(BadRequest) as refused:
        dialect_named(name).check({**MESSAGES, **change})

    assert param == refused.value.param


@pytest.mark.parametrize("change", [{"n": 0}, {"n": 1.0}, {"n": 10**9}, {"user": 7}, {"stop": 7}, {"stop": [7]}])
def test_chat_refuses_wrong_types_of_its_own(change):
    with pytest.raises(BadRequest):
        dialect_named("chat").check({**CHAT, **change})


@pytest.mark.parametrize("change", [{"max_tokens": None}, {"system": 7}, {"stop_sequences": "x"}])
def test_messages_refuses_wrong_types_of_its_own(change):
    with pytest.raises(BadRequest):
        dialect_named("messages").check({**MESSAGES, **change})


def test_a_message_never_shows_the_value():
    with pytest.raises(BadRequest) as refused:
        dialect_named("chat").check({**CHAT, "max_tokens": "ann@example.com"})

    assert "max_tokens: expected a whole number from 1 to 2147483647, not a string" == str(refused.value)


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "user", "content": ""},
        {"role": "user", "content": "\x00"},
        {"role": "developer", "content": "x", "name": "boss"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {}}]},
        {"role": "assistant", "tool_calls": None, "refusal": "no"},
        {"role": "tool", "content": "x", "tool_call_id": "1"},
        {"role": "user", "content": [{"type": "hologram", "depth": 3}, {"type": "text", "text": ""}]},
    ],
)
def test_chat_takes_what_sdks_send(turn):
    dialect_named("chat").check({**CHAT, "messages": [turn], "never_heard_of": {"x": 1}, "temperature": None})


def test_messages_takes_what_sdks_send():
    blocks = [
        {"type": "thinking", "thinking": "x", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "tool_use", "id": "1", "name": "n", "input": {}},
        {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "x"}]},
        {"type": "image", "source": {"type": "base64", "data": "x"}},
        {"type": "new_in_2030"},
    ]
    turn = {"role": "assistant", "content": blocks}
    dialect_named("messages").check({**MESSAGES, "messages": [turn], "system": [{"type": "text", "text": "x"}]})


def test_anthropics_output_limit_is_said_to_be_required():
    with pytest.raises(BadRequest) as refused:
        dialect_named("messages").check(CHAT)

    assert ("max_tokens", "max_tokens is required: a whole number") == (refused.value.param, str(refused.value))


@pytest.mark.parametrize("model", ["gpt-4o\x00", "gpt-4o\n", "gpt-\x1b[31mred"])
def test_a_models_name_cannot_steer_a_terminal_or_break_a_line(model):
    with pytest.raises(BadRequest) as refused:
        dialect_named("chat").check({**CHAT, "model": model})

    assert "model" == refused.value.param
