"""What the control routes read from a question, and how they answer."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from ...errors import BadRequest
from ...exchange import JsonObject
from ...json_text import to_json

MAX_BODY_BYTES = 2**20
MAX_ROWS = 10_000


def json_reply(value: object) -> web.Response:
    return web.Response(body=to_json(value), content_type="application/json")


def text_of(body: JsonObject, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name} must be a string", param=name)
    return value


def number_of(body: JsonObject, name: str) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise BadRequest(f"{name} must be a number, 0 or more", param=name)
    return float(value)


def whole_of(body: JsonObject, name: str) -> int | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63):
        raise BadRequest(f"{name} must be a whole number, 0 or more", param=name)
    return value


def limit_of(request: web.Request) -> int:
    try:
        return max(0, min(MAX_ROWS, int(request.query.get("limit", "50"))))
    except ValueError:
        raise BadRequest("limit must be a whole number", param="limit") from None


def moment_of(request: web.Request, name: str) -> datetime | None:
    return parse_moment(request.query.get(name))


def parse_moment(value: object) -> datetime | None:
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadRequest("expected a moment as ISO 8601, as 2026-11-01T00:00:00+00:00") from None
    if moment.tzinfo is None:
        raise BadRequest("a moment needs its offset from UTC, as 2026-11-01T00:00:00+00:00")
    return moment
