"""What a request that comes again is known by, and what is remembered of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from daemon.exchange import Arrival, Ask, CacheDirectives, Caller
from daemon.repeats import MOST_BYTES, MOST_REQUESTS, Repeats

HEADERS = ((b"Host", b"localhost"), (b"Authorization", b"Bearer one"))
PATH = "/v1/chat/completions"
ANN = Caller("ann", team="a")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = Arrival("req_2", NOW, 2.0)


def an_ask(bytes_print: bytes) -> Ask:
    return Ask(
        id="req_1",
        received_at=NOW,
        started_s=1.0,
        dialect="chat",
        body={"model": "m"},
        model="m",
        stream=False,
        caller=ANN,
        tags=("tag",),
        directives=CacheDirectives(),
        forward_headers={},
        bytes_print=bytes_print,
    )


def test_a_repeat_is_the_same_request_with_an_arrival_of_its_own():
    repeats = Repeats()
    first = an_ask(repeats.bytes_print(PATH, HEADERS, b"{}"))
    repeats.remember(first)
    again = repeats.find(repeats.bytes_print(PATH, HEADERS, b"{}"), ANN, SECOND)

    assert replace(first, id="req_2", started_s=2.0, is_repeat=True) == again


def test_a_key_that_is_bound_to_another_team_by_now_is_read_anew():
    repeats = Repeats()
    repeats.remember(an_ask(b"print"))

    assert repeats.find(b"print", Caller("ann", team="b"), SECOND) is None


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/v1/messages", HEADERS, b"{}"),
        (PATH, HEADERS[:1], b"{}"),
        (PATH, ((b"Host", b"localhost"), (b"Authorization", b"Bearer two")), b"{}"),
        (PATH, HEADERS[::-1], b"{}"),
        (PATH, HEADERS, b"{} "),
        (PATH, HEADERS[:1], b"Authorization\nBearer one\n\n{}"),
    ],
)
def test_whatever_else_came_is_another_request(path, headers, body):
    repeats = Repeats()

    assert repeats.bytes_print(PATH, HEADERS, b"{}") != repeats.bytes_print(path, headers, body)


def test_long_requests_are_not_remembered():
    repeats = Repeats()
    repeats.remember(an_ask(repeats.bytes_print(PATH, HEADERS, bytes(MOST_BYTES + 1))))

    assert repeats.find(b"", ANN, SECOND) is None


def test_those_that_did_not_come_for_longest_are_forgotten_first():
    repeats = Repeats()
    for number in range(MOST_REQUESTS):
        repeats.remember(an_ask(b"%d" % number))
    repeats.find(b"0", ANN, SECOND)
    repeats.remember(an_ask(b"one more"))

    assert repeats.find(b"0", ANN, SECOND) is not None
    assert repeats.find(b"1", ANN, SECOND) is None


def test_all_are_forgotten_when_somebody_is():
    repeats = Repeats()
    repeats.remember(an_ask(b"print"))
    repeats.forget()

    assert repeats.find(b"print", ANN, SECOND) is None
