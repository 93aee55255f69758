"""What was found."""

from __future__ import annotations

from aiohttp import web

from ... import control_api as api
from ...pii.audit import Audit
from .reading import json_reply, moment_of
from .router import Route


class PrivacyRoutes:
    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def routes(self) -> list[Route]:
        return [("GET", api.PII_REPORT, self.report)]

    async def report(self, request: web.Request) -> web.Response:
        since, until = moment_of(request, "since"), moment_of(request, "until")
        return json_reply(await self._audit.report(by=request.query.get("by", "type"), since=since, until=until))
