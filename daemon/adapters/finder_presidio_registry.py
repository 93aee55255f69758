"""Presidio's registry, filled: the structured recognizer, the owner's own, and Presidio's that were switched on.

`AnalyzerEngine.analyze` and `PatternRecognizer.analyze` are passed by: they drop duplicates by comparing
each finding with each other (5,000 addresses in one text take 2 s), deep-copy findings to look for context,
and skip a pattern that takes too long, which here would let its values through.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
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
from ..settings import ON_BY_DEFAULT, TAGGED, PiiSettings, RecognizerSettings
from .finder_patterns.page import Page
from .finder_patterns.structured import find_structured
from .finder_patterns.word_list import WordList
from .model_files import find_model
from .tagger_onnx import Tagger
from .word_pieces import WordPieces

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


class SpanRecognizer(EntityRecognizer, ABC):  # type: ignore[misc]
    """A recognizer of Presidio's kind that can be asked for spans: a text full of PII has hundreds of findings, and
    making Presidio's results of them takes as long as finding them."""

    @abstractmethod
    def find(self, text: str) -> Iterable[Span]:
        """What is there of the supported kinds, in no order; findings may overlap."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
        return [
            RecognizerResult(span.entity_type, span.start, span.end, span.score)
            for span in self.find(text)
            if span.entity_type in entities
        ]


class StructuredRecognizer(SpanRecognizer):
    """All patterns that are on by default, in one pass each."""

    def load(self) -> None:
        # The list that tldextract ships with; it would fetch a newer one otherwise.
        bundled = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
        self.tlds = frozenset(suffix for suffix in bundled.tlds if "." not in suffix)

        self._wanted = frozenset(self.supported_entities)

    def find(self, text: str) -> list[Span]:
        return [span for span in find_structured(text, self.tlds) if span.entity_type in self._wanted]


class RegexRecognizer(SpanRecognizer):
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

    def find(self, text: str) -> set[Span]:
        page = Page.of(text)
        return {span for pattern, score in self._patterns for span in self._matches(page, pattern, score)}

    def _matches(self, page: Page, pattern: re.Pattern[str], score: float) -> Iterator[Span]:
        for begin in range(0, len(page.text), _SLICE):
            for match in pattern.finditer(page.text, max(0, begin - _OVERLAP), begin + _SLICE):
                start, end = match.span()
                if start < end and (score >= _NEEDS_CONTEXT_BELOW or page.has_near(start, end, self._context)):
                    yield Span(start, end, self.supported_entities[0], max(score, _NEEDS_CONTEXT_BELOW))


class WordListRecognizer(SpanRecognizer):
    """The owner's words for one kind of PII."""

    def __init__(self, entity_type: str, words: Iterable[str], score: float) -> None:
        self._words = WordList(words)
        self._score = score
        super().__init__(supported_entities=[entity_type], name=f"{entity_type} by words")

    def load(self) -> None:
        """Nothing to load."""

    def find(self, text: str) -> Iterator[Span]:
        (entity_type,) = self.supported_entities
        return (Span(start, end, entity_type, self._score) for start, end in self._words.find(text))


class TaggerRecognizer(SpanRecognizer):
    """Names, addresses, places and organizations, as far as they are wanted."""

    def __init__(self, tagger: Tagger, entity_types: list[str]) -> None:
        self._tagger = tagger
        super().__init__(supported_entities=entity_types, name="tagger")

    def load(self) -> None:
        """It is given loaded."""

    def find(self, text: str) -> list[Span]:
        return self._tagger.find(text)


def filled_registry(settings: PiiSettings) -> tuple[RecognizerRegistry, frozenset[str]]:
    """The registry for these settings without the tagger, and the kinds that were asked for but need it."""
    asked_for = {name for name in settings.entities if settings.operator_of(name) != "allow"}
    own = [recognizer for recognizer in settings.recognizers if settings.operator_of(recognizer.name) != "allow"]
    recognizers: list[SpanRecognizer] = [
        StructuredRecognizer(sorted(_switched_on(settings))),
        *(recognizer for settings in own for recognizer in _the_owners(settings)),
        *(_presidios(name) for name in sorted(asked_for & _PRESIDIOS_OWN.keys())),
    ]
    known = {name for recognizer in recognizers for name in recognizer.supported_entities}
    return RecognizerRegistry(recognizers=recognizers), frozenset(asked_for - known)


def tagger_recognizer(settings: PiiSettings, pieces: WordPieces | None) -> TaggerRecognizer | None:
    """The tagger, loaded, with `pieces` or a tokenizer of its own; None where nothing that it finds is wanted.

    Raises:
        ModelUnavailable: its files are missing or damaged.
    """
    thresholds = {name: settings.threshold_of(name) for name in TAGGED if settings.operator_of(name) != "allow"}
    if not thresholds:
        return None
    tokenizer = (pieces or WordPieces(find_model("minilm"))).tokenizer
    return TaggerRecognizer(Tagger(find_model("tagger"), tokenizer, thresholds), list(thresholds))


def _the_owners(settings: RecognizerSettings) -> Iterator[SpanRecognizer]:
    """A low score means nothing here but its rank among findings that overlap: it was switched on by hand."""
    score = max(settings.score, _NEEDS_CONTEXT_BELOW)
    if settings.regex:
        yield RegexRecognizer(settings.name, [(re.compile(settings.regex), score)])
    if settings.words:
        yield WordListRecognizer(settings.name, settings.words, score)


def _switched_on(settings: PiiSettings) -> Iterator[str]:
    return (name for name in ON_BY_DEFAULT if settings.operator_of(name) != "allow")


def _presidios(name: str) -> RegexRecognizer:
    """Presidio's patterns and context words, without its way of running them."""
    presidios = _PRESIDIOS_OWN[name]
    flags = re.DOTALL | re.MULTILINE | re.IGNORECASE
    patterns = [(re.compile(pattern.regex, flags), pattern.score) for pattern in presidios.PATTERNS]
    return RegexRecognizer(name, patterns, presidios.CONTEXT)
