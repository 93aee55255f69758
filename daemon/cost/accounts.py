"""What the gateway asks of its money: reserve and settle calls, record hits and refusals, report, keep budgets."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from ..control_api import BudgetRow, ExplainedRow, LogRow, Spend
from ..dialects.dialect import Dialect
from ..errors import (
    BadRequest,
    BudgetExceeded,
    JournalUnavailable,
    LedgerUnavailable,
    NotFound,
    PartUnavailable,
    RequestRefused,
    SpendLogUnavailable,
    StoreUnavailable,
)
from ..exchange import Ask, JsonObject, LedgerRow, Target, Verdict
from ..json_text import to_json
from ..ports import Clock, CounterStore, Journal, RecordStore, SpendLog, SpendQuery
from ..settings import Settings
from .admission import Admission, Admitted
from .bill import Bill, Books, Terms
from .budgets import Budgets, Limit
from .habits import Habits
from .ledger import Closed, Ledger
from .money import nanos_of
from .needs import Need, need_of
from .prices import Prices
from .reports import budget_row, explained, log_row, spend
from .rows import call_row, refuse, row_of_ask, was_refused_by
from .soft_limits import SoftLimits
from .windows import window_at

__all__ = ["Accounts", "Bill"]

log = logging.getLogger(__name__)

ROWS_LEARNED_FROM = 1_000

REFUSALS_SHOWN = 10

BEGIN_ANEW_S = 1.0

BUDGETS_READ_EVERY_S = 5.0
LOOK_AT_SOFT_LIMITS_EVERY_S = 1.0

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_ZERO_USD = Decimal(0)

GROUPS = ("model", "key", "user", "team", "tag", "day")


class AccountsStore(CounterStore, RecordStore, Protocol):
    """What budgets need of the store."""


class Accounts:
    """The cost room's door. One for the process."""

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
    ) -> None:
        """`on_row` is told each row as it is written down: the live feed of metrics and logs. `on_soft_limit` is told
        scope and window of a budget that passed its soft limit, once in each window."""
        self._ledger = Ledger(journal, spend_log, on_row)
        self._admission = Admission(store, self._ledger.spent_nanos, clock)
        self._budgets = Budgets(store, settings)
        self._prices = prices
        self._habits = Habits()
        self._clock = clock
        self._timezone = settings.server.timezone
        self._soft_limits = SoftLimits(self._admission.states, on_soft_limit, clock)
        self._books = Books(self._ledger, self._admission, self._soft_limits, self._habits, clock)
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
        self._timezone = settings.server.timezone
        self._prices.configure(settings.models, settings.providers)
        self._budgets.configure(settings)

    def parts(self) -> dict[str, tuple[str, str]]:
        """Mode and reason of the ledger, for /health/ready."""
        trouble = self._ledger.trouble
        return {"ledger": ("degraded", trouble) if trouble else ("ok", "")}

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
    ) -> AsyncGenerator[Bill, None]:
        """Admit one attempt at a provider; leaving the block settles it, also where nobody did inside.

        `body` is what `target` is to be sent. `attempt` counts from 0; the first has the request's own id in the
        ledger.

        Raises:
            BudgetExceeded: on entry; a row `refused` says so.
            LedgerUnavailable: on entry; the call could not be written down, or its budgets not be asked.
        """
        row = call_row(ask, target, attempt, cache=cache, pii=pii)
        bill = await self._open(ask, target, dialect, body, row)
        try:
            yield bill
        except BaseException as error:
            await bill.abandon(error)
            raise
        else:
            await bill.abandon(None)

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
    ) -> LedgerRow:
        """Write down an answer that cost nothing."""
        row = row_of_ask(ask, "hit", pii=pii)
        row.cache = str(verdict)
        row.similarity = similarity
        row.status = 200
        row.input_tokens = input_tokens
        row.output_tokens = output_tokens
        row.cost_usd = _ZERO_USD
        row.saved_usd = saved_usd
        row.total_ms = total_ms
        self._ledger.note(row)
        return row

    def record_refusal(self, ask: Ask, error: RequestRefused, *, pii: str = "") -> None:
        """Write down a request that was refused before any provider was asked."""
        self._note_refusal(row_of_ask(ask, "refused", pii=pii), ask, error)

    # --- the owner's side

    async def budgets(self) -> list[BudgetRow]:
        """Every budget as it stands now."""
        return await self._budget_rows(self._budgets.all(self._clock.now()))

    async def read_budgets(self) -> None:
        """Take over at once the budgets that other daemons of the store were given.

        Raises:
            StoreUnavailable: they are as they were before.
        """
        await self._budgets.load()

    async def set_budget(self, body: JsonObject) -> BudgetRow:
        """Make or change a budget.

        Raises:
            BadRequest: `body` is no budget.
            Forbidden: helix.toml has it.
        """
        budget = await self._budgets.put(body)
        return (await self._budget_rows([budget.limit(self._clock.now())]))[0]

    async def remove_budget(self, scope: str, window: str) -> bool:
        """Whether there was one. Raises Forbidden where helix.toml has it."""
        return await self._budgets.remove(scope, window)

    async def raise_budget(self, body: JsonObject) -> BudgetRow:
        """Raise a budget's limit for a while.

        Raises:
            BadRequest: `body` is no raise, or does not say which of several budgets is meant.
            NotFound: there is no such budget.
        """
        return (await self._budget_rows([await self._budgets.raise_limit(body, self._clock.now())]))[0]

    async def budget_why(self, scope: str) -> dict[str, list[BudgetRow] | list[LogRow]]:
        """How the budgets of a scope stand, and whom they refused lately."""
        limits = [limit for limit in self._budgets.all(self._clock.now()) if limit.scope == scope]
        refused = [
            log_row(row)
            for row in await self._ledger.recent(ROWS_LEARNED_FROM)
            if any(was_refused_by(row, limit.scope, limit.window) for limit in limits)
        ]
        return {"budgets": await self._budget_rows(limits), "refusals": refused[-REFUSALS_SHOWN:]}

    async def report(
        self, *, since: datetime | None = None, until: datetime | None = None, by: str | None = None
    ) -> Spend:
        """What was spent and saved.

        Raises:
            BadRequest: there is no such grouping.
            SpendLogUnavailable: there is no answer now.
        """
        if by is not None and by not in GROUPS:
            raise BadRequest(f'by = "{by}": expected one of {", ".join(GROUPS)}', param="by")
        return spend(await self._ledger.report(self._query(since, until, by)))

    async def export_parquet(self, path: str, *, since: datetime | None = None, until: datetime | None = None) -> int:
        """Write the rows to a file; how many."""
        return await self._ledger.export_parquet(self._query(since, until, None), path)

    async def explain(self, request_id: str) -> list[ExplainedRow]:
        """Why a request cost what it did: each attempt with its classes of tokens and their rates, oldest first.

        Raises:
            NotFound: the ledger has no such request.
        """
        rows = await self._ledger.of_request(request_id)
        if not rows:
            raise NotFound(f"the ledger has no request {request_id}")
        return [explained(row) for row in rows]

    async def recent(self, limit: int) -> list[LedgerRow]:
        """The newest rows, newest last."""
        return await self._ledger.recent(limit)

    def midnight(self) -> datetime:
        """When today began in the configured time zone."""
        today = window_at("day", self._clock.now(), ZoneInfo(self._timezone))
        return today.starts_at or _BEGINNING

    # --- steps of a call

    async def _open(self, ask: Ask, target: Target, dialect: Dialect, body: JsonObject, row: LedgerRow) -> Bill:
        """Price, admit and write down, in this order; nothing stays reserved when this raises."""
        price = await self._prices.price(ask.model, target)
        sent = to_json(body)
        need = need_of(price, dialect, body, sent, partial(self._habits.usual_output, target))
        admitted = await self._admit(ask, target, row, need, is_free=price is not None and price.is_free)
        if admitted.output_tokens is not None:
            body = dialect.with_output_limit(body, admitted.output_tokens)
        if price is not None:
            row.price_source = price.source
            row.bound_usd = need.usd(admitted.output_tokens or need.output_tokens)
        await self._intend(row, admitted)
        return Bill(row, body, Terms(price, target, len(sent), admitted, ask.started_s), dialect, self._books)

    async def _admit(self, ask: Ask, target: Target, row: LedgerRow, need: Need, *, is_free: bool) -> Admitted:
        """What costs nothing is admitted without asking, and so is what no budget covers."""
        if is_free:
            return Admitted()
        try:
            limits = await self._budgets.limits(ask, target, self._clock.now())
            if not limits:
                return Admitted()
            admitted = await self._admission.admit(row.id, limits, need)
            row.reason = self._soft_limits.watch(limits)
            return admitted
        except BudgetExceeded as error:
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
                self._habits.saw_output(Target(row.provider, row.upstream_model), row.output_tokens)

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

    # --- steps of a report

    async def _budget_rows(self, limits: Sequence[Limit]) -> list[BudgetRow]:
        states = await self._admission.states(limits)
        return [budget_row(limit, state) for limit, state in zip(limits, states, strict=True)]

    def _query(self, since: datetime | None, until: datetime | None, by: str | None) -> SpendQuery:
        """Without `until`, all that there is: rows of this moment are part of it."""
        tomorrow = self._clock.now() + timedelta(days=1)
        return SpendQuery(since=since or _BEGINNING, until=until or tomorrow, by=by, timezone=self._timezone)


async def _without_end(work: Callable[[], Awaitable[None]]) -> None:
    """The border of a background task: what nobody foresaw is logged, and the work goes on."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("the ledger's background work failed and is begun anew")
            await asyncio.sleep(BEGIN_ANEW_S)
