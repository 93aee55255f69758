"""What was found, what is stored of a person, and the key that it rests under."""

from __future__ import annotations

import asyncio
from functools import partial

from aiohttp import web

from ... import control_api as api
from ...erasing import erase_user
from ...errors import BadRequest
from ...gateway import Gateway
from ..asking import read_object
from .reading import MAX_BODY_BYTES, json_reply, moment_of, text_of
from .router import Route


class PrivacyRoutes:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._parts = gateway.parts

    def routes(self) -> list[Route]:
        return [
            ("GET", api.PII_REPORT, self.report),
            ("POST", api.ERASE, self.erase),
            ("POST", api.ROTATE_KEY, self.rotate_key),
        ]

    async def report(self, request: web.Request) -> web.Response:
        since, until = moment_of(request, "since"), moment_of(request, "until")
        by = request.query.get("by", "type")
        return json_reply(await self._parts.audit.report(by=by, since=since, until=until))

    async def erase(self, request: web.Request) -> web.Response:
        user = text_of(await read_object(request, MAX_BODY_BYTES), "user")
        if not user:
            raise BadRequest("user is missing", param="user")
        erased = await erase_user(self._parts, user)
        self._gateway.rules.repeats.forget()
        return json_reply(erased)

    async def rotate_key(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        rotate = partial(self._parts.storage_keys.rotate, forget_old=body.get("forget_old") is True)
        holder, keys = await asyncio.to_thread(rotate)
        return json_reply({"file": holder, "keys": keys})
