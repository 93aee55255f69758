"""Texts that the embedder cannot tell apart have no near answers."""

import pytest

from daemon.caching.placeholders import why_exact_only


@pytest.mark.parametrize(
    "text",
    [
        "a\x00b",
        "\u202e",
        "yes\u200b",
        "so\u00adft",
        "How do you feel? 😀",
        "什么是向量?",
        "как дела",
        "x ≤ 3",
        "???",
        "<A_1> pays <A_2>",
    ],
)
def test_it_is_exact_only(text):
    assert why_exact_only(text)


@pytest.mark.parametrize(
    "text", ["How do I undo a commit?", "Qu’est-ce que c’est, naïf – 5 €?", "Mail <EMAIL_ADDRESS_1>\n\tnow"]
)
def test_it_may_be_answered_nearly(text):
    assert why_exact_only(text) is None
