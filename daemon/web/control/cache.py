"""What is kept, and why."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from aiohttp import web

from ... import control_api as api
from ...control_api.cache import Imported
from ...errors import BadRequest
from ...exchange import JsonObject, Selection
from ...gateway import Gateway
from ...importing import Importer
from ..asking import read_object
from .reading import MAX_BODY_BYTES, MAX_ROWS, json_reply, limit_of, number_of, text_of, whole_of
from .router import Route

MAX_LINES = 500
MAX_LINES_BYTES = 16 * 2**20


class CacheRoutes:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        return [
            ("GET", api.CACHE_STATS, self.stats),
            ("POST", api.CACHE_CLEAR, self.clear),
            ("GET", api.CACHE_LINES, self.lines),
            ("POST", api.CACHE_LINES, self.take_lines),
            ("GET", api.CACHE_AUDIT, self.audit_plan),
            ("POST", api.CACHE_AUDIT, self.audit),
            ("POST", api.CACHE_WHY, self.why),
        ]

    async def stats(self, request: web.Request) -> web.Response:
        return json_reply(await cache_stats(self._gateway))

    async def clear(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        selection = _selection_of(body, self._gateway.parts.clock.now().timestamp())
        return json_reply({"cleared": await self._gateway.parts.cache.clear(selection)})

    async def lines(self, request: web.Request) -> web.Response:
        after = request.query.get("after", "0")
        if not re.fullmatch(r"[0-9]{1,18}", after):
            raise BadRequest("after must be a whole number", param="after")
        last, lines = await self._gateway.parts.cache.lines_after(int(after), min(limit_of(request), MAX_LINES))
        return json_reply({"last": last, "lines": lines})

    async def take_lines(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_LINES_BYTES)
        lines = body.get("lines")
        if not isinstance(lines, list):
            raise BadRequest("lines must be a list", param="lines")
        rules = self._gateway.rules
        importer = Importer(
            self._gateway.parts.cache, rules.privacy, rules.pipeline.router, scope=text_of(body, "scope")
        )
        taken = Imported(kept=0, passed_over=0, with_pii=0, refused=[])
        for place, line in enumerate(lines):
            try:
                taken[await importer.take(line)] += 1
            except BadRequest as error:
                taken["refused"].append({"place": place, "reason": str(error)})
        return json_reply(taken)

    async def audit_plan(self, request: web.Request) -> web.Response:
        sample = request.query.get("sample", "")
        if not re.fullmatch(r"[0-9]{1,6}", sample):
            raise BadRequest("sample must be a whole number", param="sample")
        auditor = self._gateway.rules.pipeline.auditor
        return json_reply(await auditor.plan(int(sample), request.query.get("scope")))

    async def audit(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        sample, max_usd = whole_of(body, "sample"), text_of(body, "max_usd")
        if sample is None or max_usd is None or not re.fullmatch(r"\d{1,6}(\.\d{1,12})?", max_usd):
            raise BadRequest("sample must be a whole number, and max_usd dollars as text")
        auditor = self._gateway.rules.pipeline.auditor
        return json_reply(await auditor.audit(sample, Decimal(max_usd), text_of(body, "scope")))

    async def why(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        text = text_of(body, "text")
        if text is None:
            raise BadRequest("text is missing", param="text")
        latest = next((row for row in reversed(self._gateway.parts.recent.last(MAX_ROWS)) if row.model), None)
        model = text_of(body, "model") or (latest.model if latest else "helix/echo")
        key = text_of(body, "key") or (latest.key if latest else "local")
        why = await self._gateway.rules.pipeline.why(text, model=model, system=text_of(body, "system"), key=key)
        return json_reply(why)


def _selection_of(body: JsonObject, now: float) -> Selection:
    """
    Raises:
        BadRequest: a name that is not known, for more would be cleared than was meant; a value of the wrong kind.
    """
    if unknown := body.keys() - {"id", "scope", "namespace", "model", "tag", "older_than_s"}:
        raise BadRequest(f"{', '.join(sorted(unknown))}: entries are not selected by that")
    older_than_s = number_of(body, "older_than_s")
    return Selection(
        id=whole_of(body, "id"),
        scope=text_of(body, "scope"),
        namespace=text_of(body, "namespace"),
        model=text_of(body, "model"),
        tag=text_of(body, "tag"),
        made_before=None if older_than_s is None else now - older_than_s,
    )


async def cache_stats(gateway: Gateway) -> dict[str, Any]:
    saved_usd = (await gateway.parts.accounts.statements.report(since=None, by=None))["saved_usd"]
    return {**await gateway.parts.cache.stats(), "saved_usd": saved_usd}
