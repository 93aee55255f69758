"""A text as the tagger reads it: its words, and for each word the numbers that its vector is made of."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

# Han and kana set no blanks: each character is a word, as for MiniLM's tokenizer.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# What stands before a word, and the word. All at once in lists, which takes half the time of match by match.
_WORD = re.compile(rf"(\s*)([^\W\d_{_UNSPACED}]+|[0-9]+|\w|([^\w\s])\3*)")

GRAM_BUCKETS = 8192
# Longer runs of letters are no words; what is read of them is enough to know that.
_MAX_LETTERS = 32
_MAX_PIECES = 8


class Gap(IntEnum):
    """What stands between a word and the one before it."""

    NOTHING = 0
    BLANK = 1
    LINE = 2
    PARAGRAPH = 3
    """Also the beginning of a text, a tab and more than one blank: the next cell, the next thing."""


_COMMON_GAPS = {"": int(Gap.NOTHING), " ": int(Gap.BLANK), "\u00a0": int(Gap.BLANK), "\n": int(Gap.LINE)}


class Shape(IntEnum):
    LOWER = 0
    CAPITALISED = 1
    UPPER = 2
    ONE_CAPITAL = 3
    MIXED = 4
    CASELESS = 5
    MARK = 6
    DIGITS = 7
    """One digit; two, three … follow, up to six or more."""


SHAPES = Shape.DIGITS + 6


class Words(NamedTuple):
    """The words of a text: three rows of one length."""

    texts: list[str]
    starts: NDArray[np.int64]
    gaps: list[int]

    @property
    def spans(self) -> list[tuple[int, int]]:
        return [(start, start + len(text)) for text, start in zip(self.texts, self.starts.tolist(), strict=True)]

    def since(self, number: int) -> Words:
        """From one word on."""
        return Words(self.texts[number:], self.starts[number:], self.gaps[number:])

    def with_more(self, others: Words) -> Words:
        return Words(self.texts + others.texts, np.concatenate((self.starts, others.starts)), self.gaps + others.gaps)


_NO_WORDS = Words([], np.empty(0, np.int64), [])


class Features(NamedTuple):
    """Of one word: rows of the three tables that its vector is the sum of."""

    pieces: list[int]
    grams: list[int]
    shape: int


class Window(NamedTuple):
    """Words to be read together; those before `begin` and from `end` on only stand beside the others."""

    words: Words
    begin: int
    end: int


def windows(text: str, chars: int, overlap: int) -> Iterator[Window]:
    """A text's words in pieces of about so many characters, with `overlap` words of their neighbours on either side."""
    words, begin = _NO_WORDS, 0
    for block, is_last in _blocks(text, chars):
        words = words.with_more(block)
        end = len(words.texts) if is_last else max(begin, len(words.texts) - overlap)
        yield Window(words, begin, end)
        first = max(0, end - overlap)
        words, begin = words.since(first), end - first


def split(text: str) -> Words:
    """Runs of letters, runs of ASCII digits, runs of one mark, and each character that is none of these."""
    return _read(text, 0, len(text))


def _blocks(text: str, chars: int) -> Iterator[tuple[Words, bool]]:
    """The words in blocks of about so many characters, and whether it is the last one."""
    at, size = 0, chars
    while at + size < len(text):
        # The last word may go on behind the block, so it is left to the next one. A block of one word has to grow.
        block = _read(text, at, at + size, leave_last=True)
        if block.texts:
            yield block, False
            at, size = int(block.starts[-1]) + len(block.texts[-1]), chars
        else:
            size *= 2
    yield _read(text, at, len(text)), True


def _read(text: str, start: int, end: int, *, leave_last: bool = False) -> Words:
    found = _WORD.findall(text, start, end)
    if leave_last and found:
        found.pop()
    if not found:
        return _NO_WORDS
    blanks, texts, _ = zip(*found, strict=True)
    gaps = [_COMMON_GAPS[blank] if blank in _COMMON_GAPS else _gap(blank) for blank in blanks]
    if start == 0:
        gaps[0] = int(Gap.PARAGRAPH)
    sizes = _sizes(texts)
    starts = start + np.cumsum(_sizes(blanks) + sizes) - sizes
    return Words(list(texts), starts, gaps)


def _sizes(texts: Sequence[str]) -> NDArray[np.int64]:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def _gap(blank: str) -> int:
    return int(Gap.LINE if blank.count("\n") == 1 else Gap.PARAGRAPH)


def features(word: str, tokenizer: Tokenizer) -> Features:
    """`tokenizer` is MiniLM's: the pieces are rows of its embedding."""
    # Half a surrogate pair is no text to the tokenizer.
    word = word[:_MAX_LETTERS].encode("utf-8", "replace").decode()
    pieces = tokenizer.encode(word, add_special_tokens=False).ids[:_MAX_PIECES]
    return Features(pieces, _grams(word.lower()) if word[0].isalpha() else [], _shape(word))


def _grams(word: str) -> list[int]:
    """The word's beginnings and ends of up to four letters and its runs of three, as hash buckets."""
    marked = f"<{word}>"
    runs = [marked[at : at + 3] for at in range(len(marked) - 2)]
    runs += [marked[:size] for size in (2, 4, 5)] + [marked[-size:] for size in (2, 4, 5)]
    return [zlib.crc32(run.encode()) % GRAM_BUCKETS for run in dict.fromkeys(runs)]


def _shape(word: str) -> int:
    first = word[0]
    if first.isdigit():
        return Shape.DIGITS + min(len(word), 6) - 1
    if not first.isalpha():
        return Shape.MARK
    if word.islower():
        return Shape.LOWER
    if word.isupper():
        return Shape.ONE_CAPITAL if len(word) == 1 else Shape.UPPER
    if word.istitle():
        return Shape.CAPITALISED
    return Shape.MIXED if word.lower() != word.upper() else Shape.CASELESS
