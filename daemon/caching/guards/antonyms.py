"""Pairs of opposite words of English, from WordNet; made by models/build_lexicon.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .stems import stem

FILE = Path(__file__).parent / "antonyms.txt"


def _read(file: Path) -> dict[str, frozenset[str]]:
    """Each word's stem to the stems of its opposites. A line is a word and its opposites; `#` begins a comment."""
    found: dict[str, set[str]] = {}
    for line in file.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        word, *opposites = map(stem, line.split())
        for opposite in opposites:
            found.setdefault(word, set()).add(opposite)
            found.setdefault(opposite, set()).add(word)
    return {word: frozenset(opposites) for word, opposites in found.items()}


ANTONYMS: Mapping[str, frozenset[str]] = _read(FILE)
