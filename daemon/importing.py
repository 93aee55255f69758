"""Entries of a file, taken over from another Helix: whoever wrote it is trusted with nothing but the answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .caching.cache import Cache
from .caching.entry_lines import entry_of
from .dialects import dialect_named
from .dialects.dialect import Dialect
from .errors import BadRequest, UnknownModel
from .exchange import CacheEntry, JsonObject, Target
from .json_text import parse_object
from .pii.privacy import Privacy
from .routing.router import Router

Taken = Literal["kept", "passed_over", "with_pii"]


@dataclass(frozen=True, slots=True)
class Importer:
    """Keeps what a line says as the gateway would have kept it: complete, without PII, no longer than entries live
    here. `scope`: what is of another one is passed over; None: all are taken."""

    cache: Cache
    privacy: Privacy
    router: Router
    scope: str | None = None

    async def take(self, line: object) -> Taken:
        """
        Raises:
            BadRequest: it is no line of an export; what of it is wrong is named, its values are not.
            StoreUnavailable
        """
        entry = entry_of(line, embedder=self.cache.embedder_name)
        dialect, answer = _understood(entry)
        if self.scope not in (None, entry.scope):
            return "passed_over"
        if await self.privacy.finds_in(entry.question) or await self.privacy.brings_pii(dialect, answer):
            return "with_pii"
        return "kept" if await self.cache.take_over(entry, self._target_of(entry)) else "passed_over"

    def _target_of(self, entry: CacheEntry) -> Target:
        """Who would be asked for it now; a model that nobody serves is itself, with no provider."""
        try:
            return self.router.route(entry.model, entry.dialect).targets[0]
        except UnknownModel:
            return Target("", entry.model)


def _understood(entry: CacheEntry) -> tuple[Dialect, JsonObject]:
    """
    Raises:
        BadRequest: no protocol of that name, or no complete answer in it.
    """
    try:
        dialect = dialect_named(entry.dialect)
    except KeyError:
        raise BadRequest("dialect: expected the name of a protocol", param="dialect") from None
    answer = parse_object(entry.answer)
    if answer is None or not dialect.is_normal(answer):
        raise BadRequest("answer: expected a complete answer of its dialect", param="answer")
    return dialect, answer
