"""A conversation is known by its beginning, in every protocol."""

from __future__ import annotations

import pytest

from daemon.dialects import dialect_named

SYSTEM, USER, OTHER = (
    {"role": "system", "content": "s"},
    {"role": "user", "content": "u"},
    {"role": "user", "content": "o"},
)
REST = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "and?"}]


@pytest.mark.parametrize(
    ("dialect", "make"),
    [
        ("chat", lambda *turns: {"messages": [SYSTEM, *turns]}),
        ("messages", lambda *turns: {"system": "s", "messages": list(turns)}),
        ("count_tokens", lambda *turns: {"system": "s", "messages": list(turns)}),
        ("responses", lambda *turns: {"instructions": "s", "input": list(turns)}),
    ],
)
def test_later_turns_do_not_change_it_and_another_first_turn_does(dialect, make):
    opening = dialect_named(dialect).opening

    assert opening(make(USER)) == opening(make(USER, *REST))
    assert opening(make(USER)) != opening(make(OTHER))


def test_a_stored_response_stands_for_its_conversation():
    opening = dialect_named("responses").opening

    assert opening({"input": "a", "previous_response_id": "r"}) == opening({"input": "b", "previous_response_id": "r"})
