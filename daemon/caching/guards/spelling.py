"""Slips of the finger in the words that the guards know: `atfer` is `after`."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain

from . import words

LEAST_LETTERS = 4

KNOWN = frozenset(
    chain(
        words.UNITS,
        words.CALENDAR,
        words.CURRENCIES,
        words.LANGUAGES,
        words.TECHNOLOGIES,
        words.FORMATS,
        words.LENGTHS,
        words.OPPOSITES,
        words.NEGATORS,
        words.SPELLED_NUMBERS,
        words.MULTIPLIERS,
        words.PREPOSITIONS,
        words.PIVOTS,
        words.SYNONYMS,
        words.LIGHT,
        words.SWITCHES,
        words.SWITCHING,
        words.MODALITIES,
    )
)


def _letters(word: str) -> str:
    """What a slip leaves as it was: the first letter, and which others there are."""
    return word[0] + "".join(sorted(word[1:]))


_BY_LETTERS = {_letters(word): word for word in sorted(KNOWN) if len(word) >= LEAST_LETTERS and word.isalpha()}


@lru_cache(8_192)
def spelt(token: str) -> str:
    """The known word that `token` is with two neighbouring letters exchanged; otherwise the token itself."""
    if len(token) < LEAST_LETTERS or token in KNOWN or token in words.LIKE_SLIPS or not token.isalpha():
        return token
    meant = _BY_LETTERS.get(_letters(token))
    return meant if meant is not None and _is_slip(token, meant) else token


def _is_slip(token: str, meant: str) -> bool:
    differing = [at for at, (one, other) in enumerate(zip(token, meant, strict=True)) if one != other]
    return len(differing) == 2 and differing[1] == differing[0] + 1
