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


@pytest.mark.parametrize("body", [{"input": "a"}, {"messages": [USER]}], ids=["responses", "chat"])
def test_a_conversation_that_is_named_to_the_prompt_cache_is_known_by_that(body):
    opening = dialect_named("responses" if "input" in body else "chat").opening
    later = {name: [*value, *REST] if isinstance(value, list) else value + "b" for name, value in body.items()}

    assert opening({**body, "prompt_cache_key": "c1"}) == opening({**later, "prompt_cache_key": "c1"})
    assert opening({**body, "prompt_cache_key": "c1"}) != opening({**body, "prompt_cache_key": "c2"})
