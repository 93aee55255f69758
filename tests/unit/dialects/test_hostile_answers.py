"""A provider's answer is not ours to trust: no JSON makes a dialect raise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import DIALECTS
from daemon.dialects.dialect import TextKind

from_protocol = st.sampled_from(
    [
        "message",
        "text",
        "output_text",
        "function_call",
        "reasoning",
        "completed",
        "tool_use",
        "text_delta",
        "input_json_delta",
        "content_block_start",
        "content_block_delta",
    ]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | from_protocol
)
NAMES = [
    "choices", "index", "delta", "message", "content", "role", "tool_calls", "function", "arguments", "function_call",
    "finish_reason", "usage", "error", "id", "type", "text", "partial_json", "content_block", "citations", "citation",
    "input", "thinking", "signature", "stop_reason", "stop_sequence", "logprobs", "audio", "transcript", "custom",
    "prompt_tokens_details", "completion_tokens_details", "cache_creation", "output_tokens_details",
    "response", "output", "item", "part", "status", "instructions", "tools", "metadata", "prompt", "variables",
    "summary", "output_index", "content_index", "item_id", "annotation", "input_tokens_details", "data", "embedding",
]  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=25,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
KINDS = [
    "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "ping",
    "response.created", "response.output_item.added", "response.content_part.added", "response.output_text.delta",
    "response.output_text.done", "response.function_call_arguments.delta", "response.function_call_arguments.done",
    "response.output_item.done", "response.completed", "response.failed", "error",
]  # fmt: skip
events = st.builds(lambda kind, event: {**event, "type": kind}, st.sampled_from(KINDS), objects) | objects


class Shouting:
    """Changes every text and holds some back; what is JSON stays JSON, as with the vault."""

    def __init__(self, kind):
        self._is_plain = kind is TextKind.PLAIN

    def feed(self, part):
        return part.upper() if self._is_plain else part

    def finish(self):
        return "!" if self._is_plain else " "


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(answer=objects)
def test_any_object_can_be_read_as_an_answer(dialect, answer):
    dialect.usage(answer)
    dialect.is_normal(answer)
    assert isinstance(dialect.answer_text(answer), str)
    assert all(isinstance(place.text, str) for place in dialect.answer_places(answer))
    assert all(isinstance(place.text, str) for place in dialect.spoken_places(answer))
    dialect.assemble(dialect.replay(answer, with_usage=True))


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(stream=st.lists(events, max_size=6))
def test_any_events_can_be_read_as_a_stream(dialect, stream):
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in stream)
    stream += b"data: [DONE]\n\n" + b'data: {"type": "message_stop"}\n\n'

    dialect.assemble(stream)
    answer = dialect.assemble_partial(stream)
    assert isinstance(dialect.answer_text(answer), str)
    if (rewriter := dialect.rewriter(Shouting, with_usage=False)) is not None:
        rewriter.feed(stream)
        rewriter.finish()


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@given(stream=st.binary())
def test_any_bytes_can_be_read_as_a_stream(dialect, stream):
    dialect.ends_stream(stream)
    dialect.assemble(stream)
    dialect.assemble_partial(stream)
    if (rewriter := dialect.rewriter(Shouting, with_usage=False)) is not None:
        rewriter.feed(stream)
        rewriter.finish()
