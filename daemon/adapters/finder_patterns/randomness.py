"""Whether a value was drawn by a machine."""

from __future__ import annotations

import math
import re
from collections import Counter

_LETTERS_AND_DIGITS = re.compile(r"[A-Za-z0-9+/=]+")


def looks_random(value: str) -> bool:
    """A long run of letters and digits mixed, with much to tell per character.

    A name of a model, a date or a path has its letters and digits in shorter runs. Random
    hexadecimal of 12 characters has 2.8 bits a character or more, nearly always.
    """
    longest = max(_LETTERS_AND_DIGITS.findall(value), key=len, default="")
    digits = sum(map(str.isdigit, longest))
    is_mixed = digits >= 2 or (digits == 1 and len(longest) >= 16 and longest.lower() != longest)
    return len(longest) >= 10 and is_mixed and any(map(str.isalpha, longest)) and _bits_per_character(longest) >= 2.8


def _bits_per_character(text: str) -> float:
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())
