"""What the gateway asks of its money: reserve and settle calls, record hits and refusals."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from typing import Protocol

from ..dialects.dialect import Dialect
from ..errors import (
    BudgetExceeded,
    Forbidden,
    JournalUnavailable,
    LedgerUnavailable,
    PartUnavailable,
    RequestRefused,
    SpendLogUnavailable,
    StoreUnavailable,
)
from ..exchange import Ask, JsonObject, LedgerRow, Target, Usage, Verdict
from ..json_text import to_json
from ..ports.clock import Clock
from ..ports.cost import CounterStore, Journal, SpendLog
from ..ports.storage import RecordStore
from ..settings import Settings
from .admission import Admission, Admitted
from .bill import Bill, Books, Terms
from .budget_control import BudgetControl
from .budgets import Budgets
from .habits import Habits
from .ledger import Closed, Ledger
from .money import nanos_of
from .needs import UNLEARNED_OUTPUT_TOKENS, Need, need_of
from .prices import Prices
from .rows import StandIn, call_row, refuse, row_of_ask, stand_in_for
from .soft_limits import SoftLimits
from .statements import Statements

__all__ = ["Accounts", "Bill", "StandIn", "stand_in_for"]

log = logging.getLogger(__name__)

ROWS_LEARNED_FROM = 1_000

BEGIN_ANEW_S = 1.0

BUDGETS_READ_EVERY_S = 5.0
LOOK_AT_SOFT_LIMITS_EVERY_S = 1.0

_ZERO_USD = Decimal(0)


class AccountsStore(CounterStore, RecordStore, Protocol):
    """What budgets need of the store."""


class Accounts:
    """The cost room's door. One for the process; `budgets` and `statements` answer the owner."""

    def __init__(
        self,
        *,
        journal: Journal,
        spend_log: SpendLog,
        store: AccountsStore,
        prices: Prices,
        settings: Settings,
        clock: Clock,
        on_row: Callable[[LedgerRow], None],
        on_soft_limit: Callable[[str, str], None],
        is_shared: bool = False,
    ) -> None:
        """`on_row` is told each row as it is written down: the live feed of metrics and logs. `on_soft_limit` is told
        scope and window of a budget that passed its soft limit, once in each window. `is_shared`: other daemons count
        in the same store."""
        self._ledger = Ledger(journal, spend_log, on_row)
        self._admission = Admission(store, self._ledger.spent_nanos, clock, is_shared=is_shared)
        self._budgets = Budgets(store, settings)
        self._prices = prices
        self._habits = Habits()
        self._clock = clock
        self._soft_limits = SoftLimits(self._admission.standings, on_soft_limit, clock)
        self._books = Books(self._ledger, self._admission, self._soft_limits, self._habits, clock)
        self.budgets = BudgetControl(self._budgets, self._admission, self._soft_limits, self._ledger, clock)
        self.statements = Statements(self._ledger, prices, settings, clock)
        self._tasks: list[asyncio.Task[None]] = []

    # --- life

    async def start(self) -> None:
        """Bring the ledger up to what an earlier run left in the journal, then keep it written.

        Raises:
            CannotStart: the ledger cannot be kept here.
        """
        closed = await self._ledger.start()
        self._learn(await self._ledger.recent(ROWS_LEARNED_FROM))
        try:
            await self._budgets.load()
            await self._settle_closed(closed)
        except StoreUnavailable as error:
            log.warning("the budgets cannot be read yet: %s", error)
        self._tasks = [
            asyncio.create_task(_without_end(self._ledger.flush_forever)),
            asyncio.create_task(_without_end(self._admission.keep_leases)),
            asyncio.create_task(_without_end(self._admission.keep_up)),
            asyncio.create_task(_without_end(self._follow_budgets)),
            asyncio.create_task(_without_end(self._watch_soft_limits)),
            asyncio.create_task(self._prices.warm()),
        ]

    async def aclose(self) -> None:
        """Settle and write what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._admission.aclose()
        await self._ledger.aclose()

    async def configure(self, settings: Settings) -> None:
        """Take the prices, budgets and time zone of new settings."""
        self.statements.configure(settings)
        self._prices.configure(settings.models, settings.providers)
        self._budgets.configure(settings)

    def parts(self) -> dict[str, tuple[str, str]]:
        """Mode and reason of the ledger, for /health/ready."""
        trouble = self._ledger.trouble
        parts = {"ledger": ("degraded", trouble) if trouble else ("ok", "")}
        if self._admission.trouble:
            parts["budgets"] = ("degraded", self._admission.trouble)
        return parts

    # --- one request

    @asynccontextmanager
    async def reserving(
        self,
        ask: Ask,
        target: Target,
        dialect: Dialect,
        body: JsonObject,
        *,
        attempt: int,
        cache: Verdict,
        pii: str,
        stand_in: StandIn | None = None,
    ) -> AsyncGenerator[Bill, None]:
        """Admit one attempt at a provider; leaving the block settles it, also where nobody did inside.

        `body` is what `target` is to be sent. `attempt` counts from 0; the first has the request's own id in the
        ledger. `stand_in` is given where `target` belongs to a model that a budget named.

        Raises:
            BudgetExceeded: on entry. Where it names a model to be asked instead, whoever does not go on to that one
                records the refusal; else a row `refused` says so.
            LedgerUnavailable: on entry; the call could not be written down, or its budgets not be asked.
        """
        row = call_row(ask, target, attempt, cache=cache, pii=pii)
        asked_as = ask.model
        if stand_in is not None:
            asked_as, row.swapped_from, row.reason = stand_in.model, stand_in.for_model, stand_in.because
        bill = await self._open(ask, target, dialect, body, row, asked_as=asked_as)
        try:
            yield bill
        except BaseException as error:
            await bill.abandon(error)
            raise
        else:
            await bill.abandon(None)

    def tokens_in(self, target: Target, size: int) -> int:
        """About how many tokens so many bytes of a request are there."""
        return self._habits.tokens_in(target, size)

    async def expected_usd(self, ask: Ask, target: Target) -> Decimal | None:
        """What a request is likely to cost there, by its length and by what the model usually writes; None where
        nobody knows its price."""
        price = await self._prices.price(ask.model, target)
        if price is None:
            return None
        output_tokens = self._habits.usual_output(target)
        likely = Usage(
            input_tokens=self._habits.tokens_in(target, len(to_json(ask.body))),
            output_tokens=UNLEARNED_OUTPUT_TOKENS if output_tokens is None else output_tokens,
        )
        return price.at(self._clock.now()).quote(likely).cost_usd

    def record_hit(
        self,
        ask: Ask,
        *,
        verdict: Verdict,
        saved_usd: Decimal,
        similarity: float | None,
        input_tokens: int,
        output_tokens: int,
        total_ms: float,
        pii: str,
        saved_ms: float | None = None,
    ) -> LedgerRow:
        """Write down an answer that cost nothing. `saved_ms` is how long its provider took."""
        row = row_of_ask(ask, "hit", pii=pii)
        row.cache = str(verdict)
        row.similarity = similarity
        row.status = 200
        row.input_tokens = input_tokens
        row.output_tokens = output_tokens
        row.cost_usd = _ZERO_USD
        row.saved_usd = saved_usd
        row.saved_ms = saved_ms
        row.total_ms = total_ms
        self._ledger.note(row)
        return row

    def record_refusal(self, ask: Ask, error: RequestRefused, *, pii: str = "") -> None:
        """Write down a request that was refused before any provider was asked."""
        self._note_refusal(row_of_ask(ask, "refused", pii=pii), ask, error)

    # --- steps of a call

    async def _open(
        self, ask: Ask, target: Target, dialect: Dialect, body: JsonObject, row: LedgerRow, *, asked_as: str
    ) -> Bill:
        """Price, admit and write down, in this order; nothing stays reserved when this raises."""
        price = await self._prices.price(asked_as, target)
        sent = to_json(body)
        need = need_of(price, dialect, body, sent, self._habits.of(target))
        admitted = Admitted() if need.is_nothing else await self._admit(ask, target, row, need, asked_as)
        if admitted.output_tokens is not None:
            body = dialect.with_output_limit(body, admitted.output_tokens)
        if price is not None:
            row.price_source = price.source
            row.bound_usd = need.usd(admitted.output_tokens or need.output_tokens)
        await self._intend(row, admitted)
        bound_tokens = (admitted.output_tokens or need.output_tokens or None) if admitted.holds else None
        is_open_ended = dialect.output_limit(body) is None
        terms = Terms(price, target, len(sent), admitted, bound_tokens, is_open_ended, ask.started_s)
        return Bill(row, body, terms, dialect, self._books)

    async def _admit(self, ask: Ask, target: Target, row: LedgerRow, need: Need, asked_as: str) -> Admitted:
        """What no budget covers is admitted without asking. So is what costs nothing, which does not come here."""
        try:
            limits = await self._budgets.limits(ask, target, self._clock.now(), asked_as=asked_as)
            if not limits:
                return Admitted()
            if need.is_unseen:
                raise Forbidden("what this costs is spent later, unseen: it cannot be had within a budget")
            admitted = await self._admission.admit(row.id, limits, need)
            row.reason = "; ".join(filter(None, (row.reason, self._soft_limits.watch(limits))))
            return admitted
        except BudgetExceeded as error:
            if not error.fallback_model:
                self._note_refusal(row, ask, error)
            raise
        except Forbidden as error:
            self._note_refusal(row, ask, error)
            raise
        except PartUnavailable as error:
            raise LedgerUnavailable(f"the budgets cannot be asked: {error}") from error

    async def _intend(self, row: LedgerRow, admitted: Admitted) -> None:
        try:
            self._ledger.intend(row, admitted.holds)
        except JournalUnavailable as error:
            if admitted.holds:
                await self._admission.settle(row.id, admitted.holds, 0)
            raise LedgerUnavailable(f"the call could not be written down, so it was not made: {error}") from error

    def _note_refusal(self, row: LedgerRow, ask: Ask, error: RequestRefused) -> None:
        refuse(row, error).total_ms = (self._clock.monotonic_s() - ask.started_s) * 1e3
        self._ledger.note(row)

    # --- steps of the start

    def _learn(self, rows: Iterable[LedgerRow]) -> None:
        """What calls usually write is known again after a restart."""
        for row in rows:
            if row.kind == "call" and row.outcome == "settled":
                target = Target(row.provider, row.upstream_model)
                self._habits.saw_output(target, row.output_tokens)
                self._habits.saw_duration(target, (row.total_ms or 0.0) / 1e3)

    async def _settle_closed(self, closed: Iterable[Closed]) -> None:
        for call in closed:
            counted_usd = call.row.cost_usd if call.row.cost_usd is not None else call.row.bound_usd
            await self._admission.settle_interrupted(call.row.id, call.holds, nanos_of(counted_usd or Decimal(0)))

    async def _follow_budgets(self) -> None:
        """Take over the budgets that other daemons of the store were given."""
        while True:
            await asyncio.sleep(BUDGETS_READ_EVERY_S)
            with suppress(StoreUnavailable):  # those that were read before hold until it answers
                await self._budgets.load()

    async def _watch_soft_limits(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AT_SOFT_LIMITS_EVERY_S)
            with suppress(StoreUnavailable, SpendLogUnavailable):
                await self._soft_limits.look()


async def _without_end(work: Callable[[], Awaitable[None]]) -> None:
    """The border of a background task: what nobody foresaw is logged, and the work goes on."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the ledger's background work failed and is begun anew")
            await asyncio.sleep(BEGIN_ANEW_S)
