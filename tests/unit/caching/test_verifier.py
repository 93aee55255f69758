"""The shipped trees: nearer is never worse, what people say in other words is likely right, other things are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.adapters.model_files import find_folder
from daemon.caching.guards.features import read_features
from daemon.caching.guards.stems import stem
from daemon.caching.verifier import FILE, READINGS, SIGNS, Odds, Verifier, signs_of

VERIFIER = Verifier.load(find_folder("verifier", FILE))
TEXTS = st.text(max_size=60) | st.sampled_from(["how do I freeze my card?", "my card was stolen", "is it safe?"])


def odds(asked: str, kept: str, similarity: float) -> Odds:
    return VERIFIER.odds(read_features(asked), read_features(kept), similarity)


def probability(asked: str, kept: str, similarity: float) -> float:
    return odds(asked, kept, similarity).specific


@given(TEXTS, TEXTS, st.floats(0.75, 1.0), st.floats(0.75, 1.0))
def test_nearer_is_never_less_likely_right(asked: str, kept: str, one: float, other: float) -> None:
    near, far = max(one, other), min(one, other)

    for reading in READINGS:
        assert odds(asked, kept, far).of(reading) <= odds(asked, kept, near).of(reading)
        assert 0 < odds(asked, kept, near).of(reading) < 1


@given(TEXTS, TEXTS)
def test_every_pair_has_all_signs(asked: str, kept: str) -> None:
    signs = signs_of(read_features(asked), read_features(kept), 0.9, VERIFIER.lexicon)

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


def test_another_thing_counts_in_detail_and_less_by_subject() -> None:
    two_dishes = odds("how do I cook lentils", "how do I cook barley", 0.85)

    assert two_dishes.specific < two_dishes.topical


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("automobile", "car", "same"),
        ("dog", "dogs", "same"),
        ("violin", "gravel", "apart"),
        ("dog", "wolf", "siblings"),
        ("lemon", "citrus", "kind"),
        ("naproxenol", "car", "unknown"),
    ],
)
def test_words_are_related_as_a_dictionary_has_it(one: str, other: str, relation: str) -> None:
    assert relation == VERIFIER.lexicon.relation(stem(one), stem(other))
    assert relation == VERIFIER.lexicon.relation(stem(other), stem(one))
