from __future__ import annotations

import pytest

from daemon.dialects import dialect_named

ASKED = {"role": "user", "content": "What is the capital of France?"}
BODY = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "hi"}, ASKED]}


def question(body, name="chat"):
    return dialect_named(name).question(body)


@pytest.mark.parametrize("name", ["chat", "messages"])
def test_a_plain_question_may_be_answered_by_a_near_hit(name):
    asked = question(BODY, name)

    assert (ASKED["content"], None) == (asked.text, asked.exact_only)


@pytest.mark.parametrize("name", ["chat", "messages"])
def test_the_context_is_all_but_the_last_text(name):
    other = {**BODY, "messages": [BODY["messages"][0], {"role": "user", "content": "What is the capital of Spain?"}]}
    elsewhere = {**BODY, "messages": [{"role": "user", "content": "hello"}, ASKED]}

    assert question(BODY, name).context == question(other, name).context
    assert question(BODY, name).context != question(elsewhere, name).context
    assert ASKED["content"] == BODY["messages"][-1]["content"]


def test_text_parts_are_one_question():
    parts = [{"type": "text", "text": "What is"}, {"type": "text", "text": "this?"}]

    assert "What is\nthis?" == question({**BODY, "messages": [{"role": "user", "content": parts}]}).text


def test_what_does_not_change_the_answer_is_not_keyed():
    noise = {"stream": True, "stream_options": {}, "user": "u", "metadata": {}, "store": True, "cache": {"ttl": 1}}

    assert dialect_named("chat").keyed({**BODY, **noise}) == BODY


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "tools"),
        ({"web_search_options": {}}, "tools"),
        ({"n": 2}, "n"),
        ({"seed": 0}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"temperature": 1.1}, "temperature"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"messages": [{"role": "user", "content": " "}]}, "empty last message"),
        ({"messages": [{"role": "user", "content": "x" * 2001}]}, "very long last message"),
        ({"messages": [{"role": "tool", "content": "x"}, ASKED]}, "tool results"),
        ({"messages": [{"role": "assistant", "content": "prefill"}]}, "the last message is not the user's"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ASKED]}, "attachments"),
        ({"messages": [{"role": "user", "content": [{"type": []}]}]}, "attachments"),
    ],
)
def test_what_a_near_hit_could_get_wrong_is_exact_only(change, reason):
    assert reason == question({**BODY, **change}).exact_only


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"tools": [{"name": "f"}]}, "tools"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, "thinking"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "tool results"),
        ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, "attachments"),
    ],
)
def test_messages_has_reasons_of_its_own(change, reason):
    assert reason == question({**BODY, **change}, "messages").exact_only


@pytest.mark.parametrize(
    "change",
    [{"temperature": 1}, {"temperature": None}, {"n": 1}, {"seed": None}, {"logprobs": False}, {"tools": []}],
)
def test_defaults_spelled_out_change_nothing(change):
    assert question({**BODY, **change}).exact_only is None
