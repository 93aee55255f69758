"""Virtual keys."""

from __future__ import annotations

from aiohttp import web

from ... import control_api as api
from ...cost.budget_control import BudgetControl
from ...cost.budgets import FROM_COMMAND
from ...errors import BadRequest
from ...exchange import JsonObject
from ...security.keys import LONGEST_S, Keys, VirtualKey, key_row, new_key_id, wanted_key
from ..asking import read_object
from .reading import MAX_BODY_BYTES, json_reply, text_of
from .router import Route


class KeyRoutes:
    def __init__(self, keys: Keys, budgets: BudgetControl) -> None:
        self._keys = keys
        self._budgets = budgets

    def routes(self) -> list[Route]:
        return [
            ("GET", api.KEYS, self.keys),
            ("POST", api.KEYS, self.create),
            ("DELETE", api.KEYS, self.revoke),
            ("POST", api.KEY_ROTATE, self.rotate),
        ]

    async def keys(self, request: web.Request) -> web.Response:
        return json_reply({"keys": [key_row(key) for key in self._keys.all()]})

    async def create(self, request: web.Request) -> web.Response:
        """The budget is made first: a key never works without the budget that it was to have."""
        wanted, key_id = wanted_key(await read_object(request, MAX_BODY_BYTES)), new_key_id()
        if wanted.budget is not None:
            await self._budgets.set({"scope": f"key:{key_id}", **wanted.budget.model_dump()})
        return json_reply(_made(*await self._keys.create(wanted, key_id)))

    async def rotate(self, request: web.Request) -> web.Response:
        body = await read_object(request, MAX_BODY_BYTES)
        return json_reply(_made(*await self._keys.rotate(text_of(body, "id") or "", _grace_s(body))))

    async def revoke(self, request: web.Request) -> web.Response:
        key_id = request.query.get("id", "")
        await self._keys.revoke(key_id)
        for budget in await self._budgets.rows():
            if budget["scope"] == f"key:{key_id}" and budget["origin"] == FROM_COMMAND:
                await self._budgets.remove(budget["scope"], budget["window"])
        return json_reply({"revoked": key_id})


def _made(key: VirtualKey, secret: str) -> api.KeyMade:
    return {**key_row(key), "key": secret}


def _grace_s(body: JsonObject) -> float:
    """How long a rotated secret still opens its key, in seconds; none where nothing is said."""
    grace_s = body.get("grace_s", 0)
    if isinstance(grace_s, bool) or not isinstance(grace_s, (int, float)) or not 0 <= grace_s <= LONGEST_S:
        raise BadRequest("grace_s must be a number of seconds", param="grace_s")
    return grace_s
