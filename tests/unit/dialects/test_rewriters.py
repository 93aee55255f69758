"""Restoring a stream, with a toy in the place of the vault: `<P1>` stands for a name that JSON must escape."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.dialects.dialect import TextKind
from daemon.dialects.sse import event_json, split_events

PLACEHOLDER, NAME = "<P1>", 'Ann "Q" Lee'
chat, messages = dialect_named("chat"), dialect_named("messages")


class ToyRestorer:
    """Holds back a tail that may still become the placeholder."""

    def __init__(self, kind: TextKind) -> None:
        self._name = json.dumps(NAME)[1:-1] if kind is TextKind.JSON else NAME
        self._held = ""

    def feed(self, part: str) -> str:
        text = (self._held + part).replace(PLACEHOLDER, self._name)
        length = next((n for n in (3, 2, 1) if text.endswith(PLACEHOLDER[:n])), 0)
        self._held = text[len(text) - length :]
        return text[: len(text) - length]

    def finish(self) -> str:
        held, self._held = self._held, ""
        return held


def restored_whole(dialect, answer):
    for place in dialect.answer_places(answer):
        restorer = ToyRestorer(place.kind)
        place.text = restorer.feed(place.text) + restorer.finish()
    return answer


def rewritten(dialect, stream: bytes, cuts: list[int], *, with_usage: bool = True) -> bytes:
    rewriter = dialect.rewriter(ToyRestorer, with_usage=with_usage)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return b"".join(rewriter.feed(stream[start:end]) for start, end in pairwise(edges)) + rewriter.finish()


def fragments(text: str, sizes: list[int]) -> list[str]:
    parts = []
    for size in sizes:
        parts.append(text[:size])
        text = text[size:]
    return [*parts, text]


sizes = st.lists(st.integers(0, 5), max_size=30)
cuts = st.lists(st.integers(0, 3000), max_size=20)
texts = st.lists(st.sampled_from([PLACEHOLDER, "<P", "<", ">", "x", " ", "{", '"']), max_size=8).map("".join)
arguments = st.lists(st.sampled_from([PLACEHOLDER, "<P", "a"]), max_size=5).map(
    lambda parts: json.dumps({"".join(parts): "".join(parts), "a": 1})
)


@st.composite
def chat_streams(draw) -> bytes:
    """Two choices and two tool calls whose deltas interleave at will."""
    paths = {
        (0, "content"): draw(texts),
        (0, "reasoning_content"): draw(texts),
        (1, "content"): draw(texts),
        (1, 0): draw(arguments),
        (1, 1): draw(arguments),
    }
    queues = {path: fragments(text, draw(sizes)) for path, text in paths.items()}
    chunks = []
    while any(queues.values()):
        choice, field = draw(st.sampled_from([path for path, queue in queues.items() if queue]))
        part = queues[choice, field].pop(0)
        call = {"index": field, "function": {"arguments": part}}
        delta = {field: part} if isinstance(field, str) else {"tool_calls": [call]}
        chunks.append({"choices": [{"index": choice, "delta": delta, "finish_reason": None}]})
    chunks += [{"choices": [{"index": choice, "delta": {}, "finish_reason": "stop"}]} for choice in (0, 1)]
    chunks.append({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    data = b"".join(b"data: " + json.dumps({"id": "c", **chunk}).encode() + b"\n\n" for chunk in chunks)
    return data + b"data: [DONE]\n\n"


@st.composite
def messages_streams(draw) -> bytes:
    said, given_input, thought = draw(texts), draw(arguments), draw(texts)
    blocks = [
        ({"type": "thinking", "thinking": ""}, "thinking_delta", "thinking", fragments(thought, draw(sizes))),
        ({"type": "text", "text": draw(texts)}, "text_delta", "text", fragments(said, draw(sizes))),
        ({"type": "tool_use", "input": {}}, "input_json_delta", "partial_json", fragments(given_input, draw(sizes))),
    ]
    events = [{"type": "message_start", "message": {"id": "m", "type": "message", "usage": {"input_tokens": 1}}}]
    for index, (start, kind, field, parts) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [
            {"type": "content_block_delta", "index": index, "delta": {"type": kind, field: part}} for part in parts
        ]
        events.append({"type": "content_block_stop", "index": index})
    end = {"stop_reason": "stop_sequence", "stop_sequence": PLACEHOLDER}
    events += [{"type": "message_delta", "delta": end, "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


@given(chat_streams(), cuts)
def test_a_restored_chat_stream_is_the_restored_answer(stream, cuts):
    assert restored_whole(chat, chat.assemble(stream)) == chat.assemble(rewritten(chat, stream, cuts))


@given(messages_streams(), cuts)
def test_a_restored_messages_stream_is_the_restored_answer(stream, cuts):
    assert restored_whole(messages, messages.assemble(stream)) == messages.assemble(rewritten(messages, stream, cuts))


UNKNOWN = (
    b": keep-alive\n\n"
    b"event: mystery\r\ndata:  not json\r\n\r\n"
    b'data: {"choices": [{"delta": {"content": "plain  text"}}], "odd":   1.50}\n\n'
    b'event: ping\ndata: {"type":  "ping"}\n\n'
    b'event: content_block_delta\ndata: {"type":  "content_block_delta", "index": 0, '
    b'"delta": {"type": "text_delta", "text": "plain"}}\n\n'
    b'event: error\ndata: {"type": "error", "error": {"message": "<P1>"}}\n\n'
    b"data: [1, 2]\n\ndata: {unfinished"
)


@given(cuts)
def test_events_in_which_nothing_is_put_back_pass_byte_for_byte(cuts):
    assert UNKNOWN == rewritten(chat, UNKNOWN, cuts)
    assert UNKNOWN == rewritten(messages, UNKNOWN, cuts)


@given(chat_streams(), cuts)
def test_usage_is_hidden_from_who_did_not_ask(stream, cuts):
    kept = [event for event in split_events(stream) if b'"usage"' not in event]
    usage_filter = chat.rewriter(None, with_usage=False)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]

    passed = b"".join(usage_filter.feed(stream[start:end]) for start, end in pairwise(edges)) + usage_filter.finish()

    assert b"".join(kept) == passed
    assert b'"usage"' not in rewritten(chat, stream, cuts, with_usage=False)


def test_a_stream_that_needs_nothing_has_no_rewriter():
    assert chat.rewriter(None, with_usage=True) is None
    assert messages.rewriter(None, with_usage=False) is None


def said(stream: bytes) -> str:
    events = [event_json(event) or {} for event in split_events(stream)]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event.get("choices", ()))


def content(text: str, finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"id": "c", "model": "m", "choices": [choice]}).encode() + b"\n\n"


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n", b"data: [DONE]", b'data: {"choices": [{"del'])
def test_what_was_held_back_comes_before_the_end(end):
    stream = rewritten(chat, content("to <P1> and <P") + end, [])

    assert f"to {NAME} and <P" == said(stream)
    assert stream.endswith(end)


def test_text_in_the_last_event_is_completed_there():
    stream = rewritten(chat, content("a <P") + content("1> <", "stop"), [])

    assert 2 == len(list(split_events(stream)))
    assert f"a {NAME} <" == said(stream)


def test_a_held_text_leaves_in_an_event_like_the_others():
    last = list(split_events(rewritten(chat, content("<P"), [])))[-1]

    assert {"id": "c", "model": "m", "object": "chat.completion.chunk"}.items() <= event_json(last).items()


def test_json_mode_is_restored_with_its_escapes():
    stream = rewritten(chat, content(" ") + content('{"who": "<P1') + content('>"}'), [])

    assert {"who": NAME} == json.loads(said(stream))


def test_a_stream_of_endless_channels_holds_a_bounded_number():
    rewriter = chat.rewriter(ToyRestorer, with_usage=True)
    for index in range(5000):
        choice = {"index": index, "delta": {"content": "<"}}
        rewriter.feed(b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n")

    assert rewriter.finish().count(b"data:") <= 4096
