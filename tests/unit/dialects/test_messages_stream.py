from __future__ import annotations

import json

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.dialects.sse import event_json, split_events

messages = dialect_named("messages")


def event(kind: str, **fields) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def delta(index: int, **fields) -> bytes:
    return event("content_block_delta", index=index, delta=fields)


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 3},
    },
)
TEXT = [
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("ping"),
    delta(0, type="text_delta", text="Hel"),
    delta(0, type="text_delta", text="lo"),
    event("content_block_stop", index=0),
]
END = [
    event(
        "message_delta",
        delta={"stop_reason": "end_turn", "stop_sequence": None},
        usage={"output_tokens": 9, "cache_read_input_tokens": None},
    ),
    event("message_stop"),
]
SPOKEN = [START, *TEXT, *END]


def test_all_that_came_in_parts_is_whole():
    stream = [
        START,
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
        delta(0, type="thinking_delta", thinking="h"),
        delta(0, type="thinking_delta", thinking="m"),
        delta(0, type="signature_delta", signature="s"),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block={"type": "text", "text": "", "citations": []}),
        delta(1, type="citations_delta", citation={"cited_text": "c"}),
        delta(1, type="text_delta", text="x"),
        event("content_block_stop", index=1),
        event("content_block_start", index=2, content_block={"type": "tool_use", "id": "t", "name": "f", "input": {}}),
        delta(2, type="input_json_delta", partial_json=""),
        delta(2, type="input_json_delta", partial_json='{"a": 123456789012345'),
        delta(2, type="input_json_delta", partial_json="678901234567890}"),
        event("content_block_stop", index=2),
        event("content_block_start", index=3, content_block={"type": "new_in_2030"}),
        delta(3, type="poem_delta", poem="ro"),
        delta(3, type="poem_delta", poem="se"),
        event("content_block_stop", index=3),
        *END,
    ]

    answer = messages.assemble(b"".join(stream))

    assert {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "x", "citations": [{"cited_text": "c"}]},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 123456789012345678901234567890}},
            {"type": "new_in_2030", "poem": "rose"},
        ],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 5, "output_tokens": 9, "cache_read_input_tokens": 3},
    } == answer


BROKEN_INPUT = [
    START,
    event("content_block_start", index=0, content_block={"type": "tool_use", "input": {}}),
    delta(0, type="input_json_delta", partial_json='{"a'),
    event("content_block_stop", index=0),
    *END,
]


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [event("message_stop")],
        SPOKEN[:3],
        SPOKEN[:-1],
        [START, *TEXT, END[1]],
        [START, *TEXT[:-1], *END],
        [START, event("error", error={"type": "overloaded_error"}), *TEXT, *END],
        [START, b"event: content_block_delta\ndata: {broken\n\n", *TEXT, *END],
        BROKEN_INPUT,
    ],
    ids=["empty", "only stop", "cut", "no stop", "no reason", "open block", "error", "broken", "broken input"],
)
def test_what_did_not_end_well_is_no_answer(stream):
    assert messages.assemble(b"".join(SPOKEN)) is not None
    assert messages.assemble(b"".join(stream)) is None


def test_a_cut_stream_gives_what_came():
    assert "Hel" == messages.answer_text(messages.assemble_partial(b"".join(SPOKEN[:4])))
    assert '{"a' == messages.answer_text(messages.assemble_partial(b"".join(BROKEN_INPUT[:3])))


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
inputs = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=2))
blocks = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries(
        {
            "type": st.just("text"),
            "text": texts,
            "citations": st.lists(
                st.fixed_dictionaries({"type": st.just("char_location"), "cited_text": texts}), min_size=1, max_size=2
            ),
        }
    ),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": texts, "signature": texts}),
    st.fixed_dictionaries({"type": st.just("redacted_thinking"), "data": texts}),
    st.fixed_dictionaries({"type": st.just("tool_use"), "id": texts, "name": texts, "input": inputs}),
)
answers = st.fixed_dictionaries(
    {
        "id": texts,
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": st.just("m"),
        "content": st.lists(blocks, max_size=4),
        "stop_reason": st.sampled_from(["end_turn", "tool_use", "max_tokens"]),
        "stop_sequence": st.none() | texts,
        "usage": st.fixed_dictionaries(
            {"input_tokens": st.integers(0, 99), "output_tokens": st.integers(0, 99)},
            optional={"cache_creation": st.just({"ephemeral_1h_input_tokens": 3}), "service_tier": st.just("standard")},
        ),
    }
)


@given(answers)
def test_a_replayed_answer_is_assembled_as_it_was(answer):
    assert answer == messages.assemble(messages.replay(answer, with_usage=False))


@given(answers)
def test_anthropics_sdk_rebuilds_a_replayed_answer(answer):
    snapshot, json_bufs = None, {}
    for block in split_events(messages.replay(answer, with_usage=True)):
        snapshot = accumulate_event(event=event_json(block), current_snapshot=snapshot, json_bufs=json_bufs)

    rebuilt = {**snapshot.to_dict(), "content": [block.to_dict() for block in snapshot.content]}
    assert answer == {field: rebuilt[field] for field in answer}


@pytest.mark.parametrize(
    ("change", "is_normal"),
    [
        ({}, True),
        ({"stop_reason": "tool_use"}, True),
        ({"stop_reason": "max_tokens"}, False),
        ({"stop_reason": "refusal"}, False),
        ({"stop_reason": "pause_turn"}, False),
        ({"stop_reason": []}, False),
        ({"content": []}, False),
        ({"type": "error"}, False),
    ],
)
def test_only_an_answer_that_ended_by_itself_is_normal(change, is_normal):
    answer = {"type": "message", "stop_reason": "end_turn", "content": [{"type": "text", "text": "x"}], **change}

    assert is_normal is messages.is_normal(answer)


def test_the_end_is_seen_as_a_line_only():
    assert messages.ends_stream(END[1]) and messages.ends_stream(b'data: {"type": "message_stop"}')
    assert not messages.ends_stream(delta(0, type="text_delta", text="\nevent: message_stop\n"))
