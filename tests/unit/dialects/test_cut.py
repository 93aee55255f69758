"""A stream that is cut anywhere and ended there is a whole one that has reached its output limit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects import dialect_named
from daemon.dialects.sse import event_json
from daemon.exchange import Usage
from tests.upstream import (
    Reply,
    ToolCall,
    chat_events,
    completions_events,
    messages_events,
    responses_events,
)

USAGE = Usage(input_tokens=11, output_tokens=5)
REPLY = Reply("one two three", tool_calls=(ToolCall("send", '{"to": "Bo", "n": [1, 2]}'),))
TEXT = Reply("one two three")

STREAMS: dict[str, list[bytes]] = {
    "chat": chat_events(REPLY, "m", with_usage=True),
    "completions": completions_events(TEXT, "m", 1, with_usage=True),
    "messages": messages_events(REPLY, "m", 1),
    "responses": responses_events(REPLY, "m", 1, {}),
}

IS_CUT: dict[str, Callable[[dict], bool]] = {
    "chat": lambda answer: all(choice["finish_reason"] in ("length", "tool_calls") for choice in answer["choices"]),
    "completions": lambda answer: all(choice["finish_reason"] in ("length", "stop") for choice in answer["choices"]),
    "messages": lambda answer: answer["stop_reason"] == "max_tokens",
    "responses": lambda answer: answer["incomplete_details"]["reason"] == "max_output_tokens",
}


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_what_came_and_what_ends_it_is_one_whole_answer(name: str, data: st.DataObject) -> None:
    dialect, events = dialect_named(name), STREAMS[name]
    last = max(number for number, event in enumerate(events) if list(_texts(dialect, event)))
    came = b"".join(events[: data.draw(st.integers(2, last))])
    stream = came + dialect.cut(came, USAGE)
    answer = dialect.assemble_partial(stream)

    assert dialect.ends_stream(stream)
    assert IS_CUT[name](answer) and not dialect.is_normal(answer)
    assert (11, 5) == (dialect.usage(answer).input_tokens, dialect.usage(answer).output_tokens)
    assert dialect.answer_text(dialect.assemble_partial(came)) == dialect.answer_text(answer)


@pytest.mark.parametrize("name", STREAMS)
def test_the_texts_of_all_events_are_what_was_written(name: str) -> None:
    dialect, events = dialect_named(name), STREAMS[name]
    written = "".join(text for event in events for text in _texts(dialect, event))
    said = TEXT.text if name == "completions" else REPLY.text + REPLY.tool_calls[0].arguments

    assert said == written


def _texts(dialect, event: bytes) -> list[str]:
    found = event_json(event)
    return dialect.delta_texts(found) if found is not None else []
