"""JSON in and out: orjson, and the standard library where orjson would change a number."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

from .exchange import JsonObject

MAX_DEPTH = 200
"""Levels of nesting in a body; orjson writes 254 and Python's own stack ends at 1,000."""

# orjson reads an integer beyond 64 bits as a float. Digits that many are rare: only then pay for `json`.
# Looking for them by a translation takes 1 µs a kilobyte, by a regular expression 12.
_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def parse(text: bytes | str) -> Any:
    """The JSON value of `text`, integers exact at any size.

    Raises:
        ValueError: not JSON, not UTF-8, a lone surrogate, NaN or an infinite number, or nested deeper than MAX_DEPTH.
    """
    raw = text.encode() if isinstance(text, str) else text
    value = orjson.loads(raw)
    if _has_long_number(raw):
        value = json.loads(raw)
    # Counting brackets is a memchr; only a body that could be too deep is walked.
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return value


def parse_object(text: bytes | str) -> JsonObject | None:
    """The JSON object of `text`; None where it is anything else."""
    try:
        value = parse(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def parse_objects(texts: Sequence[bytes]) -> list[JsonObject | None]:
    """As `parse_object` for each text; in a third of the time where they are short, as a stream's events are."""
    if any(text.count(b"[") + text.count(b"{") > MAX_DEPTH for text in texts):
        return [parse_object(text) for text in texts]
    joined = b"[" + b",".join(texts) + b"]"
    try:
        values = orjson.loads(joined)
        if _has_long_number(joined):
            values = json.loads(joined)
    except ValueError:
        values = []
    if len(values) != len(texts):  # one of them is no JSON by itself
        return [parse_object(text) for text in texts]
    return [value if isinstance(value, dict) else None for value in values]


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:  # an integer beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def canonical(value: Any) -> bytes:
    """As `to_json`, keys sorted: equal values give equal bytes."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode()


def _has_long_number(raw: bytes) -> bool:
    return _LONG_NUMBER in raw.translate(_DIGITS_AS_ZEROS)


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [
            child
            for node in layer
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not layer:
            return False
    return True
