"""The Finder port over Presidio: patterns with check sums, and a small tagger. Nothing comes from the network."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FinderUnavailable, ModelUnavailable
from ..exchange import Span
from ..settings import TAGGED, PiiSettings
from .model_files import find_model
from .presidio_light import import_presidio

if TYPE_CHECKING:
    from .finder_presidio_registry import SpanRecognizer
    from .word_pieces import WordPieces

logger = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_SOURCES = (*sorted((_HERE / "finder_patterns").glob("*.py")), *sorted(_HERE.glob("tagger_*.py")))


class PresidioFinder:
    """Presidio's registry of recognizers, run one after the other, their findings merged.

    Importing Presidio takes 0.2 s of CPU and 20 MB, so it waits for `warm`.
    """

    def __init__(self, settings: PiiSettings, pieces: WordPieces | None = None) -> None:
        """`pieces`: a tokenizer that others use too; else it loads one."""
        self._settings = settings
        self._pieces = pieces
        self._allowed = frozenset(value.casefold() for value in settings.allow)
        self._thresholds = {kind: settings.threshold_of(kind) for kind in {*TAGGED, *settings.thresholds}}
        self._recognizers: tuple[SpanRecognizer, ...] = ()
        self._degraded: str | None = None
        self.version = _version(settings)

    @property
    def is_ready(self) -> bool:
        return bool(self._recognizers)

    @property
    def degraded(self) -> str | None:
        return self._degraded

    def warm(self) -> None:
        try:
            import_presidio()
            from .finder_presidio_registry import filled_registry, tagger_recognizer

            registry, unknown = filled_registry(self._settings)
            try:
                if tagger := tagger_recognizer(self._settings, self._pieces):
                    registry.add_recognizer(tagger)
            except ModelUnavailable as error:
                self._degraded = f"names and addresses are found by cues only: {error}"
                logger.warning("%s", self._degraded)
            recognizers = tuple(registry.get_recognizers("en", all_fields=True))
            # Only what has run once is ready: the first run loads more, and would hold up the first requests.
            self._found(recognizers, "Ada Lovelace, 12 Long Street, +44 20 7946 0958")
        except Exception as error:
            logger.exception("Presidio could not be loaded")
            raise FinderUnavailable(f"Presidio could not be loaded: {type(error).__name__}") from error
        if unknown := unknown - {kind for recognizer in recognizers for kind in recognizer.supported_entities}:
            logger.warning("nothing here recognizes %s: left as it is", ", ".join(sorted(unknown)))
        self._recognizers = recognizers

    def find(self, text: str) -> tuple[Span, ...]:
        if not self._recognizers:
            raise FinderUnavailable("the scanner is not loaded")
        try:
            return self._found(self._recognizers, text)
        except Exception as error:
            # Its text, and that of its cause, may quote the text that was scanned.
            raise FinderUnavailable(f"the scan failed: {type(error).__name__}") from None

    def _found(self, recognizers: Sequence[SpanRecognizer], text: str) -> tuple[Span, ...]:
        from .finder_patterns.structured import merged

        thresholds = self._thresholds
        spans = merged(
            span
            for recognizer in recognizers
            for span in recognizer.find(text)
            if span.score >= thresholds.get(span.entity_type, 0)
        )
        if not self._allowed:
            return spans
        return tuple(span for span in spans if text[span.start : span.end].casefold() not in self._allowed)


def _version(settings: PiiSettings) -> str:
    """A digest of the recognizers' own source and of all they lean on, so that nobody has to remember a number."""
    digest = hashlib.sha256()
    for path in _SOURCES:
        digest.update(path.read_bytes())
    with suppress(ModelUnavailable):
        digest.update(find_model("tagger").fingerprint.encode())
    for library in ("presidio-analyzer", "phonenumbers", "tldextract"):
        digest.update(f"{library} {version(library)}\n".encode())
    asked = {"entities", "recognizers", "strict", "thresholds", "allow"}
    digest.update(settings.model_dump_json(include=asked).encode())
    return digest.hexdigest()[:16]
