"""Limits: who may spend how much."""

from __future__ import annotations

from aiohttp import web

from ... import control_api as api
from ...cost.accounts import Accounts
from ..asking import read_object
from .reading import MAX_BODY_BYTES, json_reply
from .router import Route


class BudgetRoutes:
    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def routes(self) -> list[Route]:
        return [
            ("GET", api.BUDGETS, self.budgets),
            ("PUT", api.BUDGETS, self.set),
            ("DELETE", api.BUDGETS, self.remove),
            ("POST", api.BUDGET_RAISE, self.raise_by),
            ("GET", api.BUDGET_WHY, self.why),
        ]

    async def budgets(self, request: web.Request) -> web.Response:
        return json_reply({"budgets": await self._accounts.budgets()})

    async def set(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        return json_reply(await self._accounts.set_budget(body))

    async def remove(self, request: web.Request) -> web.Response:
        scope, window = request.query.get("scope", ""), request.query.get("window", "")
        return json_reply({"removed": await self._accounts.remove_budget(scope, window)})

    async def raise_by(self, request: web.Request) -> web.Response:
        return json_reply(await self._accounts.raise_budget(await read_object(request, MAX_BODY_BYTES)))

    async def why(self, request: web.Request) -> web.Response:
        return json_reply(await self._accounts.budget_why(request.query.get("scope", "all")))
