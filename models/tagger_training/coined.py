"""Words that look like words of a list and stand in none, so that the text around has to say what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

_JOINT = re.compile(r"(?<=[aeiouyàáâäåæèéêëìíîïòóôöøùúûüąęıő])(?=[^\Waeiouy'\d])", re.IGNORECASE)
_LONGEST = 13


def coined(words: Sequence[str], random: Random) -> str:
    """The beginning of one word and the end of another, cut where a consonant follows a vowel."""
    first, last = random.choice(words), random.choice(words)
    begins = [match.start() for match in _JOINT.finditer(first) if match.start() > 1]
    ends = [match.start() for match in _JOINT.finditer(last) if len(last) - match.start() > 1]
    if not (begins and ends):
        return first
    word = first[: random.choice(begins)] + last[random.choice(ends) :].lower()
    return word if len(word) <= _LONGEST else first
