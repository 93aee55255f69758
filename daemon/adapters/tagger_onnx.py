"""The tagger: names, addresses, places and organizations in a text, by a small convolutional network in ONNX.

A word's vector is a sum of rows of tables, and is remembered; the network reads a word beside its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..exchange import Span
from .model_files import ModelFiles
from .onnx_session import open_session
from .tagger_spans import TAKEN_IN, LikelyWord, grown, outside_addresses
from .tagger_vectors import Floats, WordVectors
from .tagger_words import Words, windows

# Memory stays bounded however long a text is.
_WINDOW_CHARS = 6_000
# Below what is known by a check sum or its own form: where both find something, that decides what it is.
_MOST_CERTAIN = 0.85


class Tagger:
    """Loaded, and safe from several threads."""

    def __init__(self, files: ModelFiles, tokenizer: Tokenizer, thresholds: Mapping[str, float]) -> None:
        """`tokenizer` is MiniLM's; `thresholds`: the kinds that are wanted, and the least score of each.

        Raises:
            ModelUnavailable: a file is missing, damaged or cannot be used.
        """
        files.check()
        self._session = open_session(files.folder / "model.onnx")
        self._vectors = WordVectors(files.folder / "words.npz", tokenizer)
        self._overlap = int(files.facts["overlap"])
        kinds: list[str] = files.facts["kinds"]
        self._kinds = [kind for kind in kinds if kind in thresholds]
        self._columns: NDArray[np.intp] = np.array([kinds.index(kind) for kind in self._kinds], np.intp)
        self._thresholds = thresholds

    def find(self, text: str) -> list[Span]:
        """What is in the text, sorted by start, without overlaps."""
        spans = (
            Span(found.start, found.end, found.kind, _MOST_CERTAIN * found.certainty)
            for found in grown(outside_addresses(self._likely_words(text), text), text)
        )
        return [span for span in spans if span.score >= self._thresholds[span.entity_type]]

    def _likely_words(self, text: str) -> Iterator[LikelyWord]:
        first = 0
        # A word's label depends on no more words on either side than windows overlap.
        for words, begin, end in windows(text, _WINDOW_CHARS, self._overlap):
            if begin < end:
                yield from self._likely_in(words, begin, end, first - begin)
            first += end - begin

    def _likely_in(self, words: Words, begin: int, end: int, before: int) -> Iterator[LikelyWord]:
        """Of the words from `begin` to `end`; the first of `words` is the text's word number `before`."""
        begins, belongs = self._chances(words)
        rows = begin + np.flatnonzero(belongs[begin:end].max(axis=1) >= TAKEN_IN)
        kinds = belongs[rows].argmax(axis=1)
        certain = belongs[rows, kinds]
        is_first = begins[rows, kinds] > certain / 2
        columns = (rows, words.starts[rows], kinds, certain, is_first)
        for row, start, kind, certainty, does_begin in zip(*(column.tolist() for column in columns), strict=True):
            end = start + len(words.texts[row])
            yield LikelyWord(before + row, start, end, words.gaps[row], self._kinds[kind], certainty, does_begin)

    def _chances(self, words: Words) -> tuple[Floats, Floats]:
        """Of each word and each wanted kind: how likely it begins one, how likely it belongs to one."""
        inputs = {"vectors": self._vectors.of(words.texts), "gaps": np.array(words.gaps, np.int64)}
        (labels,) = self._session.run(None, inputs)
        # Labels are: nothing, then of each kind its beginning and its going on.
        begins = labels[:, 1 + 2 * self._columns]
        return begins, begins + labels[:, 2 + 2 * self._columns]
