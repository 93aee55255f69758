"""The shipped trees: nearer is never worse, what people say in other words is likely right, other things are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.adapters.model_files import find_folder
from daemon.caching.error_bound import BANDS
from daemon.caching.guards.features import read_features
from daemon.caching.verifier import FILE, SIGNS, Verifier, signs_of

VERIFIER = Verifier.load(find_folder("verifier", FILE))
TEXTS = st.text(max_size=60) | st.sampled_from(["how do I freeze my card?", "my card was stolen", "is it safe?"])


def probability(asked: str, kept: str, similarity: float) -> float:
    return VERIFIER.probability(read_features(asked), read_features(kept), similarity)


@given(TEXTS, TEXTS, st.floats(0.75, 1.0), st.floats(0.75, 1.0))
def test_nearer_is_never_less_likely_right(asked: str, kept: str, one: float, other: float) -> None:
    near, far = max(one, other), min(one, other)

    assert probability(asked, kept, far) <= probability(asked, kept, near)
    assert 0 < probability(asked, kept, near) < 1


@given(TEXTS, TEXTS)
def test_every_pair_has_all_signs(asked: str, kept: str) -> None:
    signs = signs_of(read_features(asked), read_features(kept), 0.9)

    assert len(SIGNS) == len(signs)


@pytest.mark.parametrize(
    ("asked", "kept", "similarity"),
    [
        ("what is the way to reset a forgotten password", "how do I reset a forgotten password?", 0.95),
        ("please tell me how to bake sourdough bread", "how to bake sourdough bread", 0.96),
    ],
)
def test_other_words_for_the_same_are_likely_right(asked: str, kept: str, similarity: float) -> None:
    assert probability(asked, kept, similarity) > 0.95


def test_two_things_that_are_only_near_are_not() -> None:
    assert probability("how long does salmon keep in the fridge", "how long does rice keep in the pantry", 0.8) < 0.9


def test_certified_errors_fall_with_the_band() -> None:
    assert len(BANDS) == len(VERIFIER.certified)
    assert sorted(VERIFIER.certified, reverse=True) == list(VERIFIER.certified)
