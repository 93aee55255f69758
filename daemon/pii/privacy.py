"""Hide what a request tells about people before anything else sees it; tell whether an answer brings more."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..dialects.dialect import Dialect
from ..errors import FinderUnavailable, PiiBlocked, PiiUnavailable
from ..exchange import JsonObject, Span
from ..ports.pii import Finder, Operators
from ..settings import PiiSettings
from .answers import AnswerScan, OnFound
from .hiding import Replacer, sorted_spans, with_repetitions
from .passages import Passage, Sheet, sheet_of
from .placeholders import Mint, look_alikes_apart_from, numbers_beside
from .scanning import Scanner
from .vault import Vault

logger = logging.getLogger(__name__)


def counts_header(counts: Mapping[str, int]) -> str:
    """`EMAIL_ADDRESS=2,PERSON=1`; empty when there is nothing to tell."""
    if not counts:
        return ""
    return ",".join(f"{entity_type}={count}" for entity_type, count in sorted(counts.items()))


@dataclass(frozen=True, slots=True)
class Hidden:
    """What was done to a request."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """Findings by kind."""
    vault: Vault = field(default_factory=Vault)
    unscanned: bool = False
    """The scanner failed and `pii.fail` is `open`: the request goes on as it was."""

    @property
    def is_nothing(self) -> bool:
        """Whether it was scanned, and stands as it came, with nothing in it that looks like a placeholder."""
        return not (self.counts or self.unscanned or self.vault.names)

    @property
    def header(self) -> str:
        return counts_header(self.counts)


class Privacy:
    """The policy of `[pii]`, applied to whole requests. For the event loop's thread."""

    def __init__(
        self, finder: Finder, operators: Operators, settings: PiiSettings, *, ready_wait_s: float = 10.0
    ) -> None:
        self._scanner = Scanner(finder, ready_wait_s=ready_wait_s)
        self._operators = operators
        self._settings = settings
        self.policy_version = _policy_version(settings, finder)

    @property
    def is_ready(self) -> bool:
        """Whether a request would be scanned without waiting."""
        return self._settings.mode == "off" or self._scanner.is_ready

    @property
    def degraded(self) -> str | None:
        """Why less is found than should be; None when nothing is amiss."""
        return None if self._settings.mode == "off" else self._scanner.degraded

    async def warm(self) -> None:
        """Load the scanner; requests that come before wait for it.

        Raises:
            FinderUnavailable: it cannot be loaded.
        """
        if self._settings.mode != "off":
            await self._scanner.warm()

    async def hide(self, dialect: Dialect, body: JsonObject, earlier: Vault | None = None) -> Hidden:
        """Rewrite the places of `body` in place; on any error it is as it was. `earlier` is the vault of the turns
        that the body only refers to, None where it refers to none or theirs is not known.

        Raises:
            PiiBlocked: it holds what the owner blocks.
            PiiUnavailable: it could not be scanned, and `pii.fail` is `closed`.
        """
        if self._settings.mode == "off":
            return Hidden()
        sheets = [sheet_of(place) for place in dialect.places(body)]
        try:
            earlier = self._going_on_from(earlier, dialect.earlier_turns(body))
            return await self._hidden(sheets, earlier, has_later_turns=dialect.is_kept(body))
        except FinderUnavailable as error:
            if self._settings.fail == "open":
                logger.warning("a request goes on unscanned: %s", error)
                return Hidden(unscanned=True)
            raise PiiUnavailable(f"the request was not let through: {error}") from error

    def answer_scan(self, vault: Vault, on_found: OnFound, *, is_asked_for: bool) -> AnswerScan | None:
        """What looks for PII that the model itself wrote, in one answer to a request with this vault; None where
        neither the owner nor the caller wants that."""
        if self._settings.mode == "off" or not (is_asked_for or self._settings.scan_answers):
            return None
        return AnswerScan(self._scanner, self._operators, self._settings, vault, on_found)

    def operators_of(self, kinds: Iterable[str]) -> dict[str, str]:
        """What becomes of values of these kinds: `pii.entities` says it, unless the mode says something else."""
        if self._settings.mode == "redact":
            return {kind: self._settings.operator_of(kind) for kind in kinds}
        return dict.fromkeys(kinds, self._settings.mode)

    async def brings_pii(self, dialect: Dialect, answer: JsonObject) -> bool:
        """Whether a hidden answer holds PII that was not in its request; True where nobody can tell."""
        return await self._finds_in(
            [passage for place in dialect.spoken_places(answer) for passage in sheet_of(place).passages]
        )

    async def finds_in(self, text: str) -> bool:
        """The same of one hidden text."""
        return await self._finds_in([Passage(text)])

    async def _finds_in(self, passages: Sequence[Passage]) -> bool:
        if self._settings.mode == "off":
            return False
        try:
            found = await self._scanner.find(passages)
        except FinderUnavailable:
            return True
        return any(self._matters(span) for spans in found for span in spans)

    async def _hidden(self, sheets: Sequence[Sheet], earlier: Vault, *, has_later_turns: bool) -> Hidden:
        """`has_later_turns`: others may refer to this one, in which its look-alikes do not stand."""
        passages = [passage for sheet in sheets for passage in sheet.passages]
        texts = [passage.text for passage in passages]
        told = await self._told(passages)
        found = with_repetitions(texts, told, earlier.values)
        counts = Counter(span.entity_type for spans in found for span in spans)
        self._refuse_blocked(counts)
        if self._settings.mode == "detect" or not (counts or has_later_turns or earlier.matters_later):
            return Hidden(counts, earlier)
        mint = Mint(earlier.ambiguous, after=earlier.numbered_after, given=earlier.originals)
        replacer = Replacer(mint, self._operators, self._settings)
        if self._settings.restore:
            found = [self._with_confusing(replacer, *one) for one in zip(texts, told, found, strict=True)]
        _put_back(sheets, [replacer.rewritten(text, spans) for text, spans in zip(texts, found, strict=True)])
        if not self._settings.restore:
            return Hidden(counts)
        return Hidden(counts, Vault(mint.originals(), mint.taken, earlier.numbered_after))

    async def _told(self, passages: Sequence[Passage]) -> list[tuple[Span, ...]]:
        """What each passage tells by itself."""
        found = await self._scanner.find(passages)
        return [tuple(filter(self._matters, spans)) for spans in found]

    def _with_confusing(self, replacer: Replacer, text: str, told: Sequence[Span], found: list[Span]) -> list[Span]:
        """Where nothing is put back look-alikes do no harm, and skipping their numbers would give a value another one
        once an answer has quoted its placeholder."""
        return sorted_spans([*found, *replacer.name_in_order(text, told, look_alikes_apart_from(found, text))])

    def _going_on_from(self, earlier: Vault | None, reference: str | None) -> Vault:
        """What is given out before this request; where that is not known, numbers that cannot be."""
        if earlier is not None and self._settings.restore:
            return earlier
        return Vault(numbered_after=numbers_beside(reference))

    def _matters(self, span: Span) -> bool:
        return self._settings.operator_of(span.entity_type) != "allow"

    def _refuse_blocked(self, counts: Mapping[str, int]) -> None:
        blocks_all = self._settings.mode == "block"
        blocked = {
            name: count for name, count in counts.items() if blocks_all or self._settings.operator_of(name) == "block"
        }
        if blocked and self._settings.mode != "detect":
            raise PiiBlocked(blocked)


def _put_back(sheets: Sequence[Sheet], texts: Sequence[str]) -> None:
    remaining = iter(texts)
    for sheet in sheets:
        sheet.put_back([next(remaining) for _ in sheet.passages])


def _policy_version(settings: PiiSettings, finder: Finder) -> str:
    """Changes with everything that changes what a provider is sent for the same request."""
    policy = settings.model_dump_json(include={"mode", "entities", "recognizers"})
    return hashlib.sha256(f"{finder.version}\n{policy}".encode()).hexdigest()[:16]
