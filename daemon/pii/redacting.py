"""Redaction of a text of any length in bounded memory, for `helix redact`."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..exchange import Span
from ..ports.pii import Finder
from .hiding import Replacer, sorted_spans, with_repetitions
from .passages import Passage
from .placeholders import is_look_alike, look_alikes_apart_from
from .scanning import find_in

# Longer than any value but a private key; a finding that reaches into it may still grow.
_MARGIN = 4096
_BUFFER = 65_536
_MAX_BUFFER = 1_048_576
_LEAD = 120
MAX_NUMBERED_VALUES = 200_000
"""Of how many values a file's placeholders are remembered: about 50 MB."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A piece of the text. `findings` count code points from the beginning of the whole text."""

    source: str = field(repr=False)
    text: str = field(repr=False)
    findings: tuple[Span, ...] = ()


class Redactor:
    """Redacts one text that comes in parts, then the next; placeholders are numbered through all of them."""

    def __init__(self, finder: Finder, replacer: Replacer, *, is_reversible: bool = False) -> None:
        """`is_reversible`: what looks like a placeholder already becomes one, so that it comes back as it stands."""
        self._finder = finder
        self._replacer = replacer
        self._is_reversible = is_reversible
        self._lead = ""
        self._pending = ""
        self._done_chars = 0

    def feed(self, part: str) -> Redacted:
        """What can be told for sure by now: all but an end in which a value may have been cut."""
        self._pending += part
        if len(self._pending) < _BUFFER:
            return Redacted("", "")
        found = self._find()
        return self._redacted(found, self._cut(found))

    def finish(self) -> Redacted:
        """The rest of this text. What is fed after it is another one."""
        rest = self._redacted(self._find(), len(self._pending))
        self._lead, self._done_chars = "", 0
        return rest

    def _find(self) -> tuple[Span, ...]:
        found = find_in(self._finder, Passage(self._pending, self._lead))
        spans = with_repetitions([self._pending], [found])[0]
        return tuple(
            sorted_spans([*spans, *look_alikes_apart_from(spans, self._pending)]) if self._is_reversible else spans
        )

    def _cut(self, found: tuple[Span, ...]) -> int:
        """Up to where the findings are sure: behind a line or a word, and not inside a finding."""
        sure = len(self._pending) - _MARGIN
        cut = max(self._pending.rfind(end, 0, sure) for end in ("\n", " ")) + 1 or sure
        for span in found:
            if span.start < cut < span.end:
                cut = span.start
        return cut if cut or len(self._pending) < _MAX_BUFFER else sure

    def _redacted(self, found: tuple[Span, ...], cut: int) -> Redacted:
        source, self._pending = self._pending[:cut], self._pending[cut:]
        spans = tuple(
            Span(span.start, min(span.end, cut), span.entity_type, span.score) for span in found if span.start < cut
        )
        findings = tuple(
            Span(span.start + self._done_chars, span.end + self._done_chars, span.entity_type, span.score)
            for span in spans
            if not is_look_alike(span)
        )
        self._done_chars += cut
        self._lead = (self._lead + source)[-_LEAD:]
        return Redacted(source, self._replacer.rewritten(source, spans), findings)
