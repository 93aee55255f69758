"""Entries as lines of a file, for `helix cache export` and `import`. A line is read as if an enemy had written it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ..errors import BadRequest
from ..exchange import CacheEntry, JsonObject
from ..json_text import parse_object
from .keeping import MAX_ANSWER_BYTES

VECTOR_BYTES = 2 * 384
DIGEST_BYTES = 32
MAX_QUESTION_CHARACTERS = 100_000
MAX_NAME_CHARACTERS = 512
MAX_TAGS = 16
MAX_COUNT = 2**53

_AS_THEY_ARE = (
    *("scope", "dialect", "model", "question", "user", "namespace", "cost_nanos"),
    *("input_tokens", "output_tokens", "made_in_ms", "created_at", "expires_at"),
)
_FIELDS = {item.name for item in fields(CacheEntry)} - {"id"} | {"embedder"}


_SURROGATES = re.compile("[\ud800-\udfff]")
"""Half a character: no store takes it."""


def line_of(entry: CacheEntry, *, embedder: str) -> JsonObject:
    """`embedder` names what made the vector: elsewhere another may be in use."""
    values = {name: getattr(entry, name) for name in _AS_THEY_ARE}
    vector = None if entry.vector is None else base64.b64encode(entry.vector).decode()
    return {
        "key": entry.key.hex(),
        "partition": entry.partition.hex(),
        **values,
        "tags": list(entry.tags),
        "answer": entry.answer.decode(),
        "vector": vector,
        "embedder": embedder if vector else "",
    }


def entry_of(line: object, *, embedder: str) -> CacheEntry:
    """The entry of a line; a vector that another embedder made is left out.

    Raises:
        BadRequest: a field is missing, unknown, or not what it should be; it is named, its value is not.
    """
    if not isinstance(line, dict) or line.keys() != _FIELDS:
        raise BadRequest("not a line of `helix cache export`")
    return CacheEntry(
        key=_digest(line, "key"),
        partition=_digest(line, "partition"),
        question=_text(line, "question", MAX_QUESTION_CHARACTERS),
        answer=_answer(line),
        vector=_vector(line) if line["embedder"] == embedder else None,
        tags=_tags(line),
        scope=_name(line, "scope"),
        dialect=_name(line, "dialect"),  # type: ignore[arg-type]  # who takes the entry looks it up
        model=_name(line, "model"),
        user=_name(line, "user"),
        namespace=_name(line, "namespace"),
        cost_nanos=_count(line, "cost_nanos"),
        input_tokens=_count(line, "input_tokens"),
        output_tokens=_count(line, "output_tokens"),
        made_in_ms=_count(line, "made_in_ms"),
        created_at=_moment(line, "created_at"),
        expires_at=_moment(line, "expires_at"),
    )


def _refused(name: str, expected: str) -> BadRequest:
    return BadRequest(f"{name}: expected {expected}", param=name)


def _text(line: Mapping[str, Any], name: str, most: int) -> str:
    value = line[name]
    if not isinstance(value, str) or len(value) > most or _SURROGATES.search(value):
        raise _refused(name, f"a text of at most {most} characters")
    return value


def _name(line: Mapping[str, Any], name: str) -> str:
    value = _text(line, name, MAX_NAME_CHARACTERS)
    if not value.isprintable():
        raise _refused(name, "printable characters")
    return value


def _tags(line: Mapping[str, Any]) -> tuple[str, ...]:
    tags = line["tags"]
    if not isinstance(tags, list) or len(tags) > MAX_TAGS:
        raise _refused("tags", f"a list of at most {MAX_TAGS}")
    if not all(isinstance(tag, str) and 0 < len(tag) <= 64 and tag.isprintable() and "," not in tag for tag in tags):
        raise _refused("tags", "words of at most 64 characters")
    return tuple(tags)


def _digest(line: Mapping[str, Any], name: str) -> bytes:
    try:
        digest = bytes.fromhex(_text(line, name, 2 * DIGEST_BYTES))
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES:
        raise _refused(name, "64 hexadecimal digits")
    return digest


def _answer(line: Mapping[str, Any]) -> bytes:
    answer = _text(line, "answer", MAX_ANSWER_BYTES).encode()
    if len(answer) > MAX_ANSWER_BYTES or parse_object(answer) is None:
        raise _refused("answer", f"a JSON object of at most {MAX_ANSWER_BYTES} bytes")
    return answer


def _vector(line: Mapping[str, Any]) -> bytes | None:
    """Of unit length, as half precision has it."""
    if line["vector"] is None:
        return None
    try:
        vector = base64.b64decode(_text(line, "vector", 2 * VECTOR_BYTES), validate=True)
    except (binascii.Error, ValueError):
        vector = b""
    values = np.frombuffer(vector, "<f2").astype(np.float32) if len(vector) == VECTOR_BYTES else np.zeros(1, np.float32)
    if not abs(float(values @ values) - 1) < 0.01:
        raise _refused("vector", "384 half-precision numbers of unit length, in base64")
    return vector


def _count(line: Mapping[str, Any], name: str) -> int:
    value = line[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise _refused(name, "a whole number, 0 or more")
    return value


def _moment(line: Mapping[str, Any], name: str) -> float:
    value = line[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _refused(name, "Unix seconds")
    return float(value)
