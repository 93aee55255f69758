from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from daemon.dialects import dialect_named
from daemon.dialects.sse import event_data, split_events

chat = dialect_named("chat")


def chunk(*choices, **fields) -> bytes:
    envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    return b"data: " + json.dumps({**envelope, "choices": list(choices), **fields}).encode() + b"\n\n"


def delta(index=0, finish_reason=None, **fields) -> dict:
    return {"index": index, "delta": fields, "finish_reason": finish_reason}


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def test_all_that_came_in_parts_is_whole():
    stream = b"".join(
        [
            chunk(delta(0, role="assistant", content="", refusal=None), service_tier="default", obfuscation="x"),
            chunk({**delta(0, content="Hel"), "logprobs": {"content": [{"token": "Hel"}], "refusal": None}}),
            chunk(delta(1, role="assistant", reasoning_content="hm", mystery="a")),
            chunk({**delta(0, content="lo"), "logprobs": {"content": [{"token": "lo"}], "refusal": None}}),
            chunk(delta(1, tool_calls=[{"index": 1, "id": "c2", "type": "function", "function": {"name": "g"}}])),
            chunk(delta(1, tool_calls=[{"index": 0, "id": "c1", "function": {"name": "f", "arguments": ""}}])),
            chunk(delta(1, tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}], mystery="b")),
            chunk(
                delta(1, tool_calls=[{"index": 0, "id": "", "function": {"arguments": "1}"}}], reasoning_content="m")
            ),
            chunk(delta(0, "stop"), delta(1, "tool_calls")),
            chunk(usage=USAGE),
            DONE,
        ]
    )

    answer = chat.assemble(stream)

    calls = [
        {"id": "c1", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g"}},
    ]
    tooled = {"role": "assistant", "content": None, "reasoning_content": "hmm", "mystery": "ab", "tool_calls": calls}
    logprobs = {"content": [{"token": "Hel"}, {"token": "lo"}], "refusal": None}
    spoken = {"role": "assistant", "content": "Hello", "refusal": None}
    assert {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "service_tier": "default",
        "choices": [
            {"index": 0, "message": spoken, "finish_reason": "stop", "logprobs": logprobs},
            {"index": 1, "message": tooled, "finish_reason": "tool_calls"},
        ],
        "usage": USAGE,
    } == answer


SPOKEN = [chunk(delta(content="Hi")), chunk(delta(finish_reason="stop")), DONE]


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [DONE],
        SPOKEN[:1],
        SPOKEN[:2],
        [SPOKEN[0], DONE],
        [chunk(delta(1, content="x")), *SPOKEN],
        [SPOKEN[0], b"data: {broken\n\n", *SPOKEN[1:]],
        [SPOKEN[0], b'data: {"error": {"message": "overloaded"}}\n\n', *SPOKEN[1:]],
    ],
    ids=["empty", "only done", "cut", "no done", "no finish", "one unfinished", "broken", "error"],
)
def test_what_did_not_end_well_is_no_answer(stream):
    assert chat.assemble(b"".join(SPOKEN)) is not None
    assert chat.assemble(b"".join(stream)) is None


@given(st.integers(0, len(b"".join(SPOKEN))))
def test_a_cut_stream_gives_what_came(length):
    text = chat.answer_text(chat.assemble_partial(b"".join(SPOKEN)[:length]))

    assert text == ("Hi" if length >= len(SPOKEN[0]) - 2 else "")


def test_calls_without_an_index_stay_apart():
    calls = [{"id": name, "function": {"name": name, "arguments": "{}"}} for name in "ab"]
    stream = [chunk(delta(tool_calls=[call])) for call in calls] + SPOKEN[1:]

    assert calls == chat.assemble(b"".join(stream))["choices"][0]["message"]["tool_calls"]


def test_a_text_may_become_parts_and_a_text_again():
    contents = ["a", "b", [{"type": "text", "text": "c"}], [{"type": "text", "text": "d"}], "e", "f"]

    chat.assemble_partial(b"".join(chunk(delta(content=content)) for content in contents))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": texts,
            "type": st.just("function"),
            "function": st.fixed_dictionaries({"name": texts, "arguments": texts}),
        }
    ),
    min_size=1,
    max_size=3,
)
replies = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": st.none() | texts},
    optional={"tool_calls": calls, "refusal": st.none() | texts, "reasoning_content": texts},
)
choices = st.lists(st.tuples(replies, st.sampled_from(["stop", "length", "tool_calls"])), min_size=1, max_size=3).map(
    lambda pairs: [
        {"index": index, "message": reply, "logprobs": None, "finish_reason": reason}
        for index, (reply, reason) in enumerate(pairs)
    ]
)
answers = choices.map(
    lambda choices: {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": choices,
        "usage": USAGE,
    }
)


@given(answers)
def test_a_replayed_answer_is_assembled_as_it_was(answer):
    assert answer == chat.assemble(chat.replay(answer, with_usage=True))


def without_nulls(value):
    """The SDK's models say null for what is absent."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


@given(answers)
def test_openais_sdk_rebuilds_a_replayed_answer(answer):
    state = ChatCompletionStreamState()
    for event in split_events(chat.replay(answer, with_usage=True)):
        if (data := event_data(event)) != b"[DONE]":
            state.handle_chunk(ChatCompletionChunk.model_validate_json(data))

    rebuilt = state.current_completion_snapshot.to_dict()
    for choice in rebuilt["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            del call["index"]
            call["function"].pop("parsed_arguments", None)
    assert without_nulls(answer["choices"]) == without_nulls(rebuilt["choices"])
    assert answer["usage"] == rebuilt["usage"]


def test_usage_is_replayed_only_for_who_asks():
    answer = chat.assemble(b"".join([*SPOKEN[:2], chunk(usage=USAGE), DONE]))

    assert b'"usage"' in chat.replay(answer, with_usage=True)
    assert b'"usage"' not in chat.replay(answer, with_usage=False)


@pytest.mark.parametrize(
    ("change", "is_normal"),
    [
        ({}, True),
        ({"finish_reason": "length"}, False),
        ({"finish_reason": "content_filter"}, False),
        ({"finish_reason": None}, False),
        ({"finish_reason": []}, False),
        ({"message": {"content": ""}}, False),
        ({"message": {"content": "x", "refusal": "no"}}, False),
        ({"message": {"content": None, "tool_calls": [{}]}, "finish_reason": "tool_calls"}, True),
    ],
)
def test_only_an_answer_that_ended_by_itself_is_normal(change, is_normal):
    choice = {"message": {"content": "Hi"}, "finish_reason": "stop", **change}

    assert is_normal is chat.is_normal({"choices": [choice]})


def test_one_bad_choice_makes_an_answer_abnormal():
    good = {"message": {"content": "Hi"}, "finish_reason": "stop"}

    assert not chat.is_normal({"choices": [good, {**good, "finish_reason": "length"}]})
    assert not chat.is_normal({"choices": []})
    assert not chat.is_normal({"error": {"message": "x"}, "choices": [good]})


def test_the_end_is_seen_as_a_line_only():
    assert chat.ends_stream(b"data: {}\n\ndata: [DONE]\n\n") and chat.ends_stream(b"data:[DONE]")
    assert not chat.ends_stream(chunk(delta(content="\ndata: [DONE]\n\n")))


def test_long_streams_are_assembled_in_linear_time():
    """Joined once at the end: strings that grow by `+` would copy gigabytes here."""
    stream = chunk(delta(content="x" * 100)) * 20_000 + b"".join(SPOKEN[1:])

    assert 2_000_000 == len(chat.assemble(stream)["choices"][0]["message"]["content"])
