"""One request, top to bottom: hide -> find -> reserve -> ask -> count -> keep -> reveal.

Between `hide` and `reveal` no step sees what the caller wrote. The order is a safety property, so it is
straight-line code. `reserve` to `keep` belong to the call, which identical requests share: see fetch.py.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from functools import partial

from .auditing import Auditor
from .caching.cache import Cache
from .caching.flights import Flights
from .control_api.cache import Why
from .cost.accounts import Accounts
from .dialects import dialect_named
from .dialects.dialect import Dialect
from .errors import CacheMiss, PiiBlocked
from .exchange import Ask, CacheDirectives, Caller, Reply, Verdict
from .fetch import Asked, Fetcher, Request
from .json_text import canonical
from .monitoring.metrics import Metrics
from .pii.audit import Audit
from .pii.privacy import Hidden, Privacy
from .pii.vaults import Vaults
from .ports.clock import Clock
from .refreshing import Refreshes
from .repeats import Repeats
from .replying import Replies
from .routing.optimizing import Optimizer
from .routing.router import Router
from .security.attribution import body_session, body_tags, lasting_user
from .security.callers import Callers


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers requests. One instance serves all of them; a reload of the settings makes a new one."""

    repeats: Repeats
    privacy: Privacy
    vaults: Vaults
    audit: Audit
    router: Router
    optimizer: Optimizer
    cache: Cache
    flights: Flights
    fetcher: Fetcher
    replies: Replies
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
                self.auditor.near_hits.note(request, lookup.entry)
            return await self.replies.from_cache(request, lookup.entry)
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
        """Hide the body's PII in place. Whom the request is for is read before."""
        if ask.is_repeat:
            return ask, Hidden()
        user = dialect.end_user(ask.body)
        turns = dialect.earlier_turns(ask.body)
        earlier = await self.vaults.recall(ask.caller, turns)
        try:
            hidden = await self.privacy.hide(dialect, ask.body, earlier)
        except PiiBlocked as blocked:
            self.audit.note(ask, "question", blocked.counts, self.privacy.operators_of(blocked.counts))
            self.accounts.record_refusal(ask, blocked)
            raise
        self.audit.note(ask, "question", hidden.counts, self.privacy.operators_of(hidden.counts))
        self.metrics.found(hidden.counts)
        ask = self._attributed(dialect, ask, user)
        if user is None and turns is None and hidden.is_nothing:
            self.repeats.remember(ask)
        return ask, hidden

    def _attributed(self, dialect: Dialect, ask: Ask, user: str | None) -> Ask:
        """What the hidden body says of whom the request is for. `user` stood in it before, and is named as it may be
        stored: by a pseudonym where it was hidden."""
        if user is not None and ask.caller.user is None:
            may_be_stored = dialect.end_user(ask.body) == user
            user = lasting_user(user) if may_be_stored else f"user-{self.callers.pseudonym(user)}"
            ask = replace(ask, caller=self.callers.on_behalf(ask.caller, user))
        if tags := body_tags(ask.body):
            ask = replace(ask, tags=tuple(dict.fromkeys((*ask.tags, *tags))))
        if not ask.session and (session := body_session(ask.body)):
            ask = replace(ask, session=session)
        return ask

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
            if asked.is_file or (asked.streamed and request.ask.stream):
                leaving.pop_all()  # the pieces keep the seat
                return self.replies.in_pieces(request, asked, seat, leads=leads)
            body = b"".join([piece async for piece in seat.pieces()])
            return await self.replies.whole(request, asked, body, leads=leads)
