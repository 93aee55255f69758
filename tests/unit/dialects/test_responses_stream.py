"""Responses, from events to answers and back, however they are cut."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.dialects.sse import event_json, split_events
from daemon.pii.vault import Vault
from daemon.tape import Tape
from tests.upstream import Reply, ToolCall, responses_answer, responses_events

responses = dialect_named("responses")
VAULT = Vault({"PERSON_1": 'Ann "A" Lee'})
CALL = ToolCall("send", '{"to": "<PERSON_1>", "text": "a \\u003cPERSON_1>"}')
REPLY = Reply("Dear <PERSON_1>, hello", tool_calls=(CALL,), pieces=("Dear <PER", "SON_1", ">, hello"))
STREAM = b"".join(responses_events(REPLY, "m"))


def restored(stream: bytes, cuts: list[int]) -> bytes:
    rewriter = responses.rewriter(VAULT.restorer, with_usage=True)
    edges = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(edges)]
    return b"".join([*map(rewriter.feed, pieces), rewriter.finish()])


@given(cuts=st.lists(st.integers(0, 100_000), max_size=12))
def test_a_restored_stream_is_the_restored_answer_however_it_is_cut(cuts):
    events = [event_json(block) for block in split_events(restored(STREAM, cuts))]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    called = "".join(event["delta"] for event in events if event["type"] == "response.function_call_arguments.delta")
    final = events[-1]["response"]["output"]

    assert 'Dear Ann "A" Lee, hello' == text == final[1]["content"][0]["text"]
    assert {"to": 'Ann "A" Lee', "text": 'a Ann "A" Lee'} == json.loads(called) == json.loads(final[2]["arguments"])


def test_every_byte_is_a_place_to_cut():
    whole = restored(STREAM, [])

    assert all(
        b"".join(responses_deltas(restored(STREAM, [cut]))) == b"".join(responses_deltas(whole))
        for cut in range(0, len(STREAM), 7)
    )


def responses_deltas(stream: bytes) -> list[bytes]:
    return [(event_json(block) or {}).get("delta", "").encode() for block in split_events(stream)]


def test_held_text_of_a_stream_that_breaks_off_is_given_out():
    cut = STREAM[: STREAM.index(b"SON_1")]
    last = cut[: cut.rindex(b"\n\n") + 2]
    events = [event_json(block) for block in split_events(restored(last, []))]

    assert ["Dear ", "<PER"] == [event["delta"] for event in events if event["type"] == "response.output_text.delta"]


def test_a_stream_amounts_to_the_answer_of_its_last_event():
    assert responses_answer(REPLY, "m") == responses.assemble(STREAM)


def test_an_answer_whose_last_event_is_empty_is_put_together_from_its_items():
    events = [event_json(block) for block in split_events(STREAM)]
    events[-1]["response"] = {**events[-1]["response"], "output": []}
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)

    assert responses_answer(REPLY, "m") == responses.assemble(stream)


def test_what_came_of_a_broken_stream_is_there_for_an_estimate():
    partial = responses.assemble_partial(STREAM[: STREAM.index(b"response.output_text.done")])

    assert None is responses.assemble(STREAM[:-500])
    assert REPLY.text in responses.answer_text(partial)


@pytest.mark.parametrize("reply", [REPLY, Reply("hi"), Reply.tools(CALL), Reply("cut", stop="length")])
def test_a_replayed_answer_is_assembled_as_it_was(reply):
    answer = responses_answer(reply, "m")

    assert answer == responses.assemble(responses.replay(answer, with_usage=True))


@given(cuts=st.lists(st.integers(1, len(STREAM) - 1), max_size=20))
def test_the_end_is_seen_with_the_last_byte_of_the_last_event(cuts):
    edges = [0, *sorted(cuts), len(STREAM)]
    tape = Tape()
    ends = [
        responses.ends_stream(tape.record(STREAM[start:end])) for start, end in itertools.pairwise(edges) if start < end
    ]

    assert [False] * (len(ends) - 1) + [True] == ends


def test_a_text_that_quotes_the_last_event_does_not_end_the_stream():
    quoted = Reply('\n\nevent: response.completed\ndata: {"type": "response.completed"}\n\n', pieces=None)
    *events, _ = responses_events(quoted, "m")

    assert not any(map(responses.ends_stream, events))


def test_reasoning_and_its_seal_stay_as_they_are():
    item = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "<PERSON_1>"}]}

    assert [] == responses.answer_places({"output": [item]})
    assert [] == responses.places({"model": "m", "input": [{**item, "encrypted_content": "x"}]})
    assert ["<PERSON_1>"] == [place.text for place in responses.places({"model": "m", "input": [item]})]


def test_pictures_files_and_the_protocols_own_words_are_no_texts():
    picture = {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"}
    file = {"type": "input_file", "filename": "cv of Ann.pdf", "file_data": "data:application/pdf;base64,AAAA"}
    items = [
        {"type": "message", "role": "user", "content": [picture, file]},
        {"type": "image_generation_call", "id": "i", "status": "completed", "result": "AAAA"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "local_shell_call_output", "id": "l", "output": "done"},
    ]

    assert ["cv of Ann.pdf", "done"] == [place.text for place in responses.places({"model": "m", "input": items})]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, None),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "why?"}]}]}, None),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"previous_response_id": "resp_1"}, "it refers to what its provider stores"),
        ({"temperature": 1.5}, "temperature"),
        ({"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}, "empty last message"),
        ({"input": "long " * 500}, "very long last message"),
    ],
)
def test_when_a_near_answer_will_not_do(more, reason):
    assert reason == responses.question({"model": "m", "input": "why?", **more}).exact_only


def test_the_question_is_not_part_of_its_context():
    one, other = ({"model": "m", "input": [{"role": "user", "content": text}]} for text in ("why?", "how?"))

    assert responses.question(one).context == responses.question(other).context
    assert responses.keyed(one) != responses.keyed(other)


def test_what_is_stored_or_repeated_is_keyed():
    body = {"model": "m", "input": "hi", "store": False, "metadata": {"a": "b"}, "stream": True}

    assert {**body, "stream": True} == {**responses.keyed(body), "stream": True}


def test_a_limit_is_set_and_kept():
    assert {"max_output_tokens": 7} == responses.with_output_limit({}, 7)
    assert {"max_output_tokens": 5} == responses.with_output_limit({"max_output_tokens": 5}, 7)
    assert 5 == responses.output_limit({"max_output_tokens": 5})


def test_cached_and_reasoning_tokens_are_told_apart():
    usage = responses.usage(responses_answer(Reply(cached_tokens=5), "m"))

    assert (11, 7, 5, 2) == (usage.input_tokens, usage.output_tokens, usage.cached_read_tokens, usage.reasoning_tokens)
