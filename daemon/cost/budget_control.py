"""What the owner asks of the budgets: how they stand, whom they refused, and changes to them."""

from __future__ import annotations

from collections.abc import Sequence

from ..control_api import BudgetRow
from ..control_api.logs import LogRow
from ..exchange import JsonObject
from ..ports.clock import Clock
from .admission import Admission
from .budgets import Budgets
from .ledger import Ledger
from .limits import Limit
from .reports import budget_row, log_row
from .rows import was_refused_by
from .soft_limits import SoftLimits

ROWS_LOOKED_THROUGH = 1_000
"""How far back `why` looks for refusals."""

REFUSALS_SHOWN = 10


class BudgetControl:
    """Each answer is the store's at that moment; all of it may raise StoreUnavailable or SpendLogUnavailable."""

    def __init__(
        self, budgets: Budgets, admission: Admission, soft_limits: SoftLimits, ledger: Ledger, clock: Clock
    ) -> None:
        self._budgets = budgets
        self._admission = admission
        self._soft_limits = soft_limits
        self._ledger = ledger
        self._clock = clock

    async def rows(self) -> list[BudgetRow]:
        """Every budget as it stands now."""
        return await self._rows_of(self._budgets.all(self._clock.now()))

    async def read(self) -> None:
        """Take over at once the budgets that other daemons of the store were given.

        Raises:
            StoreUnavailable: they are as they were before.
        """
        await self._budgets.load()

    async def set(self, body: JsonObject) -> BudgetRow:
        """Make or change a budget.

        Raises:
            BadRequest: `body` is no budget.
            Forbidden: helix.toml has it.
        """
        budget = await self._budgets.put(body)
        return (await self._rows_of([budget.limit(self._clock.now())]))[0]

    async def remove(self, scope: str, window: str) -> bool:
        """Whether there was one. Raises Forbidden where helix.toml has it."""
        return await self._budgets.remove(scope, window)

    def limits_of(self, scopes: Sequence[str]) -> list[Limit]:
        """The budgets of these scopes in the window that runs now."""
        return [limit for limit in self._budgets.all(self._clock.now()) if limit.scope in scopes]

    async def forget(self, limits: Sequence[Limit]) -> None:
        """Have nothing counted for these any more; where a budget stays, it counts from the ledger anew.

        Raises:
            StoreUnavailable: some may be left, and end with their windows.
        """
        self._soft_limits.forget(limits)
        await self._admission.forget(limits)

    async def raise_limit(self, body: JsonObject) -> BudgetRow:
        """Raise a budget's limit for a while.

        Raises:
            BadRequest: `body` is no raise, or does not say which of several budgets is meant.
            NotFound: there is no such budget.
        """
        return (await self._rows_of([await self._budgets.raise_limit(body, self._clock.now())]))[0]

    async def why(self, scope: str) -> dict[str, list[BudgetRow] | list[LogRow]]:
        """How the budgets of a scope stand, and whom they refused lately."""
        limits = [limit for limit in self._budgets.all(self._clock.now()) if limit.scope == scope]
        refused = [
            log_row(row)
            for row in await self._ledger.recent(ROWS_LOOKED_THROUGH)
            if any(was_refused_by(row, limit.scope, limit.window) for limit in limits)
        ]
        return {"budgets": await self._rows_of(limits), "refusals": refused[-REFUSALS_SHOWN:]}

    async def _rows_of(self, limits: Sequence[Limit]) -> list[BudgetRow]:
        standings = await self._admission.standings(limits)
        return [budget_row(limit, standing) for limit, standing in zip(limits, standings, strict=True)]
