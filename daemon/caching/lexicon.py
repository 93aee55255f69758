"""How two words of English are related: the same, one of the other's kind, two of one kind; from WordNet."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

FILE = "words.npz"
IS_KIND = 1 << 31

Relation = Literal["same", "kind", "siblings", "apart", "unknown"]
RELATIONS: tuple[Relation, ...] = ("same", "kind", "siblings", "apart", "unknown")
"""`automobile` and `car`; `dog` and `animal`; `dog` and `cat`; none of these; one of them stands in no dictionary.
The closest first."""

REMEMBERED = 4_096


def hash_of(stem: str) -> int:
    return crc32(stem.encode())


class Lexicon:
    """69,000 words in 1.2 MB: sorted hashes of their stems, each with its synsets and the kinds of these.

    A word that is not in it may have the hash of one that is: 1 in 60,000 does.
    """

    def __init__(self, arrays: dict[str, NDArray[np.uint32]]) -> None:
        """The arrays of `models/build_lexicon.py`."""
        self._hashes = arrays["hashes"]
        self._names = arrays["names"]
        self._ends = np.cumsum(arrays["counts"], dtype=np.uint32)
        self.relation = lru_cache(REMEMBERED)(self._relation)
        self._entry = lru_cache(REMEMBERED)(self._read)

    @classmethod
    def load(cls, folder: Path) -> Lexicon:
        """
        Raises:
            OSError, ValueError, KeyError, BadZipFile: the file is missing or not what it should be.
        """
        with np.load(folder / FILE, allow_pickle=False) as arrays:
            return cls({name: arrays[name] for name in arrays.files})

    def _relation(self, one: str, other: str) -> Relation:
        """Of two stems; symmetric."""
        mine, theirs = self._entry(one), self._entry(other)
        if mine is None or theirs is None:
            return "unknown"
        (my_own, my_kinds), (their_own, their_kinds) = mine, theirs
        if my_own & their_own:
            return "same"
        if my_own & their_kinds or my_kinds & their_own:
            return "kind"
        return "siblings" if my_kinds & their_kinds else "apart"

    def _read(self, stem: str) -> tuple[frozenset[int], frozenset[int]] | None:
        """A word's synsets and their kinds; None where it is not known."""
        key = hash_of(stem)
        at = int(np.searchsorted(self._hashes, key))
        if at == len(self._hashes) or self._hashes[at] != key:
            return None
        names = self._names[self._ends[at - 1] if at else 0 : self._ends[at]].tolist()
        return (
            frozenset(name for name in names if not name & IS_KIND),
            frozenset(name & ~IS_KIND for name in names if name & IS_KIND),
        )
