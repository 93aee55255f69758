"""WordNet: words of every kind, and sentences that show how they are used."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PARTS = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
_EXAMPLE = re.compile(r'"([^"]{12,200})"')


@dataclass(frozen=True, slots=True)
class WordNet:
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    """Those that are regular."""
    adjectives: tuple[str, ...]
    """These three: words that WordNet's own corpus has, in lower case."""
    all: tuple[str, ...]
    examples: tuple[str, ...]
    definitions: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        frequent = _frequent(folder / "cntlist.rev")
        irregular = {line.split()[1] for line in _lines(folder / "verb.exc")}
        glosses = [gloss for part in ("noun", "verb", "adj", "adv") for gloss in _glosses(folder / f"data.{part}")]
        lemmas = {line.split(" ", 1)[0] for part in ("noun", "verb", "adj", "adv") for line in _index(folder, part)}
        return cls(
            nouns=frequent["noun"],
            verbs=tuple(verb for verb in frequent["verb"] if verb not in irregular),
            adjectives=frequent["adj"],
            all=tuple(sorted(lemma for lemma in lemmas if lemma.isalpha() and lemma.isascii() and len(lemma) > 2)),
            examples=tuple(example for gloss in glosses for example in _EXAMPLE.findall(gloss)),
            definitions=tuple(text for gloss in glosses if len(text := gloss.split(';  "')[0].split('; "')[0]) > 20),
        )


def past(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    return f"{verb[:-1]}ied" if verb[-1] == "y" and verb[-2] not in "aeiou" else f"{verb}ed"


def going_on(verb: str) -> str:
    return f"{verb[:-1]}ing" if verb.endswith("e") and not verb.endswith("ee") else f"{verb}ing"


def _frequent(file: Path) -> dict[str, tuple[str, ...]]:
    counts: dict[str, Counter[str]] = {part: Counter() for part in _PARTS.values()}
    for line in _lines(file):
        key, _, count = line.split()
        word, _, rest = key.partition("%")
        if word.isalpha() and len(word) > 2:
            counts[_PARTS[rest[0]]][word] += int(count)
    return {part: tuple(sorted(words)) for part, words in counts.items()}


def _glosses(file: Path) -> Iterator[str]:
    return (line.partition(" | ")[2].strip() for line in _lines(file) if not line.startswith("  "))


def _index(folder: Path, part: str) -> Iterator[str]:
    return (line for line in _lines(folder / f"index.{part}") if not line.startswith("  "))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()
