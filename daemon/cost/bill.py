"""One call's bill: opened before the provider is asked, settled once, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from ..dialects.dialect import Dialect
from ..errors import RequestRefused, UpstreamFailed, UpstreamTimeout
from ..exchange import JsonObject, LedgerRow, Outcome, Target, Usage
from ..ports.clock import Clock
from .admission import Admission, Admitted
from .habits import Habits
from .ledger import Ledger
from .meter import Meter
from .money import nanos_of
from .rates import Price
from .soft_limits import SoftLimits

CLIENT_LEFT = 499
"""The status of a call whose caller hung up before there was one; nginx's number for it."""

_ZERO_USD = Decimal(0)


@dataclass(frozen=True, slots=True)
class Books:
    """Where bills are settled, and what is learned from them."""

    ledger: Ledger
    admission: Admission
    soft_limits: SoftLimits
    habits: Habits
    clock: Clock


@dataclass(frozen=True, slots=True)
class Terms:
    """What was known of a call when it was admitted."""

    price: Price | None
    target: Target
    body_bytes: int
    admitted: Admitted
    bound_tokens: int | None
    """The most that may be written; None: no budget bounds it."""
    is_open_ended: bool
    """Whether nobody told the provider how much it may write: then more is reserved where it writes more."""
    started_s: float


class Bill:
    """What the pipeline holds while a call is under way."""

    def __init__(self, row: LedgerRow, body: JsonObject, terms: Terms, dialect: Dialect, books: Books) -> None:
        self.row = row
        """The ledger's row; complete once settled."""
        self.body = body
        """What is to be sent: as it was given, or with a lower output limit."""
        self.partial: Callable[[], JsonObject] | None = None
        """Set by who reads a stream: as much of the answer as has come."""
        self._terms = terms
        self._dialect = dialect
        self._books = books
        self._counted_at_bound: Usage | None = None
        self._opened_s = books.clock.monotonic_s()
        self._extensions = 0
        self._is_settled = False

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def is_bounded(self) -> bool:
        """Whether a budget bounds what the call may write."""
        return self._terms.bound_tokens is not None

    @property
    def cost_usd(self) -> Decimal | None:
        """None until settled, and where it is not known."""
        return self.row.cost_usd

    @property
    def cost_nanos(self) -> int:
        """What is known of the cost, in whole nano-dollars, rounded up."""
        return nanos_of(self.row.cost_usd or _ZERO_USD)

    def first_byte(self) -> None:
        """The answer has begun; only the first time counts."""
        if self.row.ttft_ms is None:
            self.row.ttft_ms = self._elapsed_ms()

    async def metered(self, pieces: AsyncIterator[bytes], so_far: Callable[[], bytes]) -> AsyncGenerator[bytes, None]:
        """A stream's bytes within what was reserved for it. Where it writes more it is ended as by its output limit.

        `so_far` is all that was passed on. Only for a call with `bound_tokens`.
        """
        meter = Meter(self._dialect, self._terms.bound_tokens or 0)
        async for piece in pieces:
            if within := meter.within(piece):
                yield within
            while meter.is_passed:
                if not await self._reserve_as_much_again():
                    yield self._end_at_bound(so_far(), meter.bound_tokens)
                    return
                if within := meter.raise_to(meter.bound_tokens + (self._terms.bound_tokens or 0)):
                    yield within
        if rest := meter.rest():
            yield rest

    async def settle(self, usage: Usage | None, *, status: int, output_text: str | None = "") -> None:
        """Book what the call cost, once; later calls do nothing. The outcome is in the journal when this returns.

        Without a usage block a good answer's cost is estimated from `output_text` and the request's length, or not
        known where it is no text (None); an error answer costs nothing.
        """
        if self._is_settled:
            return
        self.row.status = status
        if self._counted_at_bound is not None:
            await self._close("estimated", self._counted_at_bound)
        elif usage is not None:
            self._learn(usage)
            self._note(_not_priced(usage))
            await self._close("estimated" if usage.web_searches else "settled", usage)
        elif status >= 400:
            await self._close("failed", None)
        elif output_text is None:
            await self._close("unpriced", None)
        else:
            await self._close("estimated", self._estimated(output_text))

    async def abandon(self, error: BaseException | None) -> None:
        """Settle a call that was left without an outcome: by what came, or by its input where the provider was
        asked and nobody saw an answer. Where it cannot have been answered it costs nothing.

        `error` is why it was left; None: an answer that began well ended too early.
        """
        if self._is_settled:
            return
        self.row.status, self.row.reason = _why_left(error)
        if self._was_not_answered(error):
            await self._close("failed", None)
        else:
            await self._close("estimated", self._estimated_from_partial())

    async def _close(self, outcome: Outcome, usage: Usage | None) -> None:
        self._is_settled = True
        row = self.row
        if usage is None:
            row.cost_usd = None if outcome == "unpriced" else _ZERO_USD
        else:
            _count_tokens(row, usage)
            self._price(usage)
        row.outcome = "unpriced" if row.cost_usd is None else outcome
        row.bound_usd = None
        row.total_ms = self._elapsed_ms()
        self._books.ledger.conclude(row)
        if self._terms.admitted.holds:
            try:
                await self._books.admission.settle(
                    self.id, self._terms.admitted.holds, self.cost_nanos, extensions=self._extensions
                )
            finally:
                self._books.soft_limits.settled(self._terms.admitted.holds)

    async def _reserve_as_much_again(self) -> bool:
        """For an answer whose length nobody limited, and which is longer than was reckoned with."""
        if not self._terms.is_open_ended:
            return False
        is_held = await self._books.admission.extend(self.id, self._terms.admitted.holds, self._extensions)
        self._extensions += is_held
        return is_held

    def _end_at_bound(self, stream: bytes, bound_tokens: int) -> bytes:
        """The provider may have written more, which nobody saw: what was reserved is what is counted."""
        self._counted_at_bound = replace(self._estimated_from_partial(), output_tokens=bound_tokens)
        ended = f"ended at its bound of {bound_tokens} output tokens, which its provider passed"
        self._note(ended)
        return self._dialect.cut(stream, self._counted_at_bound)

    def _price(self, usage: Usage) -> None:
        """A call without a price has no cost that is known, unless it used nothing."""
        if self._terms.price is None:
            if not usage.prompt_tokens and not usage.output_tokens:
                self.row.cost_usd = _ZERO_USD
            return
        # By the price of this moment, as providers with cheaper hours bill.
        quote = self._terms.price.at(self._books.clock.now()).quote(usage)
        self.row.cost_usd = quote.cost_usd
        self.row.price_source = quote.source
        self.row.price_parts = quote.parts_text

    def _note(self, reason: str) -> None:
        """Say it in the row, beside what it says already."""
        self.row.reason = "; ".join(filter(None, (self.row.reason, reason)))

    def _learn(self, usage: Usage) -> None:
        self._books.habits.saw_input(self._terms.target, self._terms.body_bytes, usage.prompt_tokens)
        self._books.habits.saw_output(self._terms.target, usage.output_tokens)
        self._books.habits.saw_duration(self._terms.target, self._books.clock.monotonic_s() - self._opened_s)

    def _estimated(self, output_text: str) -> Usage:
        tokens_in = self._books.habits.tokens_in
        return Usage(
            input_tokens=tokens_in(self._terms.target, self._terms.body_bytes),
            output_tokens=tokens_in(self._terms.target, len(output_text.encode("utf-8", "replace"))),
        )

    def _estimated_from_partial(self) -> Usage:
        """The provider's own count of the input where the stream began with it; the output by its text."""
        answer = self.partial() if self.partial else {}
        estimated = self._estimated(self._dialect.answer_text(answer))
        begun = self._dialect.usage(answer)
        if begun is None:
            return estimated
        return replace(begun, output_tokens=max(begun.output_tokens, estimated.output_tokens))

    def _was_not_answered(self, error: BaseException | None) -> bool:
        """A timeout is no proof: what is slow may be billed."""
        is_refused = isinstance(error, UpstreamFailed) and not isinstance(error, UpstreamTimeout)
        return is_refused and self.row.ttft_ms is None

    def _elapsed_ms(self) -> float:
        return (self._books.clock.monotonic_s() - self._terms.started_s) * 1e3


def _count_tokens(row: LedgerRow, usage: Usage) -> None:
    row.input_tokens = usage.prompt_tokens
    row.output_tokens = usage.output_tokens
    row.cached_read_tokens = usage.cached_read_tokens
    row.cache_write_tokens = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    row.reasoning_tokens = usage.reasoning_tokens


def _not_priced(usage: Usage) -> str:
    """Searches are reserved for by no budget and priced by no token: the row says that they are missing."""
    return f"{usage.web_searches} web searches are not priced" if usage.web_searches else ""


def _why_left(error: BaseException | None) -> tuple[int, str]:
    """A status, and a reason that holds nothing of the call's content."""
    if error is None:
        return 200, "the answer ended before its end"
    if isinstance(error, RequestRefused):
        return error.status, str(error)
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return CLIENT_LEFT, "the caller left"
    return 500, type(error).__name__
