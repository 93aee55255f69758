"""Hide what a request tells about people before anything else sees it; tell whether an answer brings more."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..dialects.dialect import Dialect
from ..errors import FinderUnavailable, PiiBlocked, PiiUnavailable
from ..exchange import JsonObject, Span
from ..ports.pii import Finder, Operators
from ..settings import PiiSettings
from .answers import AnswerScan, OnFound
from .hiding import Replacer, with_repetitions
from .passages import Passage, Sheet, sheet_of
from .placeholders import Mint, names_in, numbers_beside
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
            return await self._hidden(sheets, self._going_on_from(earlier, dialect.earlier_turns(body)))
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

    async def _hidden(self, sheets: Sequence[Sheet], earlier: Vault) -> Hidden:
        passages = [passage for sheet in sheets for passage in sheet.passages]
        found = await self._findings(passages, earlier)
        counts = Counter(span.entity_type for spans in found for span in spans)
        self._refuse_blocked(counts)
        if self._settings.mode == "detect":
            return Hidden(counts)
        look_alikes = self._look_alikes(sheets)
        known = earlier.without(look_alikes)
        if not counts:
            return Hidden(counts, known)
        mint = Mint(look_alikes | known.names, after=known.numbered_after, given=known.originals)
        replacer = Replacer(mint, self._operators, self._settings)
        texts = [replacer.rewritten(passage.text, spans) for passage, spans in zip(passages, found, strict=True)]
        _put_back(sheets, texts)
        return Hidden(counts, replace(known, originals=mint.originals()) if self._settings.restore else Vault())

    async def _findings(self, passages: Sequence[Passage], earlier: Vault) -> list[list[Span]]:
        found = await self._scanner.find(passages)
        mattering = [tuple(filter(self._matters, spans)) for spans in found]
        return with_repetitions([passage.text for passage in passages], mattering, earlier.values)

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

    def _look_alikes(self, sheets: Sequence[Sheet]) -> frozenset[str]:
        """Names that stand in the request already. Where nothing is put back they can do no harm, and
        skipping them would give a value another number once an answer has quoted its placeholder."""
        if not self._settings.restore:
            return frozenset()
        return frozenset(name for sheet in sheets for name in names_in(sheet.place.text))


def _put_back(sheets: Sequence[Sheet], texts: Sequence[str]) -> None:
    remaining = iter(texts)
    for sheet in sheets:
        sheet.put_back([next(remaining) for _ in sheet.passages])


def _policy_version(settings: PiiSettings, finder: Finder) -> str:
    """Changes with everything that changes what a provider is sent for the same request."""
    policy = settings.model_dump_json(include={"mode", "entities", "recognizers"})
    return hashlib.sha256(f"{finder.version}\n{policy}".encode()).hexdigest()[:16]
