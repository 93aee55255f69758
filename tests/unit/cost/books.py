"""The cost room over its real parts: journal, spend log and embedded store on disk, and a price table in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from daemon.adapters.journal_file import FileJournal
from daemon.adapters.spendlog_duckdb import DuckDbSpendLog
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.cost.accounts import Accounts, Bill
from daemon.cost.prices import Prices
from daemon.dialects import dialect_named
from daemon.exchange import Ask, CacheDirectives, Caller, LedgerRow, Target, Usage, Verdict
from daemon.ports.cost import PriceTable
from daemon.settings import Settings

TARGET = Target("openai", "gpt-test")

CENT_A_TOKEN: PriceTable = {
    "gpt-test": {
        "input_cost_per_token": Decimal(0),
        "output_cost_per_token": Decimal("0.01"),
        "max_output_tokens": 1000,
    }
}
"""Output costs a cent a token, input nothing: sums can be read off."""


class HandClock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic_s(self) -> float:
        return self.seconds

    def pass_s(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)
        self.seconds += seconds


@dataclass
class TableInMemory:
    """A PriceSource that counts how often it was read."""

    table: Mapping[str, Mapping[str, Any]]
    name: str = "table 1"
    reads: int = 0

    def load(self) -> PriceTable:
        self.reads += 1
        return self.table


def ask(
    *,
    id: str = "req-1",
    model: str = "gpt-test",
    key: str = "local",
    team: str | None = None,
    tags: tuple[str, ...] = (),
    max_tokens: int | None = None,
    **body: Any,
) -> Ask:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **body}
    if max_tokens is not None:
        body["max_tokens"] = max_tokens
    return Ask(
        id=id,
        dialect="chat",
        body=body,
        model=model,
        stream=False,
        caller=Caller(key=key, team=team),
        tags=tags,
        directives=CacheDirectives(),
        forward_headers={},
        received_at=datetime(2026, 11, 21, 12, 30, tzinfo=UTC),
        started_s=1000.0,
    )


@dataclass
class Books:
    """Accounts over its parts, and what it told."""

    accounts: Accounts
    store: EmbeddedStore
    journal: FileJournal
    spend_log: DuckDbSpendLog
    clock: HandClock
    told: list[LedgerRow] = field(default_factory=list)
    soft_limits: list[tuple[str, str]] = field(default_factory=list)
    """Scope and window of those that were passed."""
    is_closed: bool = False

    def reserving(self, asked: Ask, target: Target = TARGET, attempt: int = 0) -> Any:
        return self.accounts.reserving(
            asked, target, dialect_named("chat"), asked.body, attempt=attempt, cache=Verdict.MISS, pii=""
        )

    async def call(self, asked: Ask, output_tokens: int, target: Target = TARGET) -> Bill:
        """A call that is answered at once."""
        async with self.reserving(asked, target) as bill:
            await bill.settle(Usage(10, output_tokens), status=200)
        return bill

    async def rows(self) -> list[LedgerRow]:
        return await self.accounts.statements.recent(1_000)

    async def die(self) -> None:
        """Let go of everything as `kill -9` does: nothing is flushed, nothing settled. What the operating system
        was handed stays."""
        self.is_closed = True
        for task in self.accounts._tasks:
            task.cancel()
        await asyncio.gather(*self.accounts._tasks, return_exceptions=True)
        await self.spend_log.aclose()

    async def close(self) -> None:
        """End in good order."""
        self.is_closed = True
        await self.accounts.aclose()
        await self.store.aclose()


async def open_books(
    directory: Path,
    clock: HandClock,
    table: PriceTable = CENT_A_TOKEN,
    store: EmbeddedStore | None = None,
    is_shared: bool = False,
    **settings: Any,
) -> Books:
    """The books of a data directory, as a daemon opens them when it starts.

    `store` is one whose counters outlived the process before, as those of Redis do.
    """
    if store is None:
        store = EmbeddedStore(directory / "store.db", clock)
        await store.open()
    journal = FileJournal(directory / "journal")
    spend_log = DuckDbSpendLog(directory / "spend.duckdb")
    told: list[LedgerRow] = []
    soft_limits: list[tuple[str, str]] = []
    valid = Settings.model_validate(settings)
    accounts = Accounts(
        journal=journal,
        spend_log=spend_log,
        store=store,
        prices=Prices(TableInMemory(table), valid.models, valid.providers),
        settings=valid,
        clock=clock,
        on_row=told.append,
        is_shared=is_shared,
        on_soft_limit=lambda scope, window: soft_limits.append((scope, window)),
    )
    await accounts.start()
    return Books(accounts, store, journal, spend_log, clock, told, soft_limits)
