"""A stream's recording: whole while it is short, bounded always."""

from hypothesis import given
from hypothesis import strategies as st

from daemon import tape
from daemon.tape import Tape


@given(st.lists(st.binary(max_size=200)))
def test_the_tape_holds_what_passed(pieces):
    recording = Tape()
    for piece in pieces:
        recording.record(piece)

    assert b"".join(pieces) == recording.bytes()
    assert recording.is_whole


@given(st.integers(1, 13))
def test_an_ending_cut_in_two_is_seen_whole(cut):
    ending = b"data: [DONE]\n\n"
    recording = Tape()
    recording.record(b"x" * 500 + ending[:cut])

    assert ending in recording.record(ending[cut:])


def test_a_long_stream_keeps_its_end_only():
    recording = Tape()
    for _ in range(10):
        recording.record(b"x" * 2**20)
    recording.record(b"usage")

    assert not recording.is_whole
    assert recording.bytes().endswith(b"usage")
    assert tape.MAX_BYTES > len(recording.bytes())
