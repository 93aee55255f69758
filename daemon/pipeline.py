"""One request, top to bottom: hide -> find -> reserve -> ask -> count -> keep -> reveal.

Between `hide` and `reveal` no step sees what the caller wrote. The order is a safety property, so it is
straight-line code. `reserve` to `keep` belong to the call, which identical requests share: see fetch.py.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from .caching.cache import Cache
from .caching.flights import Flights
from .control_api import Why
from .cost.accounts import Accounts
from .dialects import dialect_named
from .dialects.dialect import Dialect
from .errors import CacheMiss, PiiBlocked
from .exchange import Ask, CacheDirectives, CacheEntry, Caller, Head, LedgerRow, Verdict
from .fetch import Asked, Fetcher, Request
from .json_text import parse_object, to_json
from .monitoring.metrics import Metrics
from .pii.privacy import Hidden, Privacy
from .pii.revealing import reveal_whole
from .ports import Clock
from .routing.router import Router
from .security.attribution import body_tags
from .security.callers import Callers

Reply = AsyncGenerator[Head | bytes, None]
"""A Head, then the answer's bytes as they come."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. One instance serves all of them; a reload of the settings makes a new one."""

    privacy: Privacy
    router: Router
    cache: Cache
    flights: Flights
    fetcher: Fetcher
    accounts: Accounts
    callers: Callers
    metrics: Metrics
    clock: Clock

    async def run(self, ask: Ask) -> Reply:
        """Answer one request. Closing the generator early gives up the caller's part in the call.

        Raises:
            RequestRefused: before the Head, as an error reply; after it (UpstreamFailed), a stream that was cut.
        """
        dialect = dialect_named(ask.dialect)
        route = self.router.route(ask.model, ask.dialect)
        ask, hidden = await self._hide(dialect, ask)
        try:
            lookup = await self.cache.find(ask=ask, dialect=dialect, body=ask.body, target=route.targets[0])
        except CacheMiss as miss:
            self.accounts.record_refusal(ask, miss, pii=hidden.header)
            raise
        request = Request(ask, dialect, hidden, route, lookup)
        answer = self._from_provider(request) if lookup.entry is None else self._from_cache(request, lookup.entry)
        async with aclosing(answer):
            async for item in answer:
                yield item

    async def why(self, text: str, *, model: str, system: str | None, key: str) -> Why:
        """How the cache would decide about `text`, asked as a chat completion by the caller with the id `key`."""
        turns = [{"role": "system", "content": system}] if system else []
        ask = Ask(
            id="why",
            dialect="chat",
            body={"model": model, "messages": [*turns, {"role": "user", "content": text}]},
            model=model,
            stream=False,
            caller=Caller(key=key),
            tags=(),
            directives=CacheDirectives(),
            forward_headers={},
            received_at=self.clock.now(),
            started_s=self.clock.monotonic_s(),
        )
        dialect = dialect_named(ask.dialect)
        target = self.router.route(model, ask.dialect).targets[0]
        await self.privacy.hide(dialect, ask.body)
        return await self.cache.why(ask=ask, dialect=dialect, body=ask.body, target=target)

    async def _hide(self, dialect: Dialect, ask: Ask) -> tuple[Ask, Hidden]:
        """Hide the body's PII in place. Whom the request is for is read before, and named as it may be stored."""
        user = dialect.end_user(ask.body)
        try:
            hidden = await self.privacy.hide(dialect, ask.body)
        except PiiBlocked as blocked:
            self.accounts.record_refusal(ask, blocked)
            raise
        self.metrics.found(hidden.counts)
        if user is not None and ask.caller.user is None:
            may_be_stored = dialect.end_user(ask.body) == user
            user = user if may_be_stored else f"user-{self.callers.pseudonym(user)}"
            ask = replace(ask, caller=ask.caller.for_user(user))
        if tags := body_tags(ask.body):
            ask = replace(ask, tags=tuple(dict.fromkeys((*ask.tags, *tags))))
        return ask, hidden

    async def _from_cache(self, request: Request, entry: CacheEntry) -> Reply:
        saved_usd = Decimal(entry.cost_nanos).scaleb(-9)
        row = self._record_hit(request, request.lookup.verdict, saved_usd, entry.input_tokens, entry.output_tokens)
        yield self._head(request, 200, {}, row, comes_whole=True)
        yield self._in_callers_form(request, reveal_whole(request.dialect, request.hidden, entry.answer))

    async def _from_provider(self, request: Request) -> Reply:
        flight, leads = self.flights.join(request.lookup.key, partial(self.fetcher.fetch, request))
        async with aclosing(flight.pieces()) as pieces:
            with self.metrics.waiting.track_inprogress():
                asked: Asked = await flight.head()
            row = asked.row
            if not leads:
                request = replace(request, lookup=request.lookup.coalesced())
                if not asked.streamed:
                    row = self._record_follower(request, asked)
            # A provider's ids and rate limits belong to the one who made the call.
            headers = asked.headers if leads or asked.status != 200 else {}
            comes_whole = not (asked.streamed and request.ask.stream)
            yield self._head(request, asked.status, headers, row, asked.provider_s, comes_whole=comes_whole)
            async for piece in self._revealed(request, asked, pieces):
                yield piece
            if not leads and asked.streamed:
                self._record_follower(request, asked)

    async def _revealed(
        self, request: Request, asked: Asked, pieces: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        if asked.streamed and request.ask.stream:
            async for piece in self._revealed_stream(request, pieces):
                yield piece
            return
        body = b"".join([piece async for piece in pieces])
        if asked.status != 200:
            yield body
            return
        if asked.streamed:  # this caller asked for it whole
            body = to_json(request.dialect.assemble(body) or request.dialect.assemble_partial(body))
        yield self._in_callers_form(request, reveal_whole(request.dialect, request.hidden, body))

    async def _revealed_stream(
        self, request: Request, pieces: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        """Restored as it passes; the provider's own bytes where nothing is to be put back or taken out."""
        with_usage = request.dialect.wants_usage(request.ask.body)
        vault = request.hidden.vault
        rewriter = request.dialect.rewriter(None if vault.is_empty else vault.restorer, with_usage=with_usage)
        if rewriter is None:
            async for piece in pieces:
                yield piece
            return
        async for piece in pieces:
            if out := rewriter.feed(piece):
                yield out
        if out := rewriter.finish():
            yield out

    def _in_callers_form(self, request: Request, body: bytes) -> bytes:
        """A whole answer as this caller asked for it: whole, or as the bytes of a stream."""
        if not request.ask.stream:
            return body
        answer = parse_object(body)
        if answer is None:
            return body
        return request.dialect.replay(answer, with_usage=request.dialect.wants_usage(request.ask.body))

    def _record_follower(self, request: Request, asked: Asked) -> LedgerRow:
        saved_usd = asked.row.cost_usd or Decimal(0)
        return self._record_hit(request, Verdict.COALESCED, saved_usd, asked.row.input_tokens, asked.row.output_tokens)

    def _record_hit(
        self, request: Request, verdict: Verdict, saved_usd: Decimal, input_tokens: int, output_tokens: int
    ) -> LedgerRow:
        return self.accounts.record_hit(
            request.ask,
            verdict=verdict,
            saved_usd=saved_usd,
            similarity=request.lookup.similarity,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            total_ms=(self.clock.monotonic_s() - request.ask.started_s) * 1e3,
            pii=request.hidden.header,
        )

    def _head(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        row: LedgerRow,
        provider_s: float = 0.0,
        *,
        comes_whole: bool,
    ) -> Head:
        ask, lookup = request.ask, request.lookup
        overhead_s = max(0.0, self.clock.monotonic_s() - ask.started_s - provider_s)
        self.metrics.answer(status, overhead_s)
        out = dict(headers)
        if status == 200:
            out["content-type"] = "text/event-stream; charset=utf-8" if ask.stream else "application/json"
        out["x-helix-request-id"] = ask.id
        out["x-helix-cache"] = lookup.verdict.value
        out["x-helix-overhead-ms"] = f"{overhead_s * 1e3:.2f}"
        if lookup.similarity is not None:
            out["x-helix-similarity"] = f"{lookup.similarity:.4f}"
        if request.hidden.header:
            out["x-helix-pii"] = request.hidden.header
        answered_by = row.upstream_model or request.route.targets[0].model
        if answered_by != ask.model:
            out["x-helix-model"] = answered_by
        if not ask.stream:
            out |= _money(row)
        return Head(status, out, streamed=not comes_whole)


def _money(row: LedgerRow) -> dict[str, str]:
    money = {"x-helix-cost-usd": row.cost_usd, "x-helix-saved-usd": row.saved_usd}
    return {name: f"{usd.normalize():f}" for name, usd in money.items() if usd is not None}
