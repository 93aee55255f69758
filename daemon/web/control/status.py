"""What is up, and what happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from aiohttp import web

from ... import control_api as api
from ...cost.reports import log_row
from ...errors import SettingsError
from ...gateway import Gateway
from ...json_text import to_json
from .cache import cache_stats
from .reading import json_reply, limit_of
from .router import Route

_BEAT_S = 5.0


class StatusRoutes:
    def __init__(self, gateway: Gateway, identity: Callable[[], dict[str, Any]]) -> None:
        self._gateway = gateway
        self._identity = identity

    def routes(self) -> list[Route]:
        return [
            ("GET", api.STATUS, self.status),
            ("GET", api.OVERVIEW, self.overview),
            ("GET", api.LOGS, self.logs),
            ("GET", api.LOGS_FOLLOW, self.follow_logs),
            ("POST", api.RELOAD, self.reload),
        ]

    def _status(self) -> dict[str, Any]:
        readiness = self._gateway.readiness()
        since = self._gateway.since.isoformat()
        return {
            **self._identity(),
            "mode": readiness["status"],
            "since": since,
            "parts": readiness["parts"],
            "unwell_providers": self._gateway.unwell_providers(),
        }

    async def status(self, request: web.Request) -> web.Response:
        return json_reply(self._status())

    async def overview(self, request: web.Request) -> web.Response:
        accounts = self._gateway.parts.accounts
        overview = {
            "status": self._status(),
            "today": await accounts.statements.report(since=accounts.statements.midnight(), by="model"),
            "cache": await cache_stats(self._gateway),
            "budgets": await accounts.budgets.rows(),
        }
        return json_reply(overview)

    async def reload(self, request: web.Request) -> web.Response:
        try:
            await self._gateway.reload()
        except SettingsError as error:
            return json_reply({"reloaded": False, "message": str(error)})
        return json_reply({"reloaded": True, "message": "the settings are read anew"})

    async def logs(self, request: web.Request) -> web.Response:
        limit = limit_of(request)
        rows = self._gateway.parts.recent.last(limit)
        if len(rows) < limit:
            rows = await self._gateway.parts.accounts.statements.recent(limit)
        return json_reply({"rows": [log_row(row) for row in rows]})

    async def follow_logs(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson", "cache-control": "no-cache"})
        await response.prepare(request)
        try:
            async with aclosing(self._gateway.parts.recent.watch(limit_of(request), _BEAT_S)) as rows:
                async for row in rows:
                    await response.write((to_json(log_row(row)) if row is not None else b"") + b"\n")
        except ConnectionError:
            return response  # who watched has left
        return response
