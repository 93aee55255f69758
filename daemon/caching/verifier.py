"""How likely a kept answer is right for another question, judged from the two questions; see models/verifier/."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .guards.features import Features

FILE = "trees.npz"

SIGNS = (
    "similarity",
    "only in one",
    "only in other",
    "in both",
    "shared meanings",
    "shared light words",
    "in order",
    "related words",
    "question words",
    "first word",
    "shorter",
    "longer by",
    "specifics",
    "persons",
    "tenses",
)
"""What the trees look at, in their order. Symmetric, since either question may be the kept one."""

RELATED_LETTERS = 4
"""Words that begin with as many equal letters are counted as related: `freezer` and `frozen` are not, `freeze` is."""


class Verifier:
    """Gradient-boosted trees with their calibration; about 60 µs for a pair. Nearer texts never score less."""

    def __init__(self, trees: dict[str, NDArray[np.float32]]) -> None:
        """The arrays of `models/train_verifier.py`: a row a tree, its nodes as a heap, then the leaves."""
        self._sign = trees["sign"].astype(np.intp)
        self._limit = trees["limit"]
        self._leaf = trees["leaf"]
        self._depth = int(self._leaf.shape[1]).bit_length() - 1
        self._rows = np.arange(len(self._leaf))
        self.certified: tuple[float, ...] = tuple(trees["certified"].tolist())
        """The error at or above each of `error_bound.BANDS`, on families that training never saw."""
        self._scores: list[float] = trees["scores"].tolist()
        self._probabilities: list[float] = trees["probabilities"].tolist()

    @classmethod
    def load(cls, folder: Path) -> Verifier:
        """
        Raises:
            OSError, ValueError, KeyError: the file is missing or not what it should be.
        """
        try:
            with np.load(folder / FILE, allow_pickle=False) as arrays:
                return cls({name: arrays[name] for name in arrays.files})
        except BadZipFile as error:
            raise ValueError(f"{folder / FILE} is damaged") from error

    def probability(self, asked: Features, kept: Features, similarity: float) -> float:
        """That the answer of `kept` is right for `asked`, given that no guard of a closed list objects."""
        return self._calibrated(self._score(np.array(signs_of(asked, kept, similarity), dtype=np.float32)))

    def _score(self, signs: NDArray[np.float32]) -> float:
        node = np.zeros(len(self._rows), dtype=np.intp)
        for _ in range(self._depth):
            goes_right = signs[self._sign[self._rows, node]] > self._limit[self._rows, node]
            node = 2 * node + 1 + goes_right
        return float(self._leaf[self._rows, node - (self._leaf.shape[1] - 1)].sum())

    def _calibrated(self, score: float) -> float:
        """On the line between the two nearest points of the calibration."""
        at = bisect_left(self._scores, score)
        if at in (0, len(self._scores)):
            return self._probabilities[min(at, len(self._scores) - 1)]
        low, high = self._scores[at - 1], self._scores[at]
        below, above = self._probabilities[at - 1], self._probabilities[at]
        return below + (above - below) * (score - low) / (high - low)


def signs_of(one: Features, other: Features, similarity: float) -> list[float]:
    """The values of SIGNS for a pair."""
    shared = one.content & other.content
    only_one, only_other = one.content - shared, other.content - shared
    light_one, light_other = _light(one), _light(other)
    shorter, longer = sorted((len(one.tokens), len(other.tokens)))
    return [
        similarity,
        min(len(only_one), len(only_other)),
        max(len(only_one), len(only_other)),
        len(shared),
        _share(len(shared), len(one.content | other.content)),
        _share(len(light_one & light_other), len(light_one | light_other)),
        _in_order(one.meanings, other.meanings, shared),
        _related(only_one, only_other),
        _agreement(one.question_words, other.question_words),
        float(one.tokens[:1] == other.tokens[:1]),
        shorter,
        longer - shorter,
        len(one.numbers) + len(one.entities) + len(one.quoted) + len(one.code),
        _agreement(frozenset(one.persons), frozenset(other.persons)),
        _agreement(one.tenses, other.tenses),
    ]


def _light(features: Features) -> set[str]:
    """Words without a meaning of their own: `how`, `to`, `my`."""
    return {token for token, meaning in zip(features.tokens, features.meanings, strict=True) if not meaning}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def _in_order(one: Sequence[str], other: Sequence[str], shared: frozenset[str]) -> float:
    """Of the shared meanings that follow each other in one text, how many do in the other."""
    place = {meaning: at for at, meaning in enumerate(other) if meaning in shared}
    places = [place[meaning] for meaning in one if meaning in shared]
    rising = sum(a < b for a, b in pairwise(places))
    return _share(rising, len(places) - 1)


def _related(only_one: frozenset[str], only_other: frozenset[str]) -> float:
    """Of the beginnings of words that one text has alone, how many both have."""
    one, other = ({word[:RELATED_LETTERS] for word in words} for words in (only_one, only_other))
    return _share(len(one & other), len(one | other))


def _agreement(one: frozenset[str], other: frozenset[str]) -> float:
    """1: equal; 0.5: one of them says nothing of the kind, or more than the other; 0: they differ."""
    if one == other:
        return 1.0
    return 0.5 if one <= other or other <= one else 0.0
