"""The rest of the providers' API: which requests are passed on, and how they are read."""

from __future__ import annotations

from email.message import Message
from typing import NamedTuple

from aiohttp import BodyPartReader, web

from ..errors import BadRequest, BodyTooLarge, Forbidden
from ..exchange import DialectName, JsonObject, Upload
from ..gateway import Rules
from .asking import Given, read_json

_MAX_TEXT_BYTES = 2**20
"""A field without a file is a prompt or an option."""


class Passed(NamedTuple):
    """One route below `/v1`."""

    method: str
    path: str
    dialect: DialectName


PASSED = (
    *(
        Passed("POST", path, "passed")
        for path in (
            "/images/generations",
            "/images/edits",
            "/images/variations",
            "/audio/speech",
            "/audio/transcriptions",
            "/audio/translations",
            "/moderations",
            "/rerank",
            "/batches",
        )
    ),
    Passed("POST", "/files", "filed"),
    Passed("GET", "/files", "filed"),
    Passed("GET", "/files/{id}", "filed"),
    Passed("DELETE", "/files/{id}", "filed"),
    Passed("GET", "/files/{id}/content", "filed"),
    Passed("GET", "/batches", "filed"),
    Passed("GET", "/batches/{id}", "filed"),
    Passed("POST", "/batches/{id}/cancel", "filed"),
)


async def read_passed(dialect: DialectName, path: str, request: web.Request, rules: Rules) -> Given:
    """The request as dialects/passed.py describes it.

    What makes something names a model; where it does not, the key must be one that may ask `<provider>/images` and the
    like. What is kept already belongs to no model.
    """
    fields: JsonObject = {
        "method": request.method,
        "path": path,
        "query": [list(pair) for pair in request.query.items()],
    }
    upload = None
    if request.content_type == "multipart/form-data":
        fields["form"], upload = await _read_form(request, rules.settings.server.max_body_bytes)
    elif request.method == "POST" and request.can_read_body:
        fields["json"] = await read_json(request, rules)
    asked = _named_in(fields)
    model = asked or rules.pipeline.router.any_model(dialect, called=path.split("/")[1])
    return Given({**fields, "model": model, "stream": _is_streamed(fields)}, dialect == "passed", upload)


def _named_in(fields: JsonObject) -> str | None:
    """The model that a body names.

    Raises:
        BadRequest: it names two, of which its provider might take the other one.
    """
    named = [part["text"] for part in fields.get("form", ()) if part["name"] == "model" and "text" in part]
    if len(named) > 1:
        raise BadRequest("model: given more than once", param="model")
    found = named[0] if named else fields.get("json", {}).get("model")
    return found if isinstance(found, str) and found else None


def _is_streamed(fields: JsonObject) -> bool:
    in_form = any(part["name"] == "stream" and part.get("text") == "true" for part in fields.get("form", ()))
    body = fields.get("json", {})
    return in_form or body.get("stream") is True or body.get("stream_format") == "sse"


async def _read_form(request: web.Request, max_bytes: int) -> tuple[list[JsonObject], Upload]:
    """Its parts in order, texts as texts and files by their number.

    What goes upstream is written anew from these, so that nobody can read it in another way.

    Raises:
        Forbidden: without `Authorization`: a page can send forms to any address, but not with that header.
        BadRequest: it cannot be read.
        BodyTooLarge: before more than `max_bytes` were read.
    """
    if "authorization" not in request.headers:
        raise Forbidden("an upload needs an Authorization header, also where any key will do")
    parts: list[JsonObject] = []
    files: list[bytes] = []
    left = max_bytes
    try:
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader) or not part.name:
                raise BadRequest("each part of a form needs a name, and no parts of its own")
            content = await _read_part(part, left)
            left -= len(content)
            described = {"name": part.name, "head": [list(header) for header in part.headers.items()]}
            if part.filename is None and len(content) <= _MAX_TEXT_BYTES:
                parts.append({**described, "text": content.decode()})
            else:
                parts.append({**described, "file": len(files)})
                files.append(content)
    except (ValueError, web.RequestPayloadError):
        raise BadRequest("the form cannot be read") from None
    return parts, Upload(_boundary(request), tuple(files))


async def _read_part(part: BodyPartReader, max_bytes: int) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk():
        content += chunk
        if len(content) > max_bytes:
            raise BodyTooLarge("the form is longer than server.max_body_bytes")
    return bytes(content)


def _boundary(request: web.Request) -> str:
    header = Message()
    header["content-type"] = request.headers["content-type"]
    return header.get_boundary("")
