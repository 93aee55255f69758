"""What LLM clients and monitors ask: completions, models, health, metrics."""

from __future__ import annotations

from contextlib import aclosing
from functools import partial

from aiohttp import web

from ..dialects import dialect_named
from ..errors import NotFound, RequestRefused
from ..exchange import Ask, DialectName, Pieces, Reply
from ..gateway import Gateway
from ..json_text import to_json
from .asking import new_request_id, read_ask
from .error_replies import as_refusal, error_reply


class Routes:
    """Handlers over a Gateway; what a reload replaces is looked up at each request."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def add_to(self, app: web.Application) -> None:
        """Register each route with and without `/v1`."""
        for prefix in ("/v1", ""):
            app.router.add_post(f"{prefix}/chat/completions", partial(self.answer, "chat"))
            app.router.add_post(f"{prefix}/completions", partial(self.answer, "completions"))
            app.router.add_post(f"{prefix}/embeddings", partial(self.answer, "embeddings"))
            app.router.add_post(f"{prefix}/responses", partial(self.answer, "responses"))
            app.router.add_post(f"{prefix}/messages", partial(self.answer, "messages"))
            app.router.add_post(f"{prefix}/messages/count_tokens", partial(self.answer, "count_tokens"))
            app.router.add_get(f"{prefix}/models", self.models)
            app.router.add_get(f"{prefix}/models/{{id:.+}}", self.model)
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_route("*", "/{path:.*}", self.no_route)

    async def answer(self, dialect: DialectName, request: web.Request) -> web.StreamResponse:
        """Answer a completion request; every error becomes a reply of its protocol."""
        request_id = new_request_id()
        try:
            gateway = self._gateway
            ask = await read_ask(request, dialect, request_id, gateway.rules, gateway.parts.clock)
            return await self._reply(request, ask)
        except Exception as error:  # the border: nothing escapes to aiohttp's HTML pages
            return error_reply(error, dialect, request_id)

    async def _reply(self, request: web.Request, ask: Ask) -> web.StreamResponse:
        reply = await self._gateway.rules.pipeline.run(ask)
        if reply.pieces is None:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        async with aclosing(reply.pieces):
            return await _stream(request, ask, reply, reply.pieces)

    async def models(self, request: web.Request) -> web.Response:
        try:
            self._let_in(request)
        except RequestRefused as refused:
            return error_reply(refused, "chat", new_request_id())
        return _json({"object": "list", "data": self._gateway.rules.pipeline.router.models()})

    async def model(self, request: web.Request) -> web.Response:
        try:
            self._let_in(request)
            wanted = request.match_info["id"]
            for model in self._gateway.rules.pipeline.router.models():
                if model["id"] == wanted:
                    return _json(model)
            raise NotFound("no model of this name is configured")
        except RequestRefused as refused:
            return error_reply(refused, "chat", new_request_id())

    async def live(self, request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """200 while requests are answered, also `degraded`; 503 while starting."""
        readiness = self._gateway.readiness()
        return _json(readiness, status=503 if readiness["status"] == "starting" else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        try:
            self._let_in(request)
        except RequestRefused as refused:
            return error_reply(refused, "chat", new_request_id())
        body = self._gateway.render_metrics()
        return web.Response(body=body, headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})

    async def no_route(self, request: web.Request) -> web.Response:
        return error_reply(NotFound("there is no such route here"), "chat", new_request_id())

    def _let_in(self, request: web.Request) -> None:
        self._gateway.rules.door.check(request.headers)
        self._gateway.rules.callers.identify(request.headers)


async def _stream(request: web.Request, ask: Ask, reply: Reply, pieces: Pieces) -> web.StreamResponse:
    """Write the pieces as they come; an error after the head becomes an error event, since the status is gone."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.headers["cache-control"] = "no-cache"
    await response.prepare(request)
    try:
        async for piece in pieces:
            await response.write(piece)
    except ConnectionError:
        return response  # the caller hung up; closing the pieces settles
    except Exception as error:
        await response.write(dialect_named(ask.dialect).error_event(as_refusal(error)))
    await response.write_eof()
    return response


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=to_json(value), content_type="application/json")
