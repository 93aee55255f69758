"""Which model of the same family is smaller, by the names in the price table: gpt-4o has gpt-4o-mini, sonnet haiku."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

_SIZES = {
    **{"opus": 40, "sonnet": 30, "haiku": 20},
    **{"pro": 40, "flash": 20, "lite": 10},
    **{"large": 40, "medium": 25, "small": 20},
    **{"mini": 20, "nano": 10},
}
"""Words by which makers say how large a model is; what has none stands at `_UNSAID`."""
_UNSAID = 30

_DATED = re.compile(r"(?:[-@](?:\d{8}|\d{4}-\d{2}-\d{2})|-latest|-v\d+(?::\d+)?|-preview(?:-\d{2}-\d{4})?)+$")
_VERSION = re.compile(r"\d+(?:\.\d+)*[a-z]?|[a-z]\d+")


class Named(NamedTuple):
    """A model's name, taken apart: who lists it, what is always in it, which generation, how large."""

    family: tuple[str, ...]
    generation: tuple[str, ...]
    size: int


def read_name(name: str) -> Named:
    """`gemini/gemini-2.5-flash-lite` is the family gemini/gemini, generation 2.5, and small."""
    prefix, _, own = name.lower().rpartition("/")
    words = undated(own).split("-")
    sizes = [_SIZES[word] for word in words if word in _SIZES]
    generation = tuple(part for word in words if _VERSION.fullmatch(word) for part in word.split("."))
    rest = (word for word in words if word not in _SIZES and not _VERSION.fullmatch(word))
    return Named((prefix, *rest), generation, min(sizes, default=_UNSAID))


def undated(name: str) -> str:
    """A model's name without the snapshot that it stands for: `gpt-4o-2024-08-06` is gpt-4o."""
    return _DATED.sub("", name)


class Families:
    """The models of a price table by their families."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_family: defaultdict[tuple[str, ...], list[tuple[Named, str]]] = defaultdict(list)
        for name in names:
            named = read_name(name)
            self._by_family[named.family].append((named, name))

    def smaller(self, name: str) -> list[str]:
        """The smaller models of the family, of the same generation before earlier ones, large before small; each once
        by its shortest name."""
        own = read_name(name)
        found: dict[Named, str] = {}
        for named, other in sorted(self._by_family[own.family], key=lambda pair: len(pair[1])):
            if named.size < own.size and _is_not_newer(named.generation, own.generation):
                found.setdefault(named, other)
        ranked = sorted(found, key=lambda named: (_age(named.generation), named.size), reverse=True)
        return [found[named] for named in ranked]


def _is_not_newer(generation: tuple[str, ...], than: tuple[str, ...]) -> bool:
    """Equal, or earlier where both are numbers only: nobody knows whether 4o came before 4.1."""
    if generation == than:
        return True
    return all(part.isdigit() for part in (*generation, *than)) and bool(generation) and _age(generation) < _age(than)


def _age(generation: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(int(re.sub(r"\D", "", part) or 0) for part in generation)
