"""Words to vectors for the tagger: sums of table rows, remembered by word."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..errors import ModelUnavailable
from .tagger_words import features

Floats = NDArray[np.float32]

# With their vectors these are 11 MB; when there are so many, all are forgotten and met anew.
_MOST_KNOWN = 24_000
# BERT's vocabulary has its marks and digits from here on, then its words, the most frequent first. 9,000 of these
# take 0.15 s and 4 MB.
_FIRST_MARK = 999
_COMMON = 6_000
# Their grams' rows are all in memory for a moment: 22 MB for all common words at once.
_LEARNED_AT_ONCE = 256


class Table:
    """Rows of int8 with one scale for each row."""

    def __init__(self, rows: NDArray[np.int8], scales: NDArray[np.float32]) -> None:
        self._rows = rows
        self._scales = scales[:, None]

    @property
    def width(self) -> int:
        return int(self._rows.shape[1])

    def means(self, bags: Sequence[Sequence[int]]) -> Floats:
        """The mean of each bag's rows; nothing for an empty one."""
        result = np.zeros((len(bags), self.width), np.float32)
        sizes = np.array([len(bag) for bag in bags])
        rows = [row for bag in bags for row in bag]
        if rows:
            filled = sizes > 0
            begins = (np.cumsum(sizes) - sizes)[filled]
            sums = np.add.reduceat(self._rows[rows] * self._scales[rows], begins)
            result[filled] = sums / sizes[filled, None]
        return result


class WordVectors:
    """Safe from several threads."""

    def __init__(self, tables: Path, tokenizer: Tokenizer) -> None:
        """
        Raises:
            ModelUnavailable: a file cannot be read.
        """
        try:
            with np.load(tables) as files:
                self._pieces = Table(files["pieces"], files["piece_scales"])
                self._grams = Table(files["grams"], files["gram_scales"])
                self._shapes: Floats = files["shapes"]
        except (OSError, ValueError, KeyError) as error:
            raise ModelUnavailable(f"{tables} cannot be read ({type(error).__name__})") from error
        self._tokenizer = tokenizer
        self._vectors = np.zeros((_MOST_KNOWN, self._pieces.width), np.float32)
        self._known: dict[str, int] = {}
        self._lock = threading.Lock()
        common = self._common_words()
        for first in range(0, len(common), _LEARNED_AT_ONCE):
            self._learn(common[first : first + _LEARNED_AT_ONCE])

    def of(self, words: Sequence[str]) -> Floats:
        """Their vectors, one row for each word; of at most 10,000 words."""
        with self._lock:
            try:
                rows = list(map(self._known.__getitem__, words))
            except KeyError:
                self._meet(words)
                rows = list(map(self._known.__getitem__, words))
            vectors: Floats = self._vectors[np.array(rows, np.intp)]
            return vectors

    def _meet(self, words: Sequence[str]) -> None:
        new = set(words).difference(self._known)
        if len(self._known) + len(new) > _MOST_KNOWN:
            self._known.clear()
            new = set(words)
        self._learn(sorted(new))

    def _learn(self, words: Sequence[str]) -> None:
        pieces, grams, shapes = zip(*(features(word, self._tokenizer) for word in words), strict=True)
        first, last = len(self._known), len(self._known) + len(words)
        self._vectors[first:last] = self._pieces.means(pieces) + self._grams.means(grams) + self._shapes[list(shapes)]
        self._known.update(zip(words, range(first, last), strict=True))

    def _common_words(self) -> list[str]:
        """The tokenizer's own words by frequency, small and capitalised: most words of most texts."""
        pieces = (self._tokenizer.id_to_token(number) or "" for number in range(_FIRST_MARK, _FIRST_MARK + _COMMON))
        words = [piece for piece in pieces if piece.isalpha() or len(piece) == 1]
        return sorted({*words, *map(str.capitalize, words)})
