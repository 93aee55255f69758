"""PII that a model brings itself: found in its answer, whole or streamed, before the caller's values are put back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from ..dialects.dialect import Dialect, TextKind, TextRestorer
from ..errors import FinderUnavailable, PiiInAnswer, PiiUnavailable
from ..exchange import JsonObject, Span
from ..ports.pii import Operators
from ..settings import PiiSettings
from .hiding import Replacer, with_repetitions
from .passages import Passage, literals_of, sheet_of, with_literals
from .placeholders import Mint, names_in
from .scanning import Scanner
from .vault import Vault

OnFound = Callable[[Mapping[str, int]], None]
"""Told kinds and counts as they are found; a value counts once in an answer, however often it stands there."""

_LEAD_CHARS = 60
# A value with blanks in it (a card, a name, an address) is no longer than that; a private key is.
_MOST_HELD_CHARS = 256
_MOST_KEY_CHARS = 16_384
_MOST_LITERAL_CHARS = 65_536

_WORD = re.compile(r"\S+")
# What may be part of a value: digits, capitals, and the signs of addresses and keys.
_SUSPICIOUS = re.compile(r"[\d@:/=+\\(\[<&_]|^[\"'(]*[^\W\d_a-z]")
_KEY_BEGINS, _KEY_ENDS = "-----BEGIN ", "-----END "
# A string is whole once something follows that is no blank: only then is it known whether it is a key.
_WHOLE_JSON_TOKEN = re.compile(
    r'[\s,:{}\[\]]++|"(?:[^"\\]|\\.)*+"(?=\s*+\S)|[^\s",:{}\[\]]++(?=[\s",:{}\[\]])', re.DOTALL
)


class AnswerScan:
    """Looks through one answer by the owner's policy. What was hidden of the request is a placeholder still.

    Raises, from all of its methods:
        PiiInAnswer: it holds what the owner blocks; nothing of that was passed on.
        PiiUnavailable: it could not be scanned, and `pii.fail` is `closed`.
    """

    def __init__(
        self, scanner: Scanner, operators: Operators, settings: PiiSettings, vault: Vault, on_found: OnFound
    ) -> None:
        self._scanner = scanner
        self._operators = operators
        self._settings = settings
        self._vault = vault
        self._on_found = on_found
        self._replacer = self._replacer_beside(frozenset())
        self._seen: set[tuple[str, str]] = set()

    @property
    def alters(self) -> bool:
        """Whether anything may be replaced; where PII is only detected, nothing is held back either."""
        return self._settings.mode != "detect"

    async def whole(self, dialect: Dialect, answer: JsonObject) -> bool:
        """Rewrite the texts of a whole answer in place; whether that changed it."""
        sheets = [sheet_of(place) for place in dialect.answer_places(answer)]
        passages = [passage for sheet in sheets for passage in sheet.passages]
        try:
            found = await self._scanner.find(passages)
        except FinderUnavailable as error:
            self._refuse_unscanned(error)
            return False
        texts = [passage.text for passage in passages]
        spans = with_repetitions(texts, [tuple(filter(self.matters, one)) for one in found])
        if not any(spans):
            return False
        self._replacer = self._replacer_beside(frozenset(chain.from_iterable(map(names_in, texts))))
        rewritten = [self.rewritten(text, of_text) for text, of_text in zip(texts, spans, strict=True)]
        if self.alters:
            remaining = iter(rewritten)
            for sheet in sheets:
                sheet.put_back([next(remaining) for _ in sheet.passages])
        return self.alters

    def restorer(self, kind: TextKind) -> TextRestorer:
        """Scans one text that comes in parts, then puts the caller's values back into it."""
        restorer = self._vault.restorer(kind)
        scan = _JsonText(self) if kind is TextKind.JSON else _PlainText(self)
        return _Scanned(scan, restorer) if self.alters else _Watched(scan, restorer)

    # --- what the texts of a stream need of it

    def find(self, passage: Passage) -> tuple[Span, ...]:
        try:
            return tuple(filter(self.matters, self._scanner.find_at_once(passage)))
        except FinderUnavailable as error:
            self._refuse_unscanned(error)
            return ()

    def matters(self, span: Span) -> bool:
        return self._settings.operator_of(span.entity_type) != "allow"

    def rewritten(self, text: str, spans: Iterable[Span]) -> str:
        """The text with its findings replaced, all of them counted."""
        found = list(spans)
        for span in found:
            self._note(span.entity_type, text[span.start : span.end])
        return self._replacer.rewritten(text, found) if self.alters else text

    def _note(self, kind: str, value: str) -> None:
        if (kind, value) not in self._seen:
            self._seen.add((kind, value))
            self._on_found({kind: 1})
        if self.alters and (self._settings.mode == "block" or self._settings.operator_of(kind) == "block"):
            raise PiiInAnswer(kind)

    def _replacer_beside(self, look_alikes: frozenset[str]) -> Replacer:
        """What the model brings gets other names than what the caller wrote."""
        mint = Mint(self._vault.names | look_alikes, after=self._vault.numbered_after)
        return Replacer(mint, self._operators, self._settings)

    def _refuse_unscanned(self, error: FinderUnavailable) -> None:
        if self._settings.fail == "closed":
            raise PiiUnavailable(f"the answer was not let through: {error}") from error


class _PlainText:
    """A text in parts: what is sure goes on, and what may still be the beginning of a value waits."""

    def __init__(self, scan: AnswerScan) -> None:
        self._scan = scan
        self._lead = self._pending = ""

    def feed(self, part: str) -> str:
        self._pending += part
        open_at = _open_at(self._pending)
        return self._passed(open_at) if open_at else ""

    def finish(self) -> str:
        return self._passed(len(self._pending))

    def _passed(self, cut: int) -> str:
        """Up to `cut`, or up to a finding that reaches beyond it: that may still grow."""
        spans = self._scan.find(Passage(self._pending, self._lead))
        if cut < len(self._pending):
            cut = min([cut, *(span.start for span in spans if span.end > cut)])
        text, self._pending = self._pending[:cut], self._pending[cut:]
        self._lead = (self._lead + text)[-_LEAD_CHARS:]
        return self._scan.rewritten(text, (span for span in spans if span.end <= cut))


def _open_at(text: str) -> int:
    """Where the end of a text begins that may still become a value: its last word, and those before it as far as they
    look like parts of one. Two plain words in a row end a value."""
    key_at = text.rfind(_KEY_BEGINS)
    if key_at >= 0 and _KEY_ENDS not in text[key_at:] and len(text) - key_at <= _MOST_KEY_CHARS:
        return key_at
    words = list(_WORD.finditer(text, max(0, len(text) - _MOST_HELD_CHARS)))
    if not words:
        return len(text)
    open_at = words[-1].start() if words[-1].end() == len(text) else len(text)
    plain = 0
    for word in reversed(words):
        is_plain = _SUSPICIOUS.search(word[0]) is None
        plain = plain + 1 if is_plain and word.end() < len(text) else 0
        if plain == 2:
            break
        if not is_plain:
            open_at = word.start()
    return open_at


class _JsonText:
    """JSON in parts: a literal waits until it is whole."""

    def __init__(self, scan: AnswerScan) -> None:
        self._scan = scan
        self._lead = self._pending = ""

    def feed(self, part: str) -> str:
        self._pending += part
        end = _whole_until(self._pending)
        if not end and len(self._pending) > _MOST_LITERAL_CHARS:
            end = len(self._pending)
        return self._passed(end) if end else ""

    def finish(self) -> str:
        return self._passed(len(self._pending))

    def _passed(self, cut: int) -> str:
        """Up to `cut`; a string that has no end there, for its model was stopped, is read as plain text."""
        text, self._pending = self._pending[:cut], self._pending[cut:]
        before = self._lead + text
        at = len(self._lead)
        literals = list(literals_of(text + self._pending[:1]))  # what follows tells whether the last one is a key
        texts = [self._scanned(one.passage.text, before[: at + one.start]) for one in literals]
        whole = literals[-1].end if literals else 0
        rest = self._scanned(text[whole:], before[: at + whole])
        self._lead = before[-_LEAD_CHARS:]
        return with_literals(text[:whole], literals, texts, stays_json=True) + rest

    def _scanned(self, text: str, before: str) -> str:
        return self._scan.rewritten(text, self._scan.find(Passage(text, before[-_LEAD_CHARS:])))


def _whole_until(text: str) -> int:
    """Up to where JSON holds whole literals only."""
    end = 0
    while (match := _WHOLE_JSON_TOKEN.match(text, end)) is not None:
        end = match.end()
    return end


class _Scanned:
    """A text that is scanned, then restored."""

    def __init__(self, scan: _PlainText | _JsonText, restorer: TextRestorer) -> None:
        self._scan = scan
        self._restorer = restorer

    def feed(self, part: str) -> str:
        return self._restorer.feed(self._scan.feed(part))

    def finish(self) -> str:
        return self._restorer.feed(self._scan.finish()) + self._restorer.finish()


class _Watched:
    """A text that passes as if nobody looked."""

    def __init__(self, scan: _PlainText | _JsonText, restorer: TextRestorer) -> None:
        self._scan = scan
        self._restorer = restorer

    def feed(self, part: str) -> str:
        self._scan.feed(part)
        return self._restorer.feed(part)

    def finish(self) -> str:
        self._scan.finish()
        return self._restorer.finish()
