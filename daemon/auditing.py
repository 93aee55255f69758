"""Near hits that were given, asked again: how often the cache was wrong, measured on its callers' own questions."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

from .caching.cache import Cache
from .caching.comparisons import say_the_same
from .caching.error_bound import interval
from .caching.flights import Flights
from .control_api.cache import AuditedScope, AuditPlan, CacheAudit
from .cost.money import usd_text
from .errors import EmbedderUnavailable, RequestRefused
from .fetch import Asked, Fetcher, Request
from .json_text import parse_object
from .near_hits import NearHit, NearHits
from .ports.caching import Embedder

TAG = "helix-audit"
ASKED_AT_ONCE = 4


@dataclass(slots=True)
class _Findings:
    checks: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    spent_usd: Decimal = Decimal(0)
    under_way_usd: Decimal = Decimal(0)
    """What the calls that have not ended are likely to cost."""

    def as_reply(self) -> CacheAudit:
        checks, wrong = self.checks.total(), self.wrong.total()
        low, high = interval(wrong, checks)
        return CacheAudit(
            checks=checks,
            wrong=wrong,
            failed=self.failed,
            error_low=round(low, 4),
            error_high=round(high, 4),
            cost_usd=usd_text(self.spent_usd),
            scopes=[self._of(scope) for scope in sorted(self.checks)],
        )

    def _of(self, scope: str) -> AuditedScope:
        checks, wrong = self.checks[scope], self.wrong[scope]
        low, high = interval(wrong, checks)
        return {
            "scope": scope,
            "checks": checks,
            "wrong": wrong,
            "error_low": round(low, 4),
            "error_high": round(high, 4),
        }


@dataclass(frozen=True, slots=True)
class Auditor:
    """Asks near hits again, as calls of their callers: under their budgets, in the ledger, tagged `helix-audit`. What
    it finds is evidence of the scope's error bound, each request once."""

    near_hits: NearHits
    flights: Flights
    fetcher: Fetcher
    cache: Cache
    embedder: Embedder

    async def plan(self, sample: int, scope: str | None) -> AuditPlan:
        """What `audit` would do now.

        Raises:
            StoreUnavailable
        """
        hits = await self._still_kept(scope)
        likely = [await self._likely_usd(hit.request) for hit in hits[:sample]]
        known = [usd for usd in likely if usd is not None]
        return AuditPlan(
            near_hits=len(hits),
            sample=len(likely),
            unpriced=len(likely) - len(known),
            likely_usd=usd_text(sum(known, Decimal(0))),
        )

    async def audit(self, sample: int, max_usd: Decimal, scope: str | None) -> CacheAudit:
        """Compare what was given with a fresh answer, by the rule of `same_answer`, until the sample ends or the next
        call is likely to cost more than is left. Calls of unknown price are not made.

        Raises:
            StoreUnavailable
        """
        findings = _Findings()
        waiting = deque((await self._still_kept(scope))[:sample])

        async def work() -> None:
            while waiting:
                await self._audit_one(waiting.popleft(), findings, max_usd)

        await asyncio.gather(*(work() for _ in range(ASKED_AT_ONCE)))
        return findings.as_reply()

    async def _still_kept(self, scope: str | None) -> list[NearHit]:
        """Those whose entries could be given again, in the order of the sample. The others are dropped, and those of
        providers that a reload took away."""
        hits = self.near_hits.in_order(scope)
        kept = await self.cache.still_kept([hit.entry for hit in hits])
        is_left = {hit.rank: hit.entry.id in kept and self._can_be_asked(hit.request) for hit in hits}
        self.near_hits.drop([hit for hit in hits if not is_left[hit.rank]])
        return [hit for hit in hits if is_left[hit.rank]]

    def _can_be_asked(self, request: Request) -> bool:
        return all(target.provider in self.fetcher.providers for target in request.route.targets)

    async def _likely_usd(self, request: Request) -> Decimal | None:
        return await self.fetcher.accounts.expected_usd(request.ask, request.route.targets[0])

    async def _audit_one(self, hit: NearHit, findings: _Findings, max_usd: Decimal) -> None:
        likely_usd = await self._likely_usd(hit.request)
        if likely_usd is None or findings.spent_usd + findings.under_way_usd + likely_usd > max_usd:
            findings.failed += likely_usd is None
            return
        findings.under_way_usd += likely_usd
        try:
            cost_usd, is_right = await self._check(hit)
        except (RequestRefused, EmbedderUnavailable):
            findings.failed += 1
            return
        finally:
            findings.under_way_usd -= likely_usd
        findings.spent_usd += cost_usd or Decimal(0)
        if is_right is None:
            findings.failed += 1
            return
        self.near_hits.audited(hit)
        findings.checks[hit.entry.scope] += 1
        findings.wrong[hit.entry.scope] += not is_right
        if (odds := hit.request.lookup.odds) is not None:
            self.cache.count_audited(hit.entry.scope, odds, is_right=is_right)

    async def _check(self, hit: NearHit) -> tuple[Decimal | None, bool | None]:
        """What it cost, and whether the answer that was given was right; None where there is none to compare."""
        ask = hit.request.ask
        again = replace(hit.request, ask=replace(ask, id=f"{ask.id}-audit", tags=(TAG,)))
        seat, _ = self.flights.join(None, partial(self.fetcher.fetch, again))
        async with aclosing(seat):
            asked: Asked = await seat.head()
            body = b"".join([piece async for piece in seat.pieces()])
        fresh = again.dialect.assemble(body) if asked.streamed else parse_object(body)
        if asked.status != 200:
            return asked.row.cost_usd, None
        given = parse_object(hit.entry.answer)
        return asked.row.cost_usd, await say_the_same(again.dialect, given, fresh, self.embedder)
