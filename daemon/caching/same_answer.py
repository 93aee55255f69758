"""Whether two answers to one question say the same.

1. Equal texts, but for case, white space and the mark at the end: the same.
2. Both are JSON: the same if the values are equal, numbers by value; otherwise not.
3. Either holds a code block: the same if the blocks are equal but for white space; otherwise not.
4. The numbers in them, the marks of a list left out, differ: not the same.
5. Both are short and a guard of a closed list objects (a negation, an opposite, a unit …): not the same.
6. Otherwise the same if their embeddings are near; nearer, where both are short and each says something that the
   other does not. So no model's word counts alone.

Two answers that say the same in other words may fail 4 or 5: then the cache thinks worse of itself than it should.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ..json_text import parse
from ..ports.caching import Embedder
from .guards.checks import objection_of_lists, objection_of_words
from .guards.features import read_features

MIN_SIMILARITY = 0.85
MIN_SIMILARITY_REWORDED = 0.88
"""Of a dozen short answers that differed in one word all but one were below, of nine that said the same in other words
seven were above."""
SHORT_CHARACTERS = 300
"""In longer texts some word of a closed list nearly always differs."""

_CODE_BLOCK = re.compile(r"```[^\n]*\n(.*?)```", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LIST_MARK = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)


async def is_same_answer(one: str, other: str, embedder: Embedder) -> bool:
    """
    Raises:
        EmbedderUnavailable: the texts alone did not decide.
    """
    decided = decided_by_form(one, other)
    if decided is not None:
        return decided
    least = MIN_SIMILARITY_REWORDED if _are_reworded(one, other) else MIN_SIMILARITY
    return float(await embedder.embed(one) @ await embedder.embed(other)) >= least


def decided_by_form(one: str, other: str) -> bool | None:
    """Steps 1 to 5; None where they do not decide."""
    if _folded(one) == _folded(other):
        return True
    json_one, json_other = _json(one), _json(other)
    if json_one is not None and json_other is not None:
        return bool(json_one == json_other)
    blocks_one, blocks_other = _blocks(one), _blocks(other)
    if blocks_one or blocks_other:
        return blocks_one == blocks_other
    one, other = _LIST_MARK.sub("", one), _LIST_MARK.sub("", other)
    if _numbers(one) != _numbers(other):
        return False
    if _are_short(one, other) and objection_of_lists(read_features(one), read_features(other)):
        return False
    return None


def _are_short(one: str, other: str) -> bool:
    return max(len(one), len(other)) <= SHORT_CHARACTERS


def _are_reworded(one: str, other: str) -> bool:
    return _are_short(one, other) and objection_of_words(read_features(one), read_features(other)) is not None


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!")


def _json(text: str) -> Any:
    """The object or list that a text is; None for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse(text)
    except ValueError:
        return None


def _blocks(text: str) -> list[list[str]]:
    return [block.split() for block in _CODE_BLOCK.findall(text)]


def _numbers(text: str) -> Counter[str]:
    return Counter(number.replace(",", "") for number in _NUMBER.findall(text))
