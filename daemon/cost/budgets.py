"""Which budgets there are, and which of them a call counts against."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from ..errors import BadRequest, Forbidden
from ..exchange import Ask, Caller, JsonObject, Target
from ..ports import RecordStore
from ..settings import BudgetSettings, Settings
from .money import nanos_of
from .windows import Window, window_at

log = logging.getLogger(__name__)

RECORD_KIND = "budget"

FROM_FILE = "helix.toml"
FROM_COMMAND = "helix budget"


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget in one instance of its window: what a call is admitted against."""

    scope: str
    window: str
    limit_usd: Decimal
    limit_nanos: int
    soft_pct: int
    origin: str
    counter: str
    """The counter's name in the store; no other instance and no other budget has it."""
    starts_at: datetime | None
    resets_at: datetime | None


class Budget:
    """One budget. Keeps the current instance of its window, since finding it costs 10 µs."""

    def __init__(self, settings: BudgetSettings, origin: str, zone: ZoneInfo) -> None:
        self.settings = settings
        self.origin = origin
        self._zone = zone
        self._current: Limit | None = None

    @property
    def name(self) -> str:
        """Its identity: scope and window."""
        return budget_name(self.settings.scope, self.settings.window)

    def limit(self, now: datetime) -> Limit:
        """The instance that `now` falls in."""
        if self._current is None or not _holds(self._current, now):
            self._current = self._instance(window_at(self.settings.window, now, self._zone))
        return self._current

    def _instance(self, window: Window) -> Limit:
        return Limit(
            scope=self.settings.scope,
            window=self.settings.window,
            limit_usd=self.settings.limit_usd,
            limit_nanos=nanos_of(self.settings.limit_usd),
            soft_pct=self.settings.soft_pct,
            origin=self.origin,
            counter=f"{self.name}/{window.label}",
            starts_at=window.starts_at,
            resets_at=window.resets_at,
        )


def _holds(limit: Limit, now: datetime) -> bool:
    if limit.starts_at is None or limit.resets_at is None:
        return True
    return limit.starts_at <= now < limit.resets_at


def budget_name(scope: str, window: str) -> str:
    return f"{scope}/{window}"


class Budgets:
    """The budgets of helix.toml and those that the owner made with `helix budget`, which rest in the store."""

    def __init__(self, store: RecordStore, settings: Settings) -> None:
        self._store = store
        self._records: dict[str, JsonObject] | None = None
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take the budgets and the time zone of new settings."""
        self._zone = ZoneInfo(settings.server.timezone)
        self._of_file = settings.budgets
        self._rebuild()

    async def load(self) -> None:
        """Read those that rest in the store.

        Raises:
            StoreUnavailable: they are as they were before.
        """
        self._records = await self._store.records(RECORD_KIND)
        self._rebuild()

    async def limits(self, ask: Ask, target: Target, now: datetime) -> list[Limit]:
        """What a call of `target` on behalf of `ask` is held against.

        Raises:
            StoreUnavailable: what rests in the store was never read, so nobody knows.
        """
        if self._records is None:
            await self.load()
        if not self._by_scope:
            return []
        found = chain.from_iterable(self._by_scope.get(scope, ()) for scope in scopes_of(ask, target))
        return [budget.limit(now) for budget in found]

    def all(self, now: datetime) -> list[Limit]:
        return [budget.limit(now) for budgets in self._by_scope.values() for budget in budgets]

    async def put(self, body: JsonObject) -> Budget:
        """Make or change a budget of the owner's.

        Raises:
            BadRequest: `body` is no budget.
            Forbidden: helix.toml has it.
            StoreUnavailable: nothing was changed.
        """
        budget = Budget(_checked(body), FROM_COMMAND, self._zone)
        self._refuse_if_of_file(budget.name)
        await self._store.put_record(RECORD_KIND, budget.name, budget.settings.model_dump(mode="json"))
        await self.load()
        return budget

    async def remove(self, scope: str, window: str) -> bool:
        """Whether there was one of the owner's.

        Raises:
            Forbidden: helix.toml has it.
            StoreUnavailable: nothing was changed.
        """
        name = budget_name(scope, window)
        self._refuse_if_of_file(name)
        was_there = await self._store.remove_record(RECORD_KIND, name)
        await self.load()
        return was_there

    def _refuse_if_of_file(self, name: str) -> None:
        if name in {budget_name(settings.scope, settings.window) for settings in self._of_file}:
            raise Forbidden(f"the budget {name} stands in helix.toml: change it there and reload")

    def _rebuild(self) -> None:
        """Where both have one of the same identity, the file's holds."""
        by_name = {budget.name: budget for budget in self._found()}
        self._by_scope: dict[str, list[Budget]] = {}
        for budget in by_name.values():
            self._by_scope.setdefault(budget.settings.scope, []).append(budget)

    def _found(self) -> Iterator[Budget]:
        for name, record in (self._records or {}).items():
            try:
                yield Budget(_checked(record), FROM_COMMAND, self._zone)
            except BadRequest as error:
                log.warning("the stored budget %s cannot be used: %s", name, error)
        for settings in self._of_file:
            yield Budget(settings, FROM_FILE, self._zone)


def scopes_of(ask: Ask, target: Target) -> Iterator[str]:
    """All that a budget of this call may be named for, each once."""
    yield "all"
    yield from _scopes_of_caller(ask.caller)
    models = {ask.model, target.model, f"{target.provider}/{target.model}"}
    yield from (f"model:{model}" for model in models)
    yield from (f"tag:{tag}" for tag in set(ask.tags))


def _scopes_of_caller(caller: Caller) -> Iterator[str]:
    yield f"key:{caller.key}"
    for kind, name in (("user", caller.user), ("team", caller.team), ("org", caller.org)):
        if name is not None:
            yield f"{kind}:{name}"


def _checked(body: dict[str, Any]) -> BudgetSettings:
    try:
        return BudgetSettings.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "budget"
        raise BadRequest(f"{field}: {first['msg']}", param=field) from None
