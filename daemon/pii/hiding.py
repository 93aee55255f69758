"""From findings to rewritten texts: what else of the found values stands there, and what each becomes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from ..exchange import Span
from ..ports.pii import Operators
from ..settings import PiiSettings
from .placeholders import Mint

# What scores higher was known by its own form, and would have been found again.
_KNOWN_BY_FORM = 0.9
# Looking for each value in each text is quadratic: so many values are followed, and no shorter ones.
# This much is looked through in 50 ms at most.
_MOST_FOLLOWED = 200
_MOST_CHARS = 50_000_000
_SHORTEST_FOLLOWED = 4
_NOTHING_EARLIER: Mapping[str, str] = MappingProxyType({})


class Replacer:
    """What a found value becomes: a placeholder of this mint, or what an operator makes of it."""

    def __init__(self, mint: Mint, operators: Operators, settings: PiiSettings) -> None:
        self._mint = mint
        self._operators = operators
        self._settings = settings

    def replacement(self, entity_type: str, value: str) -> str:
        """
        Raises:
            FinderUnavailable: the operator failed.
        """
        operator = self._settings.operator_of(entity_type)
        if operator in ("replace", "block"):  # a refusal is not this one's business
            return f"<{self._mint.name_for(entity_type, value)}>"
        return self._operators.apply(operator, entity_type, value)

    def rewritten(self, text: str, spans: Iterable[Span]) -> str:
        """The text with each of the spans, which are sorted and do not overlap, replaced."""
        parts: list[str] = []
        reached = 0
        for span in spans:
            parts += [text[reached : span.start], self.replacement(span.entity_type, text[span.start : span.end])]
            reached = span.end
        return "".join([*parts, text[reached:]])


def with_repetitions(
    texts: Sequence[str], found: Sequence[tuple[Span, ...]], earlier: Mapping[str, str] = _NOTHING_EARLIER
) -> list[list[Span]]:
    """The findings of each text, and besides wherever a value that was found once stands again.

    A number that was known by the words around it has no such words the second time. `earlier` are values of texts
    that are not at hand, with their kinds.
    """
    values = _followed_values(texts, found, earlier)
    if not values:
        return [list(spans) for spans in found]
    return [
        sorted([*spans, *_repetitions(text, spans, values)], key=lambda span: span.start)
        for text, spans in zip(texts, found, strict=True)
    ]


def _followed_values(
    texts: Sequence[str], found: Sequence[tuple[Span, ...]], earlier: Mapping[str, str]
) -> dict[str, Span]:
    """Values that were known by the words around them, with the first finding of each."""
    most = min(_MOST_FOLLOWED, _MOST_CHARS // max(1, sum(map(len, texts))))
    followed = islice((value for value in earlier if len(value) >= _SHORTEST_FOLLOWED), most)
    values = {value: Span(0, len(value), earlier[value], _KNOWN_BY_FORM) for value in followed}
    for text, spans in zip(texts, found, strict=True):
        for span in spans:
            if len(values) == most:
                return values
            if span.score < _KNOWN_BY_FORM and span.end - span.start >= _SHORTEST_FOLLOWED:
                values.setdefault(text[span.start : span.end], span)
    return values


def _repetitions(text: str, spans: tuple[Span, ...], values: Mapping[str, Span]) -> list[Span]:
    """Where values stand as whole words between the findings of a text."""
    here = Counter(text[span.start : span.end] for span in spans)
    missed = [value for value in values if text.count(value) > here[value]]
    if not missed:
        return []
    anyone = "|".join(map(re.escape, sorted(missed, key=len, reverse=True)))
    pattern = re.compile(rf"(?<!\w)(?:{anyone})(?!\w)")
    return [
        Span(*match.span(), values[match[0]].entity_type, values[match[0]].score)
        for start, end in _gaps(len(text), spans)
        for match in pattern.finditer(text, start, end)
        if not text[match.end() : match.end() + 1].isalnum()  # `end` hides what follows from the pattern
    ]


def _gaps(size: int, spans: tuple[Span, ...]) -> list[tuple[int, int]]:
    starts = [0, *(span.end for span in spans)]
    ends = [*(span.start for span in spans), size]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]
