"""What aiohttp would answer by itself, answered in JSON.

A request that is no HTTP, or that asks for what no route has, never reaches a handler: aiohttp replies
with plain text or an HTML page that quotes what came, and logs it with a traceback. A header may hold
a key, so here neither the reply nor the log repeats any of it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Coroutine
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import ContentEncodingError, LineTooLong

from ..errors import RequestRefused
from .asking import new_request_id
from .error_replies import dialect_of, error_reply

log = logging.getLogger(__name__)


class GatewayRunner(web.AppRunner):
    """An AppRunner whose connections speak JSON in every case."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _Server(
            server.request_handler,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            access_log=None,
        )


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what cannot be parsed, and close: where the next request begins is not known."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: there is no way back to an error")
        if status >= 500 and isinstance(exc, Exception):
            reply = error_reply(exc, dialect_of(request.path), new_request_id())
        else:
            reply = _reply(request, status, _what_is_wrong(exc))
        reply.force_close()
        return reply

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        # Each request comes through here: hence no `async def`, which would add a frame.
        if isinstance(resp, web.HTTPException):
            resp = _reply(request, resp.status, resp.reason)
        return super().finish_response(request, resp, start_time)

    def log_exception(self, *args: Any, **kw: Any) -> None:
        log.warning("a connection is given up: %s", type(sys.exception()).__name__)


class _Refused(RequestRefused):
    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def _reply(request: web.BaseRequest, status: int, message: str) -> web.Response:
    return error_reply(_Refused(message, status), dialect_of(request.path), new_request_id())


def _what_is_wrong(exc: BaseException | None) -> str:
    match exc:
        case ContentEncodingError():
            return "the body's content-encoding cannot be read here: send gzip, deflate or none"
        case LineTooLong():
            return "the URL or a header is too long"
        case _:
            return "this is not an HTTP request that can be read"
