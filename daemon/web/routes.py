"""What LLM clients and monitors ask: completions, models, health, metrics."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from functools import partial
from types import MappingProxyType

from aiohttp import web

from ..control_api import TAGGED
from ..dialects import dialect_named
from ..errors import Forbidden, MethodNotAllowed, NotFound, NoWebSocket, RateLimited, RequestRefused
from ..exchange import Ask, Caller, DialectName, JsonObject, Pieces, Reply
from ..gateway import Gateway, Rules
from ..json_text import to_json
from ..security.keys import VirtualKey
from ..security.roles import check_may_ask, check_may_look
from .asking import Given, Reading, new_request_id, read_ask
from .error_replies import as_refusal, bare, dialect_of, error_reply
from .passing import PASSED, read_passed
from .patience import asked_patience, within

_ASKED: Mapping[str, DialectName] = MappingProxyType(
    {
        "/chat/completions": "chat",
        "/completions": "completions",
        "/embeddings": "embeddings",
        "/responses": "responses",
        "/messages": "messages",
        "/messages/count_tokens": "count_tokens",
    }
)
"""What is asked by POST, with and without `/v1`."""


_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

_BYTES_PER_TOKEN = 4
"""Of English text with the usual tokenizers."""

_STORED_RESPONSES = (
    ("GET", "/responses/{id}"),
    ("DELETE", "/responses/{id}"),
    ("GET", "/responses/{id}/input_items"),
    ("POST", "/responses/{id}/cancel"),
)


class Routes:
    """Handlers over a Gateway; what a reload replaces is looked up at each request."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def add_to(self, app: web.Application) -> None:
        """Register each route with and without `/v1`, and both below an address that carries tags."""
        for prefix in ("/v1", "", f"{TAGGED}/v1", TAGGED):
            for path, dialect in _ASKED.items():
                app.router.add_post(prefix + path, partial(self.answer, dialect))
            for method, path in _STORED_RESPONSES:
                app.router.add_route(method, prefix + path, self.stored_response)
            for passed in PASSED:
                app.router.add_route(passed.method, prefix + passed.path, partial(self.pass_on, passed.dialect))
            app.router.add_get(f"{prefix}/models", self.models)
            app.router.add_get(f"{prefix}/models/{{id:.+}}", self.model)
        app.router.add_get("/health/live", self.live)
        app.router.add_get("/health/ready", self.ready)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_route("*", "/{path:.*}", self.no_route)

    async def stored_response(self, request: web.Request) -> web.StreamResponse:
        """Pass on what a client does with a response that its provider keeps."""
        return await self.answer("stored_responses", request, _read_stored)

    async def pass_on(self, dialect: DialectName, request: web.Request) -> web.StreamResponse:
        """Pass on what Helix has no protocol for, by the same steps as everything."""
        path = _below_version(request)
        return await self.answer(dialect, request, partial(read_passed, dialect, path))

    async def answer(
        self, dialect: DialectName, request: web.Request, read: Reading | None = None
    ) -> web.StreamResponse:
        """Answer a request; every error becomes a reply of its protocol. `read` is how its body is read where that is
        no JSON object."""
        request_id = new_request_id()
        try:
            gateway = self._gateway
            ask = await read_ask(request, dialect, request_id, gateway.rules, gateway.parts.clock, read=read)
            return await self._reply_if_allowed(request, ask, gateway.parts.keys.get(ask.caller.key))
        except Exception as error:  # the border: nothing escapes to aiohttp's HTML pages
            return error_reply(error, dialect, request_id)

    async def _reply_if_allowed(self, request: web.Request, ask: Ask, key: VirtualKey | None) -> web.StreamResponse:
        """As `_reply`; what its caller, or the virtual key that it shows, may not ask is refused before anything reads
        the request."""
        parts = self._gateway.parts
        try:
            check_may_ask(ask.caller)
            if key is not None and ask.names_model:
                key.check_may_ask(ask.model)
            if key is None or not key.is_limited:
                return await self._reply(request, ask)
            tokens = _size_in_tokens(ask) if key.tpm is not None else 0
            async with parts.rate_limits.admitting(key, ask.id, tokens) as headers:
                return await self._reply(request, ask, headers)
        except (Forbidden, RateLimited) as refused:
            parts.accounts.record_refusal(ask, refused)
            raise

    async def _reply(
        self, request: web.Request, ask: Ask, more_headers: Mapping[str, str] = _NO_HEADERS
    ) -> web.StreamResponse:
        patience = asked_patience(request.headers)
        run = self._gateway.rules.pipeline.run(ask)
        reply = await (run if patience is None else within(patience, run))
        reply.headers.update(more_headers)
        if reply.pieces is None:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        async with aclosing(reply.pieces):
            return await _stream(request, ask, reply, reply.pieces)

    async def models(self, request: web.Request) -> web.Response:
        try:
            models = self._models_of(request)
        except RequestRefused as refused:
            return error_reply(refused, "chat", new_request_id())
        return _json({"object": "list", "data": models})

    async def model(self, request: web.Request) -> web.Response:
        try:
            key, wanted = self._key_of(self._let_in(request)), request.match_info["id"]
            if key is not None and not key.may_ask(wanted):
                raise NotFound("no model of this name is configured for this key")
            return _json(self._gateway.rules.pipeline.router.model(wanted))
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
            check_may_look(self._let_in(request))
        except RequestRefused as refused:
            return error_reply(refused, "chat", new_request_id())
        body = await self._gateway.render_metrics()
        return web.Response(body=body, headers={"content-type": "text/plain; version=0.0.4; charset=utf-8"})

    async def no_route(self, request: web.Request) -> web.Response:
        if bare(request.path) not in _ASKED:
            refused: RequestRefused = NotFound("there is no such route here")
        elif request.headers.get("upgrade", "").lower() == "websocket":
            refused = NoWebSocket("answers stream over HTTP here: ask by POST")
        else:
            refused = MethodNotAllowed("POST")
        return error_reply(refused, dialect_of(request.path), new_request_id())

    def _let_in(self, request: web.Request) -> Caller:
        self._gateway.rules.door.check(request.headers)
        return self._gateway.rules.callers.identify(request.headers)

    def _key_of(self, caller: Caller) -> VirtualKey | None:
        """The virtual key that the caller shows."""
        return self._gateway.parts.keys.get(caller.key)

    def _models_of(self, request: web.Request) -> list[JsonObject]:
        """Those that the request's key may ask."""
        key = self._key_of(self._let_in(request))
        models = self._gateway.rules.pipeline.router.models()
        return models if key is None else [model for model in models if key.may_ask(model["id"])]


def _size_in_tokens(ask: Ask) -> int:
    """What a request is taken to read, by its texts; what it really read is known from its answer."""
    places = dialect_named(ask.dialect).places(ask.body)
    return 1 + sum(len(place.text.encode("utf-8", "replace")) for place in places) // _BYTES_PER_TOKEN


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
        if response.content_type != "text/event-stream":
            return _broken_off(request, response)
        await response.write(dialect_named(ask.dialect).error_event(as_refusal(error)))
    await response.write_eof()
    return response


def _broken_off(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """In a file there is no word for an error: that its end is missing must be seen."""
    if request.transport is not None:
        request.transport.abort()
    return response


async def _read_stored(request: web.Request, rules: Rules) -> Given:
    """What dialects/stored_responses.py says that stands for such a request."""
    fields = {
        "model": rules.pipeline.router.any_model("stored_responses"),
        "method": request.method,
        "path": request.path.partition("/responses/")[2],
        "query": [list(pair) for pair in request.query.items()],
        "stream": request.query.get("stream") == "true",
    }
    return Given(fields, names_model=False)


def _below_version(request: web.Request) -> str:
    """`/images/generations`, whatever the route begins with."""
    tags = request.match_info.get("tags")
    path = request.path if tags is None else request.path.partition(f"/{tags}/")[2]
    return "/" + path.strip("/").removeprefix("v1/")


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=to_json(value), content_type="application/json")
