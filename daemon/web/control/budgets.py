"""Limits: who may spend how much."""

from __future__ import annotations

from aiohttp import web

from ... import control_api as api
from ...cost.budget_control import BudgetControl
from ..asking import read_object
from .reading import MAX_BODY_BYTES, json_reply
from .router import Route


class BudgetRoutes:
    def __init__(self, budgets: BudgetControl) -> None:
        self._budgets = budgets

    def routes(self) -> list[Route]:
        return [
            ("GET", api.BUDGETS, self.budgets),
            ("PUT", api.BUDGETS, self.set),
            ("DELETE", api.BUDGETS, self.remove),
            ("POST", api.BUDGET_RAISE, self.raise_by),
            ("GET", api.BUDGET_WHY, self.why),
        ]

    async def budgets(self, request: web.Request) -> web.Response:
        return json_reply({"budgets": await self._budgets.rows()})

    async def set(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        return json_reply(await self._budgets.set(body))

    async def remove(self, request: web.Request) -> web.Response:
        scope, window = request.query.get("scope", ""), request.query.get("window", "")
        return json_reply({"removed": await self._budgets.remove(scope, window)})

    async def raise_by(self, request: web.Request) -> web.Response:
        return json_reply(await self._budgets.raise_limit(await read_object(request, MAX_BODY_BYTES)))

    async def why(self, request: web.Request) -> web.Response:
        return json_reply(await self._budgets.why(request.query.get("scope", "all")))
