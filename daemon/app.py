"""The aiohttp Application: its routes, and the CORS headers where origins are configured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .gateway import Gateway
from .web.control.budgets import BudgetRoutes
from .web.control.cache import CacheRoutes
from .web.control.keys import KeyRoutes
from .web.control.privacy import PrivacyRoutes
from .web.control.router import add_for_owner
from .web.control.spend import SpendRoutes
from .web.control.status import StatusRoutes
from .web.routes import Routes


def build_app(gateway: Gateway, *, token: str, identity: Callable[[], dict[str, Any]]) -> web.Application:
    """`token` opens the control API; `identity` is url, pid and version of this daemon."""
    # The daemon refuses a longer body itself, in the caller's protocol; this bound is for what it does not read.
    app = web.Application(client_max_size=gateway.rules.settings.server.max_body_bytes)
    if origins := gateway.rules.settings.server.allowed_origins:
        _allow_origins(app, frozenset(origins))
    _add_control_api(app, gateway, token, identity)
    Routes(gateway).add_to(app)
    return app


def _add_control_api(
    app: web.Application, gateway: Gateway, token: str, identity: Callable[[], dict[str, Any]]
) -> None:
    asked_about = (
        StatusRoutes(gateway, identity),
        CacheRoutes(gateway),
        BudgetRoutes(gateway.parts.accounts.budgets),
        KeyRoutes(gateway.parts.keys, gateway.parts.accounts.budgets),
        SpendRoutes(gateway.parts.accounts.statements),
        PrivacyRoutes(gateway),
    )
    for one in asked_about:
        add_for_owner(app, gateway, token, one.routes())


def _allow_origins(app: web.Application, origins: frozenset[str]) -> None:
    """Let the pages of these origins read answers; without any there are no CORS headers at all."""

    async def name_origin(request: web.Request, response: web.StreamResponse) -> None:
        if (origin := request.headers.get("Origin")) in origins and origin is not None:
            response.headers["access-control-allow-origin"] = origin
            response.headers["access-control-expose-headers"] = "*"
            response.headers["vary"] = "origin"

    async def preflight(request: web.Request) -> web.Response:
        allowed = {
            "access-control-allow-methods": "GET, POST",
            "access-control-allow-headers": request.headers.get("Access-Control-Request-Headers", ""),
        }
        return web.Response(status=204, headers=allowed if request.headers.get("Origin") in origins else {})

    app.on_response_prepare.append(name_origin)
    app.router.add_route("OPTIONS", "/{path:.*}", preflight)
