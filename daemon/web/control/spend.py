"""What was spent, and on what."""

from __future__ import annotations

from contextlib import aclosing

from aiohttp import web

from ... import control_api as api
from ...cost.statements import Statements
from ...errors import BadRequest
from ..asking import read_object
from .reading import MAX_BODY_BYTES, json_reply, moment_of, parse_moment, text_of
from .router import Route

MAX_INVOICE_BYTES = 16 * 2**20
"""Some 100,000 days of models; the command line adds up the lines of a file before it sends them."""


class SpendRoutes:
    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def routes(self) -> list[Route]:
        return [
            ("GET", api.SPEND, self.spend),
            ("GET", api.SPEND_REVIEW, self.review),
            ("GET", api.SPEND_EXPLAIN, self.explain),
            ("POST", api.SPEND_RECONCILE, self.reconcile),
            ("GET", api.SPEND_FOCUS, self.focus),
            ("POST", api.SPEND_PARQUET, self.parquet),
        ]

    async def spend(self, request: web.Request) -> web.Response:
        since, until = moment_of(request, "since"), moment_of(request, "until")
        return json_reply(await self._statements.report(since=since, until=until, by=request.query.get("by") or None))

    async def review(self, request: web.Request) -> web.Response:
        since, until = moment_of(request, "since"), moment_of(request, "until")
        return json_reply(await self._statements.review(since=since, until=until))

    async def explain(self, request: web.Request) -> web.Response:
        return json_reply({"rows": await self._statements.explain(request.query.get("id", ""))})

    async def reconcile(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_INVOICE_BYTES)
        return json_reply(await self._statements.reconcile(body))

    async def focus(self, request: web.Request) -> web.StreamResponse:
        since, until = moment_of(request, "since"), moment_of(request, "until")
        response = web.StreamResponse(headers={"content-type": "text/csv; charset=utf-8"})
        async with aclosing(self._statements.focus_csv(since=since, until=until)) as pieces:
            async for piece in pieces:
                if not response.prepared:  # a spend log that does not answer is still an error reply
                    await response.prepare(request)
                await response.write(piece)
        return response

    async def parquet(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        path = text_of(body, "path")
        if path is None:
            raise BadRequest("path is missing", param="path")
        since, until = parse_moment(body.get("since")), parse_moment(body.get("until"))
        return json_reply({"rows": await self._statements.export_parquet(path, since=since, until=until)})
