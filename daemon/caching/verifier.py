"""How likely a kept answer is right for another question, judged from the two questions; see models/verifier/.

Two readings, since people mean two things by the same answer. *Specific*: every detail counts, as where each prompt
names its own thing. *Topical*: the concern counts, as at a help desk that has one answer for each. No trees that saw
both kinds ranked either of them as well; which one holds in a scope is told by its checks, see error_bound.py.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from .guards.features import Features
from .guards.stems import stem
from .lexicon import RELATIONS, Lexicon

FILE = "trees.npz"

Reading = Literal["specific", "topical"]
READINGS: tuple[Reading, ...] = ("specific", "topical")


Likeness = Literal["other", "near", "same words"]
"""How much more alike two texts are than their odds say, see admission.py."""


class Odds(NamedTuple):
    """The probability that the kept answer is right, by reading."""

    specific: float
    topical: float
    likeness: Likeness = "other"

    def of(self, reading: Reading) -> float:
        return self.specific if reading == "specific" else self.topical


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
    "other words for it",
    "siblings",
    "unknown words",
    "unrelated words",
    "more words",
)
"""What the trees look at, in their order. Symmetric, since either question may be the kept one."""

RELATED_LETTERS = 4
"""Words that begin with as many equal letters are counted as related: `freezer` and `frozen` are not, `freeze` is."""


class Verifier:
    """Both readings of a pair; about 0.15 ms. Nearer texts never score less."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]], lexicon: Lexicon) -> None:
        """The arrays of `models/train_verifier.py`, each with its reading in its name."""
        self.lexicon = lexicon
        self._trees = {reading: _Trees(_named(arrays, reading)) for reading in READINGS}

    @classmethod
    def load(cls, folder: Path) -> Verifier:
        """
        Raises:
            OSError, ValueError, KeyError: a file is missing or not what it should be.
        """
        try:
            with np.load(folder / FILE, allow_pickle=False) as arrays:
                return cls({name: arrays[name] for name in arrays.files}, Lexicon.load(folder))
        except BadZipFile as error:
            raise ValueError(f"{folder / FILE} is damaged") from error

    def odds(self, asked: Features, kept: Features, similarity: float) -> Odds:
        """That the answer of `kept` is right for `asked`, given that no guard of a closed list objects."""
        signs = np.array(signs_of(asked, kept, similarity, self.lexicon), dtype=np.float32)
        specific, topical = (self._trees[reading].probability(signs) for reading in READINGS)
        return Odds(specific, topical)


def _named(arrays: Mapping[str, NDArray[np.float32]], reading: Reading) -> dict[str, NDArray[np.float32]]:
    own = f"{reading}."
    return {name.removeprefix(own): array for name, array in arrays.items() if name.startswith(own)}


class _Trees:
    """Gradient-boosted trees and their calibration."""

    def __init__(self, trees: Mapping[str, NDArray[np.float32]]) -> None:
        """A row a tree, its nodes as a heap, then the leaves."""
        self._sign = trees["sign"].astype(np.intp)
        self._limit = trees["limit"]
        self._leaf = trees["leaf"]
        self._depth = int(self._leaf.shape[1]).bit_length() - 1
        self._rows = np.arange(len(self._leaf))
        self._scores: list[float] = trees["scores"].tolist()
        self._probabilities: list[float] = trees["probabilities"].tolist()

    def probability(self, signs: NDArray[np.float32]) -> float:
        return self._calibrated(self._score(signs))

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


def signs_of(one: Features, other: Features, similarity: float, lexicon: Lexicon) -> list[float]:
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
        *_exchanges(_stems(one, shared), _stems(other, shared), lexicon),
    ]


def _stems(features: Features, shared: frozenset[str]) -> frozenset[str]:
    """Of the words whose meaning the other text does not have."""
    pairs = zip(features.tokens, features.meanings, strict=True)
    return frozenset(stem(token) for token, meaning in pairs if meaning and meaning not in shared)


def _exchanges(one: Iterable[str], other: Iterable[str], lexicon: Lexicon) -> tuple[int, int, int, int, int]:
    """What became of the words that the shorter text has alone: other words say the same, or something of the same
    kind, or nobody knows, or nothing of the kind; and how many words more the longer one has."""
    fewer, more = sorted((sorted(one), sorted(other)), key=len)
    closest = [
        min((lexicon.relation(word, its) for its in more), key=RELATIONS.index, default="apart") for word in fewer
    ]
    count = closest.count
    return count("same") + count("kind"), count("siblings"), count("unknown"), count("apart"), len(more) - len(fewer)


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
