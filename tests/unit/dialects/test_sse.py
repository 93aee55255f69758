from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects.sse import EventSplitter, event_data, event_json, json_event, with_json

STREAM = b": hello\n\nevent: a\ndata: 1\n\ndata: 2\r\ndata: 3\r\n\r\nid: 7\rdata:4\r\rretry: 5\n\r\ndata: last"


def pieces_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


@given(st.lists(st.integers(0, len(STREAM))))
def test_events_are_the_same_however_the_stream_is_cut(cuts):
    splitter = EventSplitter()

    events = [event for piece in pieces_of(STREAM, cuts) for event in splitter.feed(piece)]

    assert [b"", b"1", b"2\n3", b"4", b"", b"last"] == [event_data(event) for event in [*events, splitter.rest()]]


@given(st.lists(st.binary(max_size=12)), st.integers(1, 8))
def test_no_byte_is_lost_or_added(pieces, max_event_bytes):
    splitter = EventSplitter(max_event_bytes)

    events = [event for piece in pieces for event in splitter.feed(piece)]

    assert b"".join(pieces) == b"".join(events) + splitter.rest()


def test_an_endless_event_is_not_held():
    splitter = EventSplitter(max_event_bytes=1000)

    passed = sum(len(block) for _ in range(100) for block in splitter.feed(b"x" * 100))

    assert passed >= 9_000


def test_an_event_keeps_its_name_comments_and_line_ends_when_its_data_changes():
    block = b"event: a\r\n: note\r\ndata: {\r\ndata: }\r\nid: 1\r\n\r\n"

    assert b'event: a\r\n: note\r\ndata: {"b":1}\r\nid: 1\r\n\r\n' == with_json(block, {"b": 1})


def test_what_is_written_is_read():
    assert {"text": "a\nb"} == event_json(json_event({"text": "a\nb"}, name="x"))


def test_data_that_is_no_object_is_none():
    assert [None] * 4 == [event_json(b"data: " + data + b"\n\n") for data in (b"[DONE]", b"1", b"{", b"\xff")]
