"""The one table from errors to replies."""

from __future__ import annotations

import logging
import re

from aiohttp import web

from ..dialects import dialect_named
from ..errors import HelixError, PartUnavailable, RequestRefused
from ..exchange import DialectName
from ..json_text import to_json

log = logging.getLogger(__name__)

_IN_FRONT = re.compile(r"^(?:/tagged/[^/]+)?(?:/v1)?(?=/)")


class _Internal(RequestRefused):
    """Something of ours broke: the log knows what, the caller learns only that."""

    status = 500
    error_type = "api_error"
    code = "internal_error"


class _PartGone(RequestRefused):
    status = 503
    error_type = "service_unavailable"
    code = "unavailable"


def as_refusal(error: Exception) -> RequestRefused:
    """The error as its caller may see it. What nobody raised on purpose is logged by class and place, never
    by its text, which may hold what the caller wrote."""
    if isinstance(error, RequestRefused):
        return error
    if isinstance(error, PartUnavailable):
        return _PartGone(str(error))
    if isinstance(error, HelixError):
        return _Internal(str(error))
    log.error("internal error: %s at %s", type(error).__name__, _place(error))
    return _Internal("something in the gateway failed; its log says where")


def dialect_of(path: str) -> DialectName:
    """Whose protocol an error has where no dialect answers: Anthropic's below `/messages`, else OpenAI's."""
    return "messages" if bare(path).startswith("/messages") else "chat"


def bare(path: str) -> str:
    """A path without the tags and the version that each route may have in front."""
    return _IN_FRONT.sub("", path, count=1)


def error_reply(error: Exception, dialect: DialectName, request_id: str) -> web.Response:
    """A reply in the caller's protocol, with the status and headers that SDKs expect."""
    refusal = as_refusal(error)
    headers = {**refusal.headers, "x-helix-request-id": request_id}
    body = to_json(dialect_named(dialect).error(refusal))
    return web.Response(status=refusal.status, body=body, content_type="application/json", headers=headers)


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "nowhere"
