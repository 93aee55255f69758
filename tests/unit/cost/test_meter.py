"""Whoever keeps to the limit is never cut, and what passes is what came, however it was cut into pieces."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from daemon.cost.meter import Meter
from daemon.dialects import dialect_named
from tests.upstream import Reply, chat_events, messages_events

WORDS = tuple(f"word{number} " for number in range(20))
STREAMS = {
    "chat": b"".join(chat_events(Reply("".join(WORDS), pieces=WORDS), "m", with_usage=True)),
    "messages": b"".join(messages_events(Reply("".join(WORDS), pieces=WORDS), "m", 1)),
}


def passed_by(meter: Meter, stream: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    passed = b""
    for start, end in itertools.pairwise(edges):
        passed += meter.within(stream[start:end])
        if meter.is_passed:
            return passed
    return passed + meter.rest()


@given(name=st.sampled_from(sorted(STREAMS)), cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_a_stream_within_its_bound_passes_byte_for_byte(name, cuts):
    meter = Meter(dialect_named(name), len(WORDS))

    assert STREAMS[name] == passed_by(meter, STREAMS[name], cuts)
    assert not meter.is_passed


@given(
    name=st.sampled_from(sorted(STREAMS)),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
    bound=st.integers(1, len(WORDS) - 1),
)
def test_the_first_word_beyond_the_bound_does_not_pass(name, cuts, bound):
    meter = Meter(dialect_named(name), bound)
    passed = passed_by(meter, STREAMS[name], cuts)

    assert meter.is_passed and STREAMS[name].startswith(passed)
    assert WORDS[bound - 1].encode() in passed and WORDS[bound].encode() not in passed


@given(
    name=st.sampled_from(sorted(STREAMS)),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
    bounds=st.lists(st.integers(1, 5), min_size=1, max_size=8),
)
def test_a_bound_that_is_raised_in_time_loses_nothing(name, cuts, bounds):
    meter, stream = Meter(dialect_named(name), 0), STREAMS[name]
    edges = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    passed = b""
    for start, end in itertools.pairwise(edges):
        passed += meter.within(stream[start:end])
        while meter.is_passed and bounds:
            passed += meter.raise_to(meter.bound_tokens + bounds.pop())
        if meter.is_passed:
            assert stream.startswith(passed) and WORDS[meter.bound_tokens].encode() not in passed
            return

    assert stream == passed + meter.rest()


def test_many_tokens_in_one_delta_are_counted_by_their_bytes():
    meter = Meter(dialect_named("chat"), 10)
    stream = b"".join(chat_events(Reply("", pieces=("x" * 80, "y" * 8)), "m"))

    assert b"x" * 80 in meter.within(stream)
    assert meter.is_passed
