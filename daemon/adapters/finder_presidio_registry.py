"""Presidio's registry, filled: the structured recognizer, the owner's own, and Presidio's that were switched on.

`AnalyzerEngine.analyze` and `PatternRecognizer.analyze` are passed by: they drop duplicates by comparing
each finding with each other (5,000 addresses in one text take 2 s), deep-copy findings to look for context,
and skip a pattern that takes too long, which here would let its values through.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import tldextract
from presidio_analyzer import EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.predefined_recognizers import (
    DateRecognizer,
    UrlRecognizer,
    UsBankRecognizer,
    UsLicenseRecognizer,
    UsPassportRecognizer,
)

from ..exchange import Span
from ..settings import ON_BY_DEFAULT, PiiSettings, RecognizerSettings
from .finder_patterns.page import Page
from .finder_patterns.structured import find_structured

_PRESIDIOS_OWN = {
    "DATE_TIME": DateRecognizer,
    "URL": UrlRecognizer,
    "US_BANK_NUMBER": UsBankRecognizer,
    "US_DRIVER_LICENSE": UsLicenseRecognizer,
    "US_PASSPORT": UsPassportRecognizer,
}
# Presidio scores what means nothing without a word near it below this, and counts on that word.
_NEEDS_CONTEXT_BELOW = 0.45
_SLICE = 16_384
_OVERLAP = 512


class StructuredRecognizer(EntityRecognizer):  # type: ignore[misc]
    """All patterns that are on by default, in one pass each."""

    def load(self) -> None:
        # The list that tldextract ships with; it would fetch a newer one otherwise.
        bundled = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        self.tlds = frozenset(suffix for suffix in bundled.tlds if "." not in suffix)

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
        wanted = frozenset(entities)
        return [_result(span) for span in find_structured(text, self.tlds) if span.entity_type in wanted]


class RegexRecognizer(EntityRecognizer):  # type: ignore[misc]
    """Regular expressions for one kind of PII, run over overlapping slices.

    A slice bounds what a pattern that backtracks can cost, and how long a value can be: 512 characters.
    """

    def __init__(
        self, entity_type: str, patterns: Iterable[tuple[re.Pattern[str], float]], context: Iterable[str] = ()
    ) -> None:
        self._patterns = tuple(patterns)
        self._context = frozenset(word for phrase in context for word in phrase.lower().split())
        super().__init__(supported_entities=[entity_type], name=entity_type)

    def load(self) -> None:
        """Nothing to load: patterns are compiled when they are given."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
        page = Page.of(text)
        found = {span for pattern, score in self._patterns for span in self._matches(page, pattern, score)}
        return [_result(span) for span in found]

    def _matches(self, page: Page, pattern: re.Pattern[str], score: float) -> Iterator[Span]:
        for begin in range(0, len(page.text), _SLICE):
            for match in pattern.finditer(page.text, max(0, begin - _OVERLAP), begin + _SLICE):
                start, end = match.span()
                if start < end and (score >= _NEEDS_CONTEXT_BELOW or page.has_near(start, end, self._context)):
                    yield Span(start, end, self.supported_entities[0], max(score, _NEEDS_CONTEXT_BELOW))


def filled_registry(settings: PiiSettings) -> tuple[RecognizerRegistry, frozenset[str]]:
    """The registry for these settings, and the kinds that were asked for but need a tagger."""
    asked_for = {name for name in settings.entities if settings.operator_of(name) != "allow"}
    recognizers: list[EntityRecognizer] = [
        StructuredRecognizer(sorted(_switched_on(settings))),
        *(_the_owners(own) for own in settings.recognizers if settings.operator_of(own.name) != "allow"),
        *(_presidios(name) for name in sorted(asked_for & _PRESIDIOS_OWN.keys())),
    ]
    known = {name for recognizer in recognizers for name in recognizer.supported_entities}
    return RecognizerRegistry(recognizers=recognizers), frozenset(asked_for - known)


def _the_owners(settings: RecognizerSettings) -> RegexRecognizer:
    """A low score means nothing here but its rank among findings that overlap: it was switched on by hand."""
    return RegexRecognizer(settings.name, [(re.compile(settings.regex), max(settings.score, _NEEDS_CONTEXT_BELOW))])


def _switched_on(settings: PiiSettings) -> Iterator[str]:
    return (name for name in ON_BY_DEFAULT if settings.operator_of(name) != "allow")


def _presidios(name: str) -> RegexRecognizer:
    """Presidio's patterns and context words, without its way of running them."""
    presidios = _PRESIDIOS_OWN[name]
    flags = re.DOTALL | re.MULTILINE | re.IGNORECASE
    patterns = [(re.compile(pattern.regex, flags), pattern.score) for pattern in presidios.PATTERNS]
    return RegexRecognizer(name, patterns, presidios.CONTEXT)


def _result(span: Span) -> Any:
    return RecognizerResult(span.entity_type, span.start, span.end, span.score)
