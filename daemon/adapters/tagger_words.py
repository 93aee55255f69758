"""A text as the tagger reads it: its words, and for each word the numbers that its vector is made of."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from enum import IntEnum
from itertools import islice
from typing import NamedTuple

from tokenizers import Tokenizer

# Han and kana set no blanks: each character is a word, as for MiniLM's tokenizer.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[^\W\d_{_UNSPACED}]+|[0-9]+|\w|([^\w\s])\1*")

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
    """The words of a text: three lists of one length."""

    texts: list[str]
    spans: list[tuple[int, int]]
    gaps: list[int]

    def since(self, number: int) -> Words:
        """A copy, from one word on."""
        return Words(self.texts[number:], self.spans[number:], self.gaps[number:])


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


def windows(text: str, size: int, overlap: int) -> Iterator[Window]:
    """A text's words in pieces of about `size`, each with `overlap` words of its neighbours on either side."""
    matches = _WORD.finditer(text)
    kept, begin = Words([], [], []), 0
    while True:
        words = _read(text, islice(matches, size), kept)
        count = len(words.texts)
        is_last = count - len(kept.texts) < size
        end = count if is_last else count - overlap
        yield Window(words, begin, end)
        if is_last:
            return
        kept, begin = words.since(end - overlap), overlap


def split(text: str) -> Words:
    """Runs of letters, runs of ASCII digits, runs of one mark, and each character that is none of these."""
    return _read(text, _WORD.finditer(text), Words([], [], []))


def _read(text: str, matches: Iterable[re.Match[str]], kept: Words) -> Words:
    """`kept` are words that were read before, the last of them directly before the first match."""
    texts, spans, gaps = kept.since(0)
    reached = spans[-1][1] if spans else -1
    for match in matches:
        start, end = match.span()
        gaps.append(0 if start == reached else _gap(text, reached, start))
        texts.append(match[0])
        spans.append((start, end))
        reached = end
    return Words(texts, spans, gaps)


def _gap(text: str, start: int, end: int) -> int:
    if start < 0:
        return Gap.PARAGRAPH
    if end - start == 1:
        char = text[start]
        return Gap.BLANK if char in " \u00a0" else Gap.LINE if char == "\n" else Gap.PARAGRAPH
    lines = text.count("\n", start, end)
    return Gap.LINE if lines == 1 else Gap.PARAGRAPH


def features(word: str, tokenizer: Tokenizer) -> Features:
    """`tokenizer` is MiniLM's: the pieces are rows of its embedding."""
    # Half a surrogate pair is no text to the tokenizer.
    word = word[:_MAX_LETTERS].encode("utf-8", "replace").decode()
    pieces = tokenizer.encode(word, add_special_tokens=False).ids[:_MAX_PIECES]
    return Features(pieces, _grams(word.lower()) if word[0].isalpha() else [], _shape(word))


def _grams(word: str) -> list[int]:
    """The word's beginnings and ends of up to four letters and its runs of three, as hash buckets."""
    marked = f"<{word}>"
    runs = {marked[at : at + 3] for at in range(len(marked) - 2)}
    runs |= {marked[:size] for size in (2, 4, 5)} | {marked[-size:] for size in (2, 4, 5)}
    return [zlib.crc32(run.encode()) % GRAM_BUCKETS for run in sorted(runs)]


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
