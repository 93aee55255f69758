"""A text as hasty people, and headings, write it. The length stays, so that what is marked stays where it is."""

from __future__ import annotations

from random import Random

from .labelled import IGNORE, Labelled, Mark
from .names import ALSO_WORDS

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")


def cased(text: Labelled, random: Random, lower: float = 0.12, upper: float = 0.05, title: float = 0.02) -> Labelled:
    """In lower case, in capitals or with a capital on each word now and then."""
    roll = random.random()
    if roll < lower:
        return lowered(text)
    if roll < lower + upper:
        return text.mapped(str.upper)
    return text.mapped(_titled) if roll < lower + upper + title else text


def lowered(text: Labelled) -> Labelled:
    """In lower case; a name of one word that is a word as well is then a doubtful teacher."""
    lower = text.mapped(str.lower)
    marks = tuple(
        Mark(mark.start, mark.end, IGNORE if lower.text[mark.start : mark.end] in ALSO_WORDS else mark.kind)
        for mark in lower.marks
    )
    return Labelled(lower.text, marks)


def misspelt(text: Labelled, random: Random, every: int = 60) -> Labelled:
    """A letter of some lower-case words changed, or two exchanged; what is marked stays as it is."""
    marked = {at for mark in text.marks for at in range(mark.start, mark.end)}
    chars = list(text.text)
    for _ in range(len(chars) // every + 1):
        at = random.randint(1, max(1, len(chars) - 3))
        around = "".join(chars[at - 1 : at + 2])
        if len(around) == 3 and set(around) <= _LETTERS and marked.isdisjoint(range(at - 1, at + 2)):
            if random.random() < 0.5:
                chars[at], chars[at + 1] = chars[at + 1], chars[at]
            else:
                chars[at] = random.choice("abcdefghijklmnopqrstuvwxyz")
    return Labelled("".join(chars), text.marks)


def _titled(text: str) -> str:
    return "".join(
        char.upper() if char.islower() and not text[at - 1 : at].isalnum() and text[at - 1 : at] != "'" else char
        for at, char in enumerate(text)
    )
