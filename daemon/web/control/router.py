"""Who may ask: the owner, who shows the token of the runtime file. Shapes and paths are in daemon/control_api."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from ...errors import Unauthorized
from ...gateway import Gateway
from ..asking import new_request_id
from ..error_replies import error_reply

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]
"""method, path, handler"""


def add_for_owner(app: web.Application, gateway: Gateway, token: str, routes: Iterable[Route]) -> None:
    """Add routes that want `token`, compared in constant time, beside what the door asks of every request."""
    expected = token.encode()

    def check_token(request: web.Request) -> None:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(shown.encode("utf-8", "replace"), expected):
            raise Unauthorized("the control API wants the token of daemon.json")

    def for_owner(handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                gateway.rules.door.check(request.headers)
                check_token(request)
                return await handler(request)
            except Exception as error:  # the border: every error has a reply
                return error_reply(error, "chat", new_request_id())

        return guarded

    for method, path, handler in routes:
        app.router.add_route(method, path, for_owner(handler))
