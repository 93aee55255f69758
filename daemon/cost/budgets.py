"""Which budgets there are, which of them a call counts against, and which are raised for a while."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, ValidationError

from ..errors import BadRequest, Forbidden, NotFound
from ..exchange import Ask, Caller, JsonObject, Target
from ..ports.storage import RecordStore
from ..settings import BudgetSettings, Section, Settings, Usd, WindowName
from .limits import Counter, Limit, budget_name
from .money import nanos_of
from .windows import Stretch, stretches_at

log = logging.getLogger(__name__)

RECORD_KIND = "budget"
RAISE_KIND = "budget raise"

LONGEST_RAISE_S = 366 * 86_400

FROM_FILE = "helix.toml"
FROM_COMMAND = "helix budget"


class Raise(Section):
    """How much higher a budget's limit is for a while; the budget itself stays as it is."""

    by_usd: Usd = Field(gt=0)
    until: AwareDatetime


class RaiseWanted(Section):
    """What the owner asks for. Without `window` the scope must have one budget only."""

    scope: str
    window: WindowName | None = None
    by_usd: Usd = Field(gt=0)
    for_s: float = Field(gt=0, le=LONGEST_RAISE_S)


class Budget:
    """One budget. Keeps the current instance of its window, since finding it costs 10 µs."""

    def __init__(self, settings: BudgetSettings, origin: str, zone: ZoneInfo, raised: Raise | None = None) -> None:
        self.settings = settings
        self.origin = origin
        self._zone = zone
        self._raised = raised
        self._current: Limit | None = None

    @property
    def name(self) -> str:
        """Its identity: scope and window."""
        return budget_name(self.settings.scope, self.settings.window)

    def limit(self, now: datetime) -> Limit:
        """The instance that `now` falls in."""
        if self._current is None or not _holds(self._current, now):
            raised = self._raised if self._raised is not None and now < self._raised.until else None
            self._current = self._instance(stretches_at(self.settings.window, now, self._zone), raised)
        return self._current

    def _instance(self, stretches: tuple[Stretch, ...], raised: Raise | None) -> Limit:
        limit_usd = self.settings.limit_usd + (raised.by_usd if raised else 0)
        return Limit(
            scope=self.settings.scope,
            window=self.settings.window,
            limit_usd=limit_usd,
            limit_nanos=nanos_of(limit_usd),
            soft_pct=self.settings.soft_pct,
            origin=self.origin,
            counters=tuple(self._counter(stretch) for stretch in stretches),
            resets_at=stretches[-1].ends_at if len(stretches) == 1 else None,
            stale_at=stretches[-1].ends_at,
            fallback_model=self.settings.fallback_model,
            raised_until=raised.until if raised else None,
        )

    def _counter(self, stretch: Stretch) -> Counter:
        return Counter(f"{self.name}/{stretch.label}", stretch.starts_at, stretch.ends_at, stretch.counts_until)


def _holds(limit: Limit, now: datetime) -> bool:
    if limit.raised_until is not None and now >= limit.raised_until:
        return False
    if limit.counter.starts_at is None or limit.stale_at is None:
        return True
    return limit.counter.starts_at <= now < limit.stale_at


class Budgets:
    """The budgets of helix.toml and those that the owner made with `helix budget`, which rest in the store."""

    def __init__(self, store: RecordStore, settings: Settings) -> None:
        self._store = store
        self._of_owner: dict[str, BudgetSettings] | None = None
        self._raises: dict[str, Raise] = {}
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
        raises, budgets = await self._store.records(RAISE_KIND), await self._store.records(RECORD_KIND)
        self._raises = dict(_usable(Raise, raises))
        self._of_owner = dict(_usable(BudgetSettings, budgets))
        self._rebuild()

    async def limits(self, ask: Ask, target: Target, now: datetime, *, asked_as: str) -> list[Limit]:
        """What a call of `target` on behalf of `ask` is held against; `asked_as` is the model's name for callers.

        Raises:
            StoreUnavailable: what rests in the store was never read, so nobody knows.
        """
        if self._of_owner is None:
            await self.load()
        if not self._by_scope:
            return []
        found = chain.from_iterable(self._by_scope.get(scope, ()) for scope in scopes_of(ask, target, asked_as))
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
        budget = Budget(_parsed(BudgetSettings, body), FROM_COMMAND, self._zone)
        self._refuse_if_of_file(budget.name)
        await self._store.put_record(
            RECORD_KIND, budget.name, budget.settings.model_dump(mode="json", exclude_defaults=True)
        )
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
        await self._store.remove_record(RAISE_KIND, name)
        await self.load()
        return was_there

    async def raise_limit(self, body: JsonObject, now: datetime) -> Limit:
        """Raise a budget's limit for a while, one of the file's, too; an earlier raise of it ends.

        Raises:
            BadRequest: `body` is no raise, or the scope has several budgets.
            NotFound: there is no such budget.
            StoreUnavailable: nothing was changed.
        """
        wanted = _parsed(RaiseWanted, body)
        raised = Raise(by_usd=wanted.by_usd, until=now + timedelta(seconds=wanted.for_s))
        name = self._one_of(wanted).name
        await self._store.put_record(RAISE_KIND, name, raised.model_dump(mode="json"))
        await self.load()
        return self._one_of(wanted).limit(now)

    def _one_of(self, wanted: RaiseWanted) -> Budget:
        found = [
            budget for budget in self._by_scope.get(wanted.scope, ()) if wanted.window in (None, budget.settings.window)
        ]
        if not found:
            raise NotFound(f"there is no budget of {wanted.scope} that could be raised")
        if len(found) > 1:
            windows = ", ".join(budget.settings.window for budget in found)
            raise BadRequest(
                f"{wanted.scope} has several budgets: choose the window of one ({windows})", param="window"
            )
        return found[0]

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
        for origin, found in ((FROM_COMMAND, (self._of_owner or {}).values()), (FROM_FILE, self._of_file)):
            for settings in found:
                raised = self._raises.get(budget_name(settings.scope, settings.window))
                yield Budget(settings, origin, self._zone, raised)


def scopes_of(ask: Ask, target: Target, asked_as: str) -> Iterator[str]:
    """All that a budget of this call may be named for, each once."""
    yield "all"
    yield from _scopes_of_caller(ask.caller)
    models = {asked_as, target.model, f"{target.provider}/{target.model}"}
    yield from (f"model:{model}" for model in models)
    yield from (f"tag:{tag}" for tag in set(ask.tags))


def _scopes_of_caller(caller: Caller) -> Iterator[str]:
    yield f"key:{caller.key}"
    for kind, name in (("user", caller.user), ("team", caller.team), ("org", caller.org)):
        if name is not None:
            yield f"{kind}:{name}"


S = TypeVar("S", bound=Section)


def _usable(kind: type[S], records: dict[str, JsonObject]) -> Iterator[tuple[str, S]]:
    for name, record in records.items():
        try:
            yield name, _parsed(kind, record)
        except BadRequest as error:
            log.warning("what is stored of the budget %s cannot be used: %s", name, error)


def _parsed(kind: type[S], body: dict[str, Any]) -> S:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "budget"
        raise BadRequest(f"{field}: {first['msg'].removeprefix('Value error, ')}", param=field) from None
