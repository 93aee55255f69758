"""The control API: what the command line and the dashboard ask. For the owner only: shapes in control_api.py."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from aiohttp import web

from .. import control_api as api
from ..caching.cache import Cache
from ..cost.accounts import Accounts
from ..cost.budgets import FROM_COMMAND
from ..cost.reports import log_row
from ..errors import BadRequest, SettingsError, Unauthorized
from ..exchange import JsonObject
from ..gateway import Gateway
from ..json_text import to_json
from ..security.keys import LONGEST_S, Keys, VirtualKey, key_row, new_key_id, wanted_key
from .asking import new_request_id, read_object
from .error_replies import error_reply

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MAX_BODY_BYTES = 2**20
_MAX_ROWS = 10_000
_BEAT_S = 5.0


class Control:
    """Handlers for the owner, who shows the token of the runtime file."""

    def __init__(self, gateway: Gateway, *, token: str, identity: Callable[[], dict[str, Any]]) -> None:
        self._gateway = gateway
        self._token = token.encode()
        self._identity = identity

    def add_to(self, app: web.Application) -> None:
        routes: list[tuple[str, str, Handler]] = [
            ("GET", api.STATUS, self.status),
            ("GET", api.OVERVIEW, self.overview),
            ("GET", api.CACHE_STATS, self.cache_stats),
            ("POST", api.CACHE_CLEAR, self.cache_clear),
            ("POST", api.CACHE_WHY, self.cache_why),
            ("GET", api.BUDGETS, self.budgets),
            ("PUT", api.BUDGETS, self.set_budget),
            ("DELETE", api.BUDGETS, self.remove_budget),
            ("POST", api.BUDGET_RAISE, self.raise_budget),
            ("GET", api.BUDGET_WHY, self.budget_why),
            ("GET", api.KEYS, self.keys),
            ("POST", api.KEYS, self.create_key),
            ("DELETE", api.KEYS, self.revoke_key),
            ("POST", api.KEY_ROTATE, self.rotate_key),
            ("GET", api.SPEND, self.spend),
            ("GET", api.SPEND_EXPLAIN, self.spend_explain),
            ("POST", api.SPEND_PARQUET, self.spend_parquet),
            ("GET", api.LOGS, self.logs),
            ("GET", api.LOGS_FOLLOW, self.follow_logs),
            ("POST", api.RELOAD, self.reload),
        ]
        for method, path, handler in routes:
            app.router.add_route(method, path, self._for_owner(handler))

    @property
    def _accounts(self) -> Accounts:
        return self._gateway.parts.accounts

    @property
    def _cache(self) -> Cache:
        return self._gateway.parts.cache

    @property
    def _keys(self) -> Keys:
        return self._gateway.parts.keys

    def _for_owner(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._gateway.rules.door.check(request.headers)
                self._check_token(request)
                return await handler(request)
            except Exception as error:  # the border: every error has a reply
                return error_reply(error, "chat", new_request_id())

        return guarded

    def _check_token(self, request: web.Request) -> None:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode("utf-8", "replace"), self._token):
            raise Unauthorized("the control API wants the token of daemon.json")

    # --- what is up

    def _status(self) -> dict[str, Any]:
        readiness = self._gateway.readiness()
        since = self._gateway.since.isoformat()
        return {**self._identity(), "mode": readiness["status"], "since": since, "parts": readiness["parts"]}

    async def status(self, request: web.Request) -> web.Response:
        return _json(self._status())

    async def overview(self, request: web.Request) -> web.Response:
        overview = {
            "status": self._status(),
            "today": await self._accounts.report(since=self._accounts.midnight(), by="model"),
            "cache": await self._cache_stats(),
            "budgets": await self._accounts.budgets(),
        }
        return _json(overview)

    async def reload(self, request: web.Request) -> web.Response:
        try:
            await self._gateway.reload()
        except SettingsError as error:
            return _json({"reloaded": False, "message": str(error)})
        return _json({"reloaded": True, "message": "the settings are read anew"})

    # --- the cache

    async def _cache_stats(self) -> dict[str, Any]:
        saved_usd = (await self._accounts.report(since=None, by=None))["saved_usd"]
        return {**await self._cache.stats(), "saved_usd": saved_usd}

    async def cache_stats(self, request: web.Request) -> web.Response:
        return _json(await self._cache_stats())

    async def cache_clear(self, request: web.Request) -> web.Response:
        body = await read_object(request, _MAX_BODY_BYTES)
        cleared = await self._cache.clear(scope=_text(body, "scope"), model=_text(body, "model"))
        return _json({"cleared": cleared})

    async def cache_why(self, request: web.Request) -> web.Response:
        body = await read_object(request, _MAX_BODY_BYTES)
        text = _text(body, "text")
        if text is None:
            raise BadRequest("text is missing", param="text")
        latest = next((row for row in reversed(self._gateway.parts.recent.last(_MAX_ROWS)) if row.model), None)
        model = _text(body, "model") or (latest.model if latest else "helix/echo")
        key = _text(body, "key") or (latest.key if latest else "local")
        why = await self._gateway.rules.pipeline.why(text, model=model, system=_text(body, "system"), key=key)
        return _json(why)

    # --- budgets

    async def budgets(self, request: web.Request) -> web.Response:
        return _json({"budgets": await self._accounts.budgets()})

    async def set_budget(self, request: web.Request) -> web.Response:
        body = await read_object(request, _MAX_BODY_BYTES)
        return _json(await self._accounts.set_budget(body))

    async def remove_budget(self, request: web.Request) -> web.Response:
        scope, window = request.query.get("scope", ""), request.query.get("window", "")
        return _json({"removed": await self._accounts.remove_budget(scope, window)})

    async def raise_budget(self, request: web.Request) -> web.Response:
        return _json(await self._accounts.raise_budget(await read_object(request, _MAX_BODY_BYTES)))

    async def budget_why(self, request: web.Request) -> web.Response:
        return _json(await self._accounts.budget_why(request.query.get("scope", "all")))

    # --- virtual keys

    async def keys(self, request: web.Request) -> web.Response:
        return _json({"keys": [key_row(key) for key in self._keys.all()]})

    async def create_key(self, request: web.Request) -> web.Response:
        """The budget is made first: a key never works without the budget that it was to have."""
        wanted, key_id = wanted_key(await read_object(request, _MAX_BODY_BYTES)), new_key_id()
        if wanted.budget is not None:
            await self._accounts.set_budget({"scope": f"key:{key_id}", **wanted.budget.model_dump()})
        return _json(_made(*await self._keys.create(wanted, key_id)))

    async def rotate_key(self, request: web.Request) -> web.Response:
        body = await read_object(request, _MAX_BODY_BYTES)
        return _json(_made(*await self._keys.rotate(_text(body, "id") or "", _grace_s(body))))

    async def revoke_key(self, request: web.Request) -> web.Response:
        key_id = request.query.get("id", "")
        await self._keys.revoke(key_id)
        for budget in await self._accounts.budgets():
            if budget["scope"] == f"key:{key_id}" and budget["origin"] == FROM_COMMAND:
                await self._accounts.remove_budget(budget["scope"], budget["window"])
        return _json({"revoked": key_id})

    # --- money and rows

    async def spend(self, request: web.Request) -> web.Response:
        since, until = _moment(request, "since"), _moment(request, "until")
        return _json(await self._accounts.report(since=since, until=until, by=request.query.get("by") or None))

    async def spend_explain(self, request: web.Request) -> web.Response:
        return _json({"rows": await self._accounts.explain(request.query.get("id", ""))})

    async def spend_parquet(self, request: web.Request) -> web.Response:
        body = await read_object(request, _MAX_BODY_BYTES)
        path = _text(body, "path")
        if path is None:
            raise BadRequest("path is missing", param="path")
        since, until = _parse_moment(body.get("since")), _parse_moment(body.get("until"))
        return _json({"rows": await self._accounts.export_parquet(path, since=since, until=until)})

    async def logs(self, request: web.Request) -> web.Response:
        limit = _limit(request)
        rows = self._gateway.parts.recent.last(limit)
        if len(rows) < limit:
            rows = await self._accounts.recent(limit)
        return _json({"rows": [log_row(row) for row in rows]})

    async def follow_logs(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "application/x-ndjson", "cache-control": "no-cache"})
        await response.prepare(request)
        try:
            async with aclosing(self._gateway.parts.recent.watch(_limit(request), _BEAT_S)) as rows:
                async for row in rows:
                    await response.write((to_json(log_row(row)) if row is not None else b"") + b"\n")
        except ConnectionError:
            return response  # who watched has left
        return response


def _json(value: object) -> web.Response:
    return web.Response(body=to_json(value), content_type="application/json")


def _text(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} must be a string", param=name)
    return value


def _made(key: VirtualKey, secret: str) -> api.KeyMade:
    return {**key_row(key), "key": secret}


def _grace_s(body: JsonObject) -> float:
    """How long a rotated secret still opens its key, in seconds; none where nothing is said."""
    grace_s = body.get("grace_s", 0)
    if isinstance(grace_s, bool) or not isinstance(grace_s, (int, float)) or not 0 <= grace_s <= LONGEST_S:
        raise BadRequest("grace_s must be a number of seconds", param="grace_s")
    return grace_s


def _limit(request: web.Request) -> int:
    try:
        return max(0, min(_MAX_ROWS, int(request.query.get("limit", "50"))))
    except ValueError:
        raise BadRequest("limit must be a whole number", param="limit") from None


def _moment(request: web.Request, name: str) -> datetime | None:
    return _parse_moment(request.query.get(name))


def _parse_moment(value: object) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadRequest("expected a moment as ISO 8601, as 2026-11-01T00:00:00+00:00") from None
    if moment.tzinfo is None:
        raise BadRequest("a moment needs its offset from UTC, as 2026-11-01T00:00:00+00:00")
    return moment
