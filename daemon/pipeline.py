"""One request, top to bottom: hide -> find -> reserve -> ask -> count -> keep -> reveal.

Between `hide` and `reveal` no step sees what the caller wrote. The order is a safety property, so it is
straight-line code. `reserve` to `keep` belong to the call, which identical requests share: see fetch.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from .auditing import Auditor
from .caching.cache import Cache
from .caching.flights import Flights, Seat
from .control_api import Why
from .cost.accounts import Accounts
from .cost.money import usd_of, usd_text
from .dialects import dialect_named
from .dialects.dialect import Dialect
from .errors import CacheMiss, PiiBlocked
from .exchange import Ask, CacheDirectives, CacheEntry, Caller, JsonObject, LedgerRow, Reply, Verdict
from .fetch import Asked, Fetcher, Request
from .json_text import canonical, parse_object, to_json
from .monitoring.metrics import Metrics
from .pii.audit import Audit
from .pii.privacy import Hidden, Privacy
from .pii.remembering import RememberingSource
from .pii.revealing import PieceSource, RevealedStream, reveal_whole
from .pii.vaults import Vaults
from .ports import Clock
from .refreshing import Refreshes
from .routing.optimizing import Optimizer
from .routing.router import Router
from .security.attribution import body_session, body_tags, lasting_user
from .security.callers import Callers


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. One instance serves all of them; a reload of the settings makes a new one."""

    privacy: Privacy
    vaults: Vaults
    audit: Audit
    router: Router
    optimizer: Optimizer
    cache: Cache
    flights: Flights
    fetcher: Fetcher
    accounts: Accounts
    callers: Callers
    metrics: Metrics
    refreshes: Refreshes
    auditor: Auditor
    clock: Clock

    async def run(self, ask: Ask) -> Reply:
        """Answer one request. Cancelling it, or closing the reply's pieces, gives up the caller's part in the call.

        Raises:
            RequestRefused: the request gets an error reply; a stream that is cut raises UpstreamFailed in its pieces.
        """
        dialect = dialect_named(ask.dialect)
        route = self.router.route(ask.model, ask.dialect)
        ask, hidden = await self._hide(dialect, ask)
        ask, route = self.optimizer.optimized(ask, dialect, route)
        try:
            lookup = await self.cache.find(ask=ask, dialect=dialect, body=ask.body, target=route.targets[0])
        except CacheMiss as miss:
            self.accounts.record_refusal(ask, miss, pii=hidden.header)
            raise
        request = Request(ask, dialect, hidden, route, lookup)
        if lookup.entry is not None:
            if lookup.stale_s and lookup.key is not None:
                self.refreshes.begin(lookup.key, partial(self._refresh, request))
            if lookup.verdict is Verdict.SEMANTIC:
                self.auditor.near_hits.note(request, lookup.entry.answer)
            return await self._from_cache(request, lookup.entry)
        return await self._from_provider(request)

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
        route = self.router.route(model, ask.dialect)
        await self.privacy.hide(dialect, ask.body)
        ask, route = self.optimizer.optimized(ask, dialect, route)
        return await self.cache.why(ask=ask, dialect=dialect, body=ask.body, target=route.targets[0])

    async def _hide(self, dialect: Dialect, ask: Ask) -> tuple[Ask, Hidden]:
        """Hide the body's PII in place. Whom the request is for is read before, and named as it may be stored."""
        user = dialect.end_user(ask.body)
        earlier = await self.vaults.recall(ask.caller, dialect.earlier_turns(ask.body))
        try:
            hidden = await self.privacy.hide(dialect, ask.body, earlier)
        except PiiBlocked as blocked:
            self.audit.note(ask, "question", blocked.counts, self.privacy.operators_of(blocked.counts))
            self.accounts.record_refusal(ask, blocked)
            raise
        self.audit.note(ask, "question", hidden.counts, self.privacy.operators_of(hidden.counts))
        self.metrics.found(hidden.counts)
        if user is not None and ask.caller.user is None:
            may_be_stored = dialect.end_user(ask.body) == user
            user = lasting_user(user) if may_be_stored else f"user-{self.callers.pseudonym(user)}"
            ask = replace(ask, caller=self.callers.on_behalf(ask.caller, user))
        if tags := body_tags(ask.body):
            ask = replace(ask, tags=tuple(dict.fromkeys((*ask.tags, *tags))))
        if not ask.session and (session := body_session(ask.body)):
            ask = replace(ask, session=session)
        return ask, hidden

    async def _from_cache(self, request: Request, entry: CacheEntry) -> Reply:
        saved_usd = usd_of(entry.cost_nanos)
        tokens = (entry.input_tokens, entry.output_tokens)
        row = self._record_hit(request, request.lookup.verdict, saved_usd, *tokens, saved_ms=entry.made_in_ms)
        body = await self._revealed_whole(request, entry.answer)
        return Reply(200, self._headers(request, 200, {}, row), self._in_callers_form(request, body))

    async def _refresh(self, request: Request) -> None:
        """Have a stale answer's successor kept: a call of its own, that is reserved and counted like any."""
        ask = replace(request.ask, id=f"{request.ask.id}-refresh")
        again = replace(request, ask=ask, lookup=request.lookup.without_hit())
        seat, _ = self.flights.join(again.lookup.key, partial(self.fetcher.fetch, again))
        async with aclosing(seat.pieces()) as pieces:
            async for _ in pieces:
                pass

    async def _from_provider(self, request: Request) -> Reply:
        """The answer of this request's call, or of the one that others who ask the same have begun."""
        prompt_print = self.callers.fingerprint(canonical(request.dialect.keyed(request.ask.body)))
        request = replace(request, ask=replace(request.ask, prompt_print=prompt_print))
        seat, leads = self.flights.join(request.lookup.key, partial(self.fetcher.fetch, request))
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(seat.aclose)
            with self.metrics.waiting():
                asked: Asked = await seat.head()
            if not leads:
                request = replace(request, lookup=request.lookup.coalesced())
            if asked.streamed and request.ask.stream:
                leaving.pop_all()  # the pieces keep the seat
                return self._as_it_comes(request, asked, seat, leads=leads)
            if asked.is_file:
                leaving.pop_all()
                headers = self._headers_of(request, asked, asked.row, leads=leads)
                return Reply(asked.status, headers, pieces=RevealedStream(seat, None))
            body = b"".join([piece async for piece in seat.pieces()])
            await self._forget_removed(request, asked)
            row = asked.row if leads else self._record_follower(request, asked)
            headers = self._headers_of(request, asked, row, leads=leads)
            return Reply(asked.status, headers, await self._revealed(request, asked, body))

    def _as_it_comes(self, request: Request, asked: Asked, seat: Seat, *, leads: bool) -> Reply:
        """Restored as it passes; the provider's own bytes where nothing is to be put back or taken out."""
        vault, dialect = request.hidden.vault, request.dialect
        rewriter = dialect.rewriter(
            None if vault.is_empty else vault.restorer, with_usage=dialect.wants_usage(request.ask.body)
        )
        at_end = None if leads else partial(self._record_follower, request, asked)
        headers = self._headers_of(request, asked, asked.row, leads=leads)
        source: PieceSource = seat
        if not vault.is_empty and dialect.is_kept(request.ask.body):
            source = RememberingSource(seat, dialect.assemble_partial, partial(self._remember, request))
        return Reply(asked.status, headers, pieces=RevealedStream(source, rewriter, at_end))

    async def _revealed(self, request: Request, asked: Asked, body: bytes) -> bytes:
        if asked.status != 200:
            return body
        if asked.streamed:  # this caller asked for it whole
            body = to_json(request.dialect.assemble(body) or request.dialect.assemble_partial(body))
        return self._in_callers_form(request, await self._revealed_whole(request, body))

    async def _revealed_whole(self, request: Request, body: bytes) -> bytes:
        """The answer with this caller's values in it, which are kept where later requests may go on from it."""
        if request.hidden.vault.is_empty:
            return body
        if request.dialect.is_kept(request.ask.body):
            await self._remember(request, parse_object(body) or {})
        return reveal_whole(request.dialect, request.hidden, body)

    async def _remember(self, request: Request, answer: JsonObject) -> bool:
        """Whether the answer, or its beginning, says as what its provider keeps it."""
        references = request.dialect.kept_as(request.ask.body, answer)
        for reference in references:
            await self.vaults.remember(request.ask.caller, reference, request.hidden.vault)
        return bool(references)

    def _in_callers_form(self, request: Request, body: bytes) -> bytes:
        """A whole answer as this caller asked for it: whole, or as the bytes of a stream."""
        if not request.ask.stream:
            return body
        answer = parse_object(body)
        if answer is None:
            return body
        return request.dialect.replay(answer, with_usage=request.dialect.wants_usage(request.ask.body))

    async def _forget_removed(self, request: Request, asked: Asked) -> None:
        reference = request.dialect.earlier_turns(request.ask.body)
        if asked.status == 200 and reference is not None and request.dialect.removes_kept(request.ask.body):
            await self.vaults.forget(request.ask.caller, reference)

    def _record_follower(self, request: Request, asked: Asked) -> LedgerRow:
        saved_usd = asked.row.cost_usd or Decimal(0)
        return self._record_hit(request, Verdict.COALESCED, saved_usd, asked.row.input_tokens, asked.row.output_tokens)

    def _record_hit(
        self,
        request: Request,
        verdict: Verdict,
        saved_usd: Decimal,
        input_tokens: int,
        output_tokens: int,
        *,
        saved_ms: float | None = None,
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
            saved_ms=saved_ms,
        )

    def _headers_of(self, request: Request, asked: Asked, row: LedgerRow, *, leads: bool) -> dict[str, str]:
        """A provider's ids and rate limits belong to the one who made the call."""
        headers = asked.headers if leads or asked.status != 200 else {}
        return self._headers(request, asked.status, headers, row, asked)

    def _headers(
        self, request: Request, status: int, headers: Mapping[str, str], row: LedgerRow, asked: Asked | None = None
    ) -> dict[str, str]:
        """The provider's headers and ours, at the moment when they go out. `asked` is the call that was made for it,
        also where another one asked."""
        ask, lookup = request.ask, request.lookup
        provider_s = asked.provider_s if asked is not None else 0.0
        overhead_s = max(0.0, self.clock.monotonic_s() - ask.started_s - provider_s)
        self.metrics.answer(status, overhead_s)
        out = dict(headers)
        if status == 200 and not _is_as_asked(headers, stream=ask.stream):
            out["content-type"] = "text/event-stream; charset=utf-8" if ask.stream else "application/json"
        out["x-helix-request-id"] = ask.id
        out["x-helix-cache"] = lookup.verdict.value
        out["x-helix-overhead-ms"] = f"{overhead_s * 1e3:.2f}"
        if lookup.stale_s and lookup.entry is not None:
            out["age"] = f"{ask.received_at.timestamp() - lookup.entry.created_at:.0f}"
        if lookup.similarity is not None:
            out["x-helix-similarity"] = f"{lookup.similarity:.4f}"
        if found := request.hidden.header:
            out["x-helix-pii"] = found
        answered_by = (asked.row.upstream_model if asked is not None else "") or request.route.model
        if answered_by and answered_by != ask.model:
            out["x-helix-model"] = answered_by
        if not ask.stream:
            if row.cost_usd is not None:
                out["x-helix-cost-usd"] = usd_text(row.cost_usd)
            if row.saved_usd is not None:
                out["x-helix-saved-usd"] = usd_text(row.saved_usd)
        return out


def _is_as_asked(headers: Mapping[str, str], *, stream: bool) -> bool:
    """Whether a provider's answer goes out in the form in which it came, so that it is still what it says to be."""
    said = headers.get("content-type", "")
    return bool(said) and said.startswith("text/event-stream") == stream
