"""One text as the passes read it, with what several of them need computed once."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field

# Up to six letters in front, for ids like an IBAN's country; a longer word with a digit in it is no id.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{0,6}+[0-9][0-9A-Za-z]*+")
_WORD = re.compile(r"[^\W\d_]+")
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

_BEFORE = 60
_AFTER = 30


@dataclass(frozen=True, slots=True)
class Page:
    """A text, the same in lower case (equally long), where its words with a digit in them are, and how long its
    longest word is, as blanks part them: most texts have none that could be a key."""

    text: str = field(repr=False)
    lower: str = field(repr=False)
    numbers: list[tuple[int, int]] = field(repr=False)
    longest_word: int

    @classmethod
    def of(cls, text: str) -> Page:
        lower = text.lower()
        if len(lower) != len(text):  # "İ" becomes two code points; offsets must hold
            lower = text.translate(_ASCII_LOWER)
        longest = max(map(len, text.split()), default=0)
        return cls(text, lower, [match.span() for match in _NUMBER.finditer(text)], longest)

    def has_near(self, start: int, end: int, words: frozenset[str]) -> bool:
        """Whether one of the lower-case words stands, as a whole word, up to 60 characters before
        or 30 behind `text[start:end]`."""
        return not (
            words.isdisjoint(_WORD.findall(self.lower, self._word_start(start - _BEFORE), start))
            and words.isdisjoint(_WORD.findall(self.lower, end, end + _AFTER))
        )

    def _word_start(self, at: int) -> int:
        """The first position from `at` on that is not inside a word."""
        at = max(at, 0)
        while 0 < at < len(self.lower) and self.lower[at - 1].isalpha() and self.lower[at].isalpha():
            at += 1
        return at


def words(line: str) -> frozenset[str]:
    """The words of a line, parted by blanks."""
    return frozenset(line.split())


def is_word_char(char: str) -> bool:
    """Whether an ASCII letter, digit or underscore; words of scripts that set no blanks are not meant."""
    return char.isascii() and (char.isalnum() or char == "_")


def positions(text: str, needle: str) -> Iterator[int]:
    """Where `needle` begins, from left to right."""
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + len(needle))
