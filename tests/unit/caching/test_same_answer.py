"""What it means that two answers are the same."""

from __future__ import annotations

import pytest

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.caching.same_answer import decided_by_form, is_same_answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Paris.", "paris"),
        ("Yes,  of course!", "yes, of\ncourse"),
        ('{"a": 1, "b": [2]}', '{ "b": [2.0], "a": 1 }'),
        ("Here:\n```python\nx = 1\n```", "Like this:\n```\nx  =  1\n\n```"),
    ],
)
def test_equal_but_for_the_dress(one: str, other: str) -> None:
    assert True is decided_by_form(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It takes 5 days.", "It takes 6 days."),
        ("It costs 1,000 euros", "It costs 100 euros"),
        ('{"a": 1}', '{"a": 2}'),
        ("```\nx = 1\n```", "```\nx = 2\n```"),
        ("```\nx = 1\n```", "Set x to one."),
        ("Yes, you can enable it.", "No, you can disable it."),
        ("You may do that.", "You may not do that."),
        ("Press the left button.", "Press the right button."),
    ],
)
def test_one_difference_that_counts(one: str, other: str) -> None:
    assert False is decided_by_form(one, other)


def test_the_marks_of_a_list_are_no_numbers() -> None:
    assert decided_by_form("1. Open it\n2. Close it", "- Open it\n- Close it") is None


async def test_other_words_are_the_same_where_the_embedder_agrees(embedder: OnnxEmbedder) -> None:
    one = "Open the settings and choose privacy to reset your password."
    same = "To reset your password, open settings, then choose privacy."

    assert await is_same_answer(one, same, embedder)
    assert not await is_same_answer(one, "Whales are mammals that live in the sea.", embedder)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cook the salmon for ten minutes.", "Cook the tuna for ten minutes."),
        ("Call your bank to dispute the charge.", "Call your bank to confirm the charge."),
        ("Right answer: lost luggage", "Right answer: flight status"),
    ],
)
async def test_a_short_answer_with_another_word_is_another(embedder: OnnxEmbedder, one: str, other: str) -> None:
    assert not await is_same_answer(one, other, embedder)
