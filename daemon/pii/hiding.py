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
from .placeholders import Mint, is_look_alike, name_of

# What scores higher was known by its own form, and would have been found again.
_KNOWN_BY_FORM = 0.9
# Looking for each value in each text is quadratic: so many values are followed, and no shorter ones.
# This much is looked through in 50 ms at most.
_MOST_FOLLOWED = 200
_MOST_CHARS = 50_000_000
_SHORTEST_FOLLOWED = 4
# Operators whose values have names; a refusal is not this file's business.
_NAMING = ("replace", "block")
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
        if operator in _NAMING:
            return self._placeholder(entity_type, value)
        return self._operators.apply(operator, entity_type, value)

    def name_in_order(self, text: str, told: Sequence[Span], look_alikes: Iterable[Span]) -> list[Span]:
        """Give the values of a text their names; the look-alikes that mean one of these values by now are returned, and
        have to become placeholders themselves. One that comes first keeps its name from being given out.

        Texts come in the order of their conversation, and `told` are findings that need no other text, so that later
        turns give nothing another name.
        """
        confusing = []
        for span in sorted_spans([*told, *look_alikes]):
            value = text[span.start : span.end]
            if is_look_alike(span):
                if not self._mint.take(name_of(value)):
                    self._mint.name_for(span.entity_type, value)
                    confusing.append(span)
            elif self._settings.operator_of(span.entity_type) in _NAMING:
                self._mint.name_for(span.entity_type, value)
        return confusing

    def rewritten(self, text: str, spans: Iterable[Span]) -> str:
        """The text with each of the spans, which are sorted and do not overlap, replaced; look-alikes by placeholders,
        whatever the operator of their kind, so that they come back."""
        parts: list[str] = []
        reached = 0
        for span in spans:
            value = text[span.start : span.end]
            becomes = self._placeholder if is_look_alike(span) else self.replacement
            parts += [text[reached : span.start], becomes(span.entity_type, value)]
            reached = span.end
        return "".join([*parts, text[reached:]])

    def _placeholder(self, entity_type: str, value: str) -> str:
        return f"<{self._mint.name_for(entity_type, value)}>"


def sorted_spans(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: span.start)


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
        sorted_spans([*spans, *_repetitions(text, spans, values)]) for text, spans in zip(texts, found, strict=True)
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
