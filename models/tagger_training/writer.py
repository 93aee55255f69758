"""Made-up texts: templates filled with people, addresses and what is neither."""

from __future__ import annotations

from pathlib import Path
from random import Random

from .labelled import Labelled, filled, joined
from .noise import cased, misspelt
from .records import RecordWriter
from .slots import Slots

_TEXTS = Path(__file__).parent / "texts"
_BETWEEN = "\n----\n"
_BARE = ("full", "full", "full", "first", "first", "last", "formal", "short", "lastfirst")


class TextWriter:
    """One seed, one sequence of texts."""

    def __init__(self, slots: Slots, random: Random) -> None:
        self._random = random
        self._slots = slots
        self._records = RecordWriter(slots, random)
        self._sentences = _lines("sentences", "requests", "prose", "prose", "stories", "languages")
        self._negatives = _lines("negatives", "questions", "languages_negatives")
        self._documents = _blocks("documents")
        self._agents = _blocks("agents")
        self._letters = _blocks("letters")

    def sentences(self) -> Labelled:
        """One to four, some of them without a name."""
        count = self._random.choices((1, 2, 3, 4), (6, 3, 2, 1))[0]
        lines = [self._line(0.25) for _ in range(count)]
        return self._as_written(joined(lines, self._random.choice((" ", "\n", " ", "\n\n"))))

    def document(self) -> Labelled:
        parts = [self._filled(self._random.choice(self._documents))]
        if self._random.random() < 0.3:
            parts.insert(self._random.randint(0, 1), self._line(0.7))
        return self._as_written(joined(parts, "\n\n"))

    def record(self) -> Labelled:
        """With a sentence before it now and then, as a request has one."""
        record = self._records.any()
        return joined([self._line(0.6), record], "\n\n") if self._random.random() < 0.25 else record

    def bare(self) -> Labelled:
        """A name and nothing else, as the value of a field is."""
        separator = self._random.choice((", ", "\n", " and ", "; ", " & "))
        count = self._random.choice((1, 1, 1, 1, 2, 3, 5))
        names = joined([self._slots[self._random.choice(_BARE)]() for _ in range(count)], separator)
        return cased(joined([names, self._random.choice(("", "", "", ",", ".", "!", " -", ":", "?"))]), self._random)

    def negative(self) -> Labelled:
        count = self._random.choices((1, 2, 4, 8), (5, 3, 2, 1))[0]
        lines = [self._line(1.0) for _ in range(count)]
        return self._as_written(joined(lines, self._random.choice((" ", "\n", "\n"))))

    def agent(self) -> Labelled:
        """What coding agents are told and say; no names."""
        return self._filled(self._random.choice(self._agents))

    def letter(self, body: Labelled) -> Labelled:
        """Somebody else's words between a greeting and a farewell."""
        before, after = self._random.choice(self._letters).split("{body}")
        return cased(joined([self._filled(before), body, self._filled(after)]), self._random)

    def _line(self, negative_share: float) -> Labelled:
        lines = self._negatives if self._random.random() < negative_share else self._sentences
        return self._filled(self._random.choice(lines))

    def _filled(self, template: str) -> Labelled:
        return filled(template, self._slots, self._random)

    def _as_written(self, text: Labelled) -> Labelled:
        return cased(misspelt(text, self._random) if self._random.random() < 0.15 else text, self._random)


def _lines(*files: str) -> list[str]:
    return [
        line for file in files for line in (_TEXTS / f"{file}.txt").read_text(encoding="utf-8").splitlines() if line
    ]


def _blocks(file: str) -> list[str]:
    return (_TEXTS / f"{file}.txt").read_text(encoding="utf-8").rstrip("\n").split(_BETWEEN)
