"""From an HTTP request to an Ask."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from ..caching.directives import read_directives
from ..dialects import dialect_named
from ..errors import BadRequest, BodyTooLarge
from ..exchange import Arrival, Ask, Caller, DialectName, JsonObject, Upload
from ..gateway import Rules
from ..json_text import parse
from ..ports.clock import Clock
from ..security.attribution import SESSION_HEADERS, client_of, header_session, header_tags, header_user
from .foreign_headers import PREFIXES as FOREIGN_PREFIXES
from .foreign_headers import in_own_words
from .patience import asked_retries

# What goes upstream of the caller's headers (DECISIONS, The door); all others stay here.
_FORWARDED_PREFIXES = ("anthropic-", "openai-")
_FORWARDED = frozenset({"idempotency-key", "user-agent"})


def new_request_id() -> str:
    """96 random bits: unique without asking anyone. They open nothing, so the system is not asked for each."""
    return f"req_{random.getrandbits(96):024x}"


@dataclass(frozen=True, slots=True)
class Given:
    """What a request gives beside its headers."""

    fields: JsonObject
    """Its body, or what stands for it inside where it has none."""
    names_model: bool = True
    """Whether its caller chose the model."""
    upload: Upload | None = None
    bytes_print: bytes = b""
    """As `Ask` has it."""


Reading = Callable[[web.Request, Rules], Awaitable[Given]]
"""Raises RequestRefused where a body cannot be read."""


async def read_json(request: web.Request, rules: Rules) -> JsonObject:
    """The body of a request that has to be JSON."""
    rules.door.check_json(request.content_type)
    return await read_object(request, rules.settings.server.max_body_bytes)


async def read_ask(
    request: web.Request,
    dialect_name: DialectName,
    request_id: str,
    rules: Rules,
    clock: Clock,
    *,
    read: Reading | None = None,
) -> Ask:
    """The request, checked and understood. `read` is asked for its body once it is known who sends it; left out for a
    JSON object, as nearly all send it.

    Raises:
        RequestRefused: by the door, for the caller, or for the body; nothing of it has been kept.
    """
    started_s = clock.monotonic_s()
    rules.door.check(request.headers)
    caller = rules.callers.identify(request.headers)
    arrival = Arrival(request_id, clock.now(), started_s)
    if read is not None:
        given = await read(request, rules)
        return _understood(request, dialect_name, rules, caller, given=given, arrival=arrival)
    rules.door.check_json(request.content_type)
    raw = await _read_bytes(request, rules.settings.server.max_body_bytes)
    bytes_print = rules.repeats.bytes_print(request.raw_path, request.raw_headers, raw)
    if (again := rules.repeats.find(bytes_print, caller, arrival)) is not None:
        return again
    given = Given(_object_in(raw), bytes_print=bytes_print)
    return _understood(request, dialect_name, rules, caller, given=given, arrival=arrival)


def _understood(
    request: web.Request, dialect_name: DialectName, rules: Rules, caller: Caller, *, given: Given, arrival: Arrival
) -> Ask:
    headers: Mapping[str, str] = request.headers
    body = given.fields
    dialect = dialect_named(dialect_name)
    dialect.check(body)
    forwarded, foreign, has_session = _sorted_out(headers)
    if foreign:
        headers = in_own_words(headers, foreign)
    if user := header_user(headers.get("x-helix-user")):
        caller = rules.callers.on_behalf(caller, user)
    directives = read_directives(headers, body, rules.settings.cache)
    return Ask(
        id=arrival.id,
        dialect=dialect_name,
        body=body,
        model=body["model"],
        stream=bool(body.get("stream")),
        caller=caller,
        tags=_tags(headers, request.match_info.get("tags")),
        directives=directives if dialect.is_shareable(body) else replace(directives, look=False, keep=False),
        forward_headers=forwarded,
        received_at=arrival.received_at,
        started_s=arrival.started_s,
        session=header_session(headers) if has_session else "",
        client=client_of(forwarded.get("user-agent")),
        retries=asked_retries(headers) if foreign else None,
        names_model=given.names_model,
        upload=given.upload,
        scan_answer=_wants_scan(headers.get("x-helix-scan-answer")),
        bytes_print=b"" if user else given.bytes_print,
    )


def _wants_scan(value: str | None) -> bool:
    """A caller may want more than the owner's `pii.scan_answers`, never less."""
    if value not in (None, "on", "off"):
        raise BadRequest("x-helix-scan-answer: expected on or off", param="x-helix-scan-answer")
    return value == "on"


def _tags(headers: Mapping[str, str], address: str | None) -> tuple[str, ...]:
    """Those of the address come first: of too many tags the last are left out, and a run's budget is on one."""
    header = headers.get("x-helix-tags")
    return header_tags(f"{address},{header or ''}" if address else header)


async def read_object(request: web.Request, max_bytes: int) -> JsonObject:
    """The body as a JSON object.

    Raises:
        BodyTooLarge: before more than `max_bytes` were read.
        BadRequest: badly encoded, not JSON, not an object, or nested too deeply; the message holds nothing of the body.
    """
    return _object_in(await _read_bytes(request, max_bytes))


async def _read_bytes(request: web.Request, max_bytes: int) -> bytes:
    if request.content_length is not None and request.content_length > max_bytes:
        raise _too_large(max_bytes)
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise _too_large(max_bytes) from None
    except web.RequestPayloadError:
        raise BadRequest("the body cannot be read: its content-encoding or its chunks are broken") from None


def _object_in(raw: bytes) -> JsonObject:
    try:
        body = parse(raw)
    except ValueError as error:
        # orjson ends its sentence with the position; what stands before it quotes nothing of the body.
        raise BadRequest(f"the body is not JSON that can be read: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _too_large(max_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body is longer than {max_bytes} bytes (server.max_body_bytes)")


def _sorted_out(headers: Mapping[str, str]) -> tuple[Mapping[str, str], list[tuple[str, str]], bool]:
    """What goes upstream, what other gateways' clients sent, and whether one of them may name a session; names in
    lower case. One walk, on every request."""
    forwarded, foreign, has_session = {}, [], False
    for name, value in headers.items():
        lower = name.lower()
        if lower in _FORWARDED or lower.startswith(_FORWARDED_PREFIXES):
            forwarded[lower] = value
        elif lower.startswith(FOREIGN_PREFIXES):
            foreign.append((lower, value))
        has_session = has_session or lower in SESSION_HEADERS
    return forwarded, foreign, has_session
