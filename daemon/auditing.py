"""Near hits that were given, asked again: how often the cache was wrong, measured on its callers' own questions."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from .caching.error_bound import interval
from .caching.flights import Flights
from .caching.same_answer import is_same_answer
from .control_api.cache import CacheAudit
from .cost.money import usd_text
from .errors import EmbedderUnavailable, RequestRefused
from .exchange import JsonObject
from .fetch import Asked, Fetcher, Request
from .json_text import parse_object, to_json
from .pii.privacy import Hidden
from .ports.caching import Embedder

MAX_REMEMBERED = 500
MAX_REQUEST_BYTES = 2**15
"""Longer ones are not remembered, so that all together stay below 16 MiB."""


@dataclass(frozen=True, slots=True)
class NearHit:
    """As much of a request as asking it again takes, and what it was given."""

    request: Request
    given: bytes


class NearHits:
    """The last ones, in this process's memory only: with placeholders, without what they stand for, and without
    the callers' credentials."""

    def __init__(self) -> None:
        self._last: deque[NearHit] = deque(maxlen=MAX_REMEMBERED)

    def note(self, request: Request, given: bytes) -> None:
        if request.hidden.unscanned or len(to_json(request.ask.body)) + len(given) > MAX_REQUEST_BYTES:
            return
        ask = replace(request.ask, caller=replace(request.ask.caller, credential=None))
        lookup = replace(request.lookup.without_hit(), key=None, slot=None)
        self._last.append(NearHit(replace(request, ask=ask, hidden=Hidden(), lookup=lookup), given))

    def sample(self, count: int) -> list[NearHit]:
        return random.sample(self._last, min(count, len(self._last)))


@dataclass(frozen=True, slots=True)
class Auditor:
    """Asks near hits again, as calls of their callers: under their budgets, in the ledger, tagged `helix-audit`."""

    near_hits: NearHits
    flights: Flights
    fetcher: Fetcher
    embedder: Embedder

    async def audit(self, sample: int, max_usd: Decimal) -> CacheAudit:
        """Compare what was given with a fresh answer, by the rule of `same_answer`, until the sample ends or the next
        call is likely to cost more than is left. Calls of unknown price are not made."""
        checks = wrong = failed = 0
        spent_usd = Decimal(0)
        for hit in self.near_hits.sample(sample):
            target = hit.request.route.targets[0]
            likely_usd = await self.fetcher.accounts.expected_usd(hit.request.ask, target)
            if likely_usd is None or spent_usd + likely_usd > max_usd:
                failed += likely_usd is None
                continue
            try:
                cost_usd, is_right = await self._check(hit, checks + failed)
            except (RequestRefused, EmbedderUnavailable):
                failed += 1
                continue
            spent_usd += cost_usd or Decimal(0)
            failed += is_right is None
            checks += is_right is not None
            wrong += is_right is False
        low, high = interval(wrong, checks)
        return CacheAudit(
            checks=checks,
            wrong=wrong,
            failed=failed,
            error_low=round(low, 4),
            error_high=round(high, 4),
            cost_usd=usd_text(spent_usd),
        )

    async def _check(self, hit: NearHit, number: int) -> tuple[Decimal | None, bool | None]:
        """What it cost, and whether the answer that was given was right; None where there is none to compare."""
        ask = hit.request.ask
        again = replace(hit.request, ask=replace(ask, id=f"{ask.id}-audit-{number}", tags=("helix-audit",)))
        seat, _ = self.flights.join(None, partial(self.fetcher.fetch, again))
        async with aclosing(seat):
            asked: Asked = await seat.head()
            body = b"".join([piece async for piece in seat.pieces()])
        fresh = again.dialect.assemble(body) if asked.streamed else parse_object(body)
        given = parse_object(hit.given)
        if asked.status != 200 or not fresh or not given:
            return asked.row.cost_usd, None
        texts = [_text(again, answer) for answer in (given, fresh)]
        if not all(texts):
            return asked.row.cost_usd, None
        return asked.row.cost_usd, await is_same_answer(texts[0], texts[1], self.embedder)


def _text(request: Request, answer: Mapping[str, object]) -> str:
    whole: JsonObject = dict(answer)
    return request.dialect.answer_text(whole)
