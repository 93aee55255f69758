"""The part of a request that all who ask the same at the same time share: reserve -> ask -> count -> keep."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace

from .caching.cache import Cache, Lookup
from .caching.flights import Flight
from .caching.lookup import Origin
from .cost.accounts import Accounts, Bill, StandIn, stand_in_for
from .dialects.dialect import Dialect
from .errors import BudgetExceeded, UnknownModel, UpstreamFailed
from .exchange import Answer, Ask, Call, DialectName, JsonObject, LedgerRow, Target
from .json_text import canonical, parse_object, to_json
from .pii.privacy import Hidden, Privacy
from .ports.clock import Clock
from .ports.routing import Provider
from .routing.attempts import Attempts, Dispatcher
from .routing.balancing import Asking
from .routing.causes import BROKEN_STREAM, cause_of, is_error_event
from .routing.route import Route
from .routing.router import Router
from .tape import Tape

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 64 * 2**20
"""A whole answer is read before it is passed on, so it must end somewhere."""


@dataclass(frozen=True, slots=True)
class Request:
    """An Ask after `hide` and `find`: what all later steps read. Its body holds placeholders only."""

    ask: Ask
    dialect: Dialect
    hidden: Hidden
    route: Route
    lookup: Lookup
    stand_in: StandIn | None = None
    """The model that `route` leads to, where a budget named it in place of the one that was asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call says before its pieces."""

    status: int
    headers: Mapping[str, str]
    streamed: bool
    """As events."""
    provider_s: float
    """Seconds spent waiting for the provider until now."""
    row: LedgerRow
    """The call's row: complete for a whole answer, and at the last piece of a stream."""
    is_file: bool = False
    """Bytes that nobody reads on their way."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One call of one target."""

    request: Request
    flight: Flight
    bill: Bill
    attempts: Attempts
    is_primary: bool
    asked_s: float


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Asks providers on behalf of flights."""

    accounts: Accounts
    cache: Cache
    privacy: Privacy
    providers: Mapping[str, Provider]
    dispatcher: Dispatcher
    router: Router
    retries: int
    clock: Clock

    async def fetch(self, request: Request, flight: Flight) -> None:
        """Ask one target after the other until one answers; from its first byte on no other is asked. Where a budget
        has no room and names a cheaper model, that one is asked instead."""
        await self._fetch(request, flight, 0)

    def _with_stand_in(self, request: Request, refused: BudgetExceeded) -> Request:
        """The request as it goes to the model that the budget names.

        Raises:
            BudgetExceeded: it names none, or one that stands in already or is not served; the refusal is recorded.
        """
        model = refused.fallback_model
        if not model:
            raise refused
        route = self._route_to(model, request.ask.dialect)
        if route is None or request.stand_in is not None or model == request.ask.model:
            self.accounts.record_refusal(request.ask, refused, pii=request.hidden.header)
            raise refused
        for_model = request.route.model or request.ask.model
        return replace(request, route=route, stand_in=stand_in_for(for_model, refused))

    def _route_to(self, model: str, dialect: DialectName) -> Route | None:
        try:
            return self.router.route(model, dialect)
        except UnknownModel as unknown:
            log.warning("a budget's fallback_model cannot be asked: %s", unknown)
            return None

    async def _fetch(self, request: Request, flight: Flight, number: int) -> None:
        """`number` is what the first attempt has in the ledger."""
        retries = self.retries if request.ask.retries is None else request.ask.retries
        asking = await self._asking(request)
        with self.dispatcher.attempts(request.route, asking, retries=retries) as attempts:
            while (target := await attempts.next()) is not None:
                try:
                    if await self._attempt(request, flight, target, attempts, number):
                        attempts.completed()
                        return
                except BudgetExceeded as refused:
                    request = self._with_stand_in(request, refused)
                    break
                except UpstreamFailed as error:
                    goes_on = attempts.goes_on_after_failure(error)  # a stream that is cut says as much of a provider
                    if flight.has_begun or not goes_on:
                        raise
                number += 1
            else:
                return
        await self._fetch(request, flight, number)

    async def _asking(self, request: Request) -> Asking:
        """What the choice of a target needs; next to nothing where there is no choice."""
        ask, dialect, sharing = request.ask, request.dialect, request.route.sharing
        if sharing is None:
            return Asking(stream=ask.stream)
        conversation = canonical(dialect.opening(ask.body)) if sharing.is_sticky else b""
        if sharing.strategy != "cheapest":
            return Asking(conversation, ask.stream)
        usd = {
            target: expected_usd
            for target in request.route.primaries
            if (expected_usd := await self.accounts.expected_usd(ask, target)) is not None
        }
        return Asking(conversation, ask.stream, usd)

    async def _attempt(self, request: Request, flight: Flight, target: Target, attempts: Attempts, number: int) -> bool:
        """Whether the target's answer stands. What was not settled inside is settled on leaving: by what came."""
        is_primary = request.stand_in is None and target in request.route.primaries
        # What is kept came from a primary: no answer of another model is mixed with it.
        asks = request.lookup.remaining(request.ask.body) if is_primary else request.ask.body
        body = request.dialect.for_provider(asks, model=target.model)
        reserving = self.accounts.reserving(
            request.ask,
            target,
            request.dialect,
            body,
            attempt=number,
            cache=request.lookup.verdict,
            pii=request.hidden.header,
            stand_in=request.stand_in,
        )
        async with reserving as bill:
            attempt = _Attempt(request, flight, bill, attempts, is_primary, self.clock.monotonic_s())
            answer = await self.providers[target.provider].ask(_call(request, target, bill.body))
            async with aclosing(answer.pieces):
                if attempts.goes_on_after(answer.status, answer.headers):
                    await bill.settle(None, status=answer.status)
                    return False
                if answer.is_file:
                    return await self._pass_on_file(attempt, answer)
                pass_on = self._pass_on_stream if answer.is_event_stream else self._pass_on_whole
                return await pass_on(attempt, answer)

    async def _pass_on_file(self, attempt: _Attempt, answer: Answer) -> bool:
        """Booked before it goes out: nothing in it says what it cost."""
        attempt.bill.first_byte()
        await attempt.bill.settle(attempt.request.dialect.usage({}), status=answer.status, output_text=None)
        attempt.flight.begin(replace(self._asked(attempt, answer, streamed=False), is_file=True))
        async for piece in answer.pieces:
            await attempt.flight.piece(piece)
        return True

    async def _pass_on_whole(self, attempt: _Attempt, answer: Answer) -> bool:
        """Whether it was passed on: a refusal for a cause that others are named for is put aside."""
        attempt.bill.first_byte()  # from here on a body that breaks off is no call that was never answered
        body = await _read(answer)
        asked = self._asked(attempt, answer, streamed=False)
        found = parse_object(body)
        await self._settle(attempt, answer.status, found, body)
        if attempt.attempts.goes_on_because(cause_of(answer.status, found)):
            return False
        if answer.status == 200:
            attempt.attempts.began(asked.provider_s)
        attempt.flight.begin(asked)
        await attempt.flight.piece(body)
        return True

    async def _pass_on_stream(self, attempt: _Attempt, answer: Answer) -> bool:
        """Whether it was passed on: it begins with its first bytes, and one that begins with an error may be put
        aside."""
        dialect, bill, flight = attempt.request.dialect, attempt.bill, attempt.flight
        tape, is_settled = Tape(), False
        bill.partial = lambda: dialect.assemble_partial(tape.bytes())
        async with aclosing(bill.metered(answer.pieces, tape.bytes) if bill.is_bounded else answer.pieces) as pieces:
            async for piece in pieces:
                if tape.is_empty:
                    if is_error_event(piece) and attempt.attempts.goes_on_after(BROKEN_STREAM, {}):
                        await bill.settle(None, status=BROKEN_STREAM)
                        return False
                    self._begin_stream(attempt, answer)
                seam = tape.record(piece)
                # Clients stop reading at the last event, so the outcome is booked before it goes out.
                if not is_settled and dialect.ends_stream(seam):
                    is_settled = True
                    await self._settle(attempt, answer.status, *_recorded(dialect, tape))
                await flight.piece(piece)
        if tape.is_empty:
            self._begin_stream(attempt, answer)
        return True

    def _begin_stream(self, attempt: _Attempt, answer: Answer) -> None:
        asked = self._asked(attempt, answer, streamed=True)
        attempt.bill.first_byte()
        attempt.attempts.began(asked.provider_s)
        attempt.flight.begin(asked)

    async def _settle(self, attempt: _Attempt, status: int, answer: JsonObject | None, body: bytes | None) -> None:
        """Book what the answer cost; keep it where it may be kept. `body` is None where it is not whole."""
        dialect = attempt.request.dialect
        took_s = self.clock.monotonic_s() - attempt.asked_s
        usage = dialect.usage(answer) if answer is not None else None
        text = dialect.answer_text(answer) if answer is not None and usage is None else ""
        await attempt.bill.settle(usage, status=status, output_text=text)
        if answer is None or body is None or not attempt.is_primary or not attempt.request.lookup.keeps:
            return
        if status == 200 and dialect.is_normal(answer) and not await self.privacy.brings_pii(dialect, answer):
            await self._keep(attempt, body, took_s)

    async def _keep(self, attempt: _Attempt, body: bytes, took_s: float) -> None:
        bill = attempt.bill
        origin = Origin(
            model=attempt.request.ask.model,
            cost_nanos=bill.cost_nanos,
            input_tokens=bill.row.input_tokens,
            output_tokens=bill.row.output_tokens,
            made_in_ms=round(took_s * 1e3),
            user=attempt.request.ask.caller.user or "",
        )
        await self.cache.keep(attempt.request.lookup, body, origin)

    def _asked(self, attempt: _Attempt, answer: Answer, *, streamed: bool) -> Asked:
        provider_s = self.clock.monotonic_s() - attempt.asked_s
        return Asked(answer.status, answer.headers, streamed, provider_s, attempt.bill.row)


def _call(request: Request, target: Target, body: JsonObject) -> Call:
    ask = request.ask
    return Call(
        target=target,
        dialect=ask.dialect,
        body=body,
        stream=ask.stream,
        headers=ask.forward_headers,
        credential=ask.caller.credential,
        upload=ask.upload,
    )


async def _read(answer: Answer) -> bytes:
    pieces, size = [], 0
    async for piece in answer.pieces:
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise UpstreamFailed(f"the provider's answer is longer than {MAX_ANSWER_BYTES} bytes")
    return b"".join(pieces)


def _recorded(dialect: Dialect, tape: Tape) -> tuple[JsonObject, bytes | None]:
    """The answer that a finished stream amounts to, and its bytes as a whole answer; no bytes where it is broken."""
    raw = tape.bytes()
    answer = dialect.assemble(raw) if tape.is_whole else None
    if answer is None:
        return dialect.assemble_partial(raw), None
    return answer, to_json(answer)
