"""Numbers known by how they are written, as drawings.py draws them."""

from __future__ import annotations

import string
from collections.abc import Iterator
from functools import partial

from ...exchange import Span
from .drawings import BY_DRAWING, LONGEST, SHORTEST, Drawn
from .page import Page, is_word_char

_DRAWING = str.maketrans(string.digits + string.ascii_letters + "\u00a0", "9" * 10 + "A" * 52 + " ")
_PLAIN_BLANKS = str.maketrans("\u00a0", " ")
_NOT_ALNUM = str.maketrans("", "", " -./+()")
_JOINTS = frozenset(" \u00a0-./+(")
_TIGHT_JOINTS = frozenset("-./")  # a comma parts the cells of a row
_BLANKS = frozenset(" \u00a0\t")


def find_drawn_numbers(page: Page) -> Iterator[Span]:
    """Cards, social security numbers, phone-free national ids."""
    for first in range(len(page.numbers)):
        yield from _beginning_with(page, first)


def _beginning_with(page: Page, first: int) -> Iterator[Span]:
    """Spans of one number word, or of several joined by single separators, from the given one on."""
    text, numbers = page.text, page.numbers
    start, end = numbers[first]
    last = first
    while end - start <= LONGEST:
        if end - start >= SHORTEST:
            yield from _drawn(page, first, last)
        last += 1
        if last == len(numbers) or numbers[last][0] != end + 1 or text[end] not in _JOINTS:
            return
        end = numbers[last][1]


def _drawn(page: Page, first: int, last: int) -> Iterator[Span]:
    start, end = page.numbers[first][0], page.numbers[last][1]
    for begin, stop in _with_letters(page.text, start, end):
        for drawn in BY_DRAWING.get(page.text[begin:stop].translate(_DRAWING), ()):
            written = page.text[begin:stop].translate(_PLAIN_BLANKS)
            if _fits(page, drawn, written, first, last):
                yield Span(begin, stop, drawn.entity_type, drawn.score)


def _with_letters(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Between two positions; and with a capital behind a separator after it, and one or two before it as well."""
    if text[end : end + 1] == ")" and "(" in text[start:end]:
        end += 1
    yield start, end
    has_tail = text[end : end + 1] in (" ", "-", "\u00a0") and "A" <= text[end + 1 : end + 2] <= "Z"
    if has_tail and not is_word_char(text[end + 2 : end + 3]):
        yield start, end + 2
        if text[start - 1 : start] in (" ", "-", "\u00a0"):
            for size in (1, 2):
                letters = text[start - 1 - size : start - 1]
                if (
                    letters.isupper()
                    and letters.isascii()
                    and not is_word_char(text[start - 2 - size : start - 1 - size])
                ):
                    yield start - 1 - size, end + 2


def _fits(page: Page, drawn: Drawn, written: str, first: int, last: int) -> bool:
    if _is_joined(page, first - 1, first, _TIGHT_JOINTS) or _is_joined(page, last, last + 1, _TIGHT_JOINTS):
        return False
    value = written.translate(_NOT_ALNUM).upper()
    if not drawn.check(value):
        return False
    near = partial(page.has_near, page.numbers[first][0], page.numbers[last][1])
    if drawn.context and not near(drawn.context):
        return False
    is_in_row = " " in written and _is_in_row(page, first, last, drawn.row_digits)
    return not (is_in_row or drawn.other(value) or near(drawn.doubt)) or near(drawn.trust)


def _is_in_row(page: Page, first: int, last: int, digits: int) -> bool:
    """Whether it may as well be cells of a table, with more of so many digits beside it."""
    return any(
        _is_joined(page, left, right, _BLANKS) and _is_cell(page, beside, digits)
        for left, right, beside in ((first - 1, first, first - 1), (last, last + 1, last + 1))
    )


def _is_cell(page: Page, number: int, digits: int) -> bool:
    """So many digits or more, and no part of another number, as those of a phone are."""
    word = page.text[slice(*page.numbers[number])]
    is_part = _is_joined(page, number - 1, number, _TIGHT_JOINTS) or _is_joined(page, number, number + 1, _TIGHT_JOINTS)
    return len(word) >= digits and word.isdigit() and not is_part


def _is_joined(page: Page, left: int, right: int, joints: frozenset[str]) -> bool:
    """Whether two neighbouring number words are parted by one of these characters alone."""
    if left < 0 or right == len(page.numbers):
        return False
    end, start = page.numbers[left][1], page.numbers[right][0]
    return start == end + 1 and page.text[end] in joints
