"""The Finder port over Presidio, with patterns and check sums: no model, and nothing from the network."""

from __future__ import annotations

import hashlib
import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import FinderUnavailable
from ..exchange import Span
from ..settings import PiiSettings

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

logger = logging.getLogger(__name__)

_PATTERNS = Path(__file__).parent / "finder_patterns"


class PresidioFinder:
    """Presidio's registry of recognizers, run one after the other, their findings merged.

    Importing Presidio takes a second of CPU and 90 MB (it imports spaCy), so it waits for `warm`.
    """

    def __init__(self, settings: PiiSettings) -> None:
        self._settings = settings
        self._recognizers: tuple[EntityRecognizer, ...] = ()
        self.version = _version(settings)

    @property
    def is_ready(self) -> bool:
        return bool(self._recognizers)

    def warm(self) -> None:
        try:
            from .finder_presidio_registry import filled_registry

            registry, unknown = filled_registry(self._settings)
            recognizers = tuple(registry.get_recognizers("en", all_fields=True))
        except Exception as error:
            logger.exception("Presidio could not be loaded")
            raise FinderUnavailable(f"Presidio could not be loaded: {type(error).__name__}") from error
        if unknown:
            logger.warning("nothing here recognizes %s: left as it is", ", ".join(sorted(unknown)))
        self._recognizers = recognizers

    def find(self, text: str) -> tuple[Span, ...]:
        if not self._recognizers:
            raise FinderUnavailable("the scanner is not loaded")
        from .finder_patterns.structured import merged

        try:
            return merged(
                Span(result.start, result.end, result.entity_type, result.score)
                for recognizer in self._recognizers
                for result in recognizer.analyze(text, recognizer.supported_entities)
            )
        except Exception as error:
            # Its text, and that of its cause, may quote the text that was scanned.
            raise FinderUnavailable(f"the scan failed: {type(error).__name__}") from None


def _version(settings: PiiSettings) -> str:
    """A digest of the patterns' own source and of all they lean on, so that nobody has to remember a number."""
    digest = hashlib.sha256()
    for path in sorted(_PATTERNS.glob("*.py")):
        digest.update(path.read_bytes())
    for library in ("presidio-analyzer", "phonenumbers", "tldextract"):
        digest.update(f"{library} {version(library)}\n".encode())
    digest.update(settings.model_dump_json(include={"entities", "recognizers"}).encode())
    return digest.hexdigest()[:16]
