"""Checks of request parameters that both protocols share.

A message names the parameter and the type that was found, never the value: it may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..errors import BadRequest
from ..exchange import JsonObject
from .untrusted import MAX_TOKENS

Check = Callable[[str, object], None]
"""Raises BadRequest unless the parameter's value, which is not null, can be used."""

_QUERY_WORD = re.compile(r"[\w.\[\]-]{1,200}", re.ASCII)

_JSON_TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "null"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def check_parameters(body: JsonObject, checks: Mapping[str, Check]) -> None:
    """Run each known parameter's check; null is as if it were absent."""
    for name, value in body.items():
        if value is not None and name in checks:
            checks[name](name, value)


def check_model(body: object) -> JsonObject:
    """The body, once it is an object that names a model."""
    if not isinstance(body, dict):
        raise BadRequest(f"the request body must be a JSON object, not {_named(body)}")
    model = body.get("model")
    if not isinstance(model, str) or not model.strip():
        raise _missing_or_wrong(body, "model", "a non-empty string")
    if not model.isprintable():  # it stands in the ledger, in metrics and on terminals
        raise BadRequest("model: expected printable characters only", param="model")
    return body


def check_query(query: Iterable[Sequence[str]]) -> None:
    """Names and values of an address, which go on as they are: narrow, because nobody scans them."""
    for name, value in query:
        if not (_QUERY_WORD.fullmatch(name) and _QUERY_WORD.fullmatch(value)):
            raise BadRequest("a query parameter holds what no parameter of this route does", param="query")


def check_turns(body: JsonObject, check_turn: Callable[[str, JsonObject], None]) -> None:
    """Run `check_turn(path, message)` for each message; there must be one at least."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _missing_or_wrong(body, "messages", "a non-empty array")
    for position, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            path = f"messages[{position}]"
            is_object(path, message)
            raise _missing_or_wrong(message, "role", "a string", within=path)
        check_turn(f"messages[{position}]", message)


def check_parts(path: str, parts: object) -> None:
    """Content in parts: objects, whose text is a string; parts of unknown types pass."""
    if not isinstance(parts, list):
        raise wrong(path, parts, "a string or an array of content parts")
    for position, part in enumerate(parts):
        is_object(f"{path}[{position}]", part)
        if part.get("type") == "text" and not isinstance(part.get("text"), str):
            raise wrong(f"{path}[{position}].text", part.get("text"), "a string")


def is_boolean(name: str, value: object) -> None:
    if type(value) is not bool:
        raise wrong(name, value, "a boolean")


def is_not_streamed(name: str, value: object) -> None:
    """For protocols that have no streams."""
    is_boolean(name, value)
    if value:
        raise BadRequest(f"{name}: there are no streams here", param=name)


def is_number(name: str, value: object) -> None:
    if type(value) not in (int, float):
        raise wrong(name, value, "a number")


def is_string(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise wrong(name, value, "a string")


def is_object(name: str, value: object) -> None:
    if not isinstance(value, dict):
        raise wrong(name, value, "an object")


def is_array_of_objects(name: str, value: object) -> None:
    if not isinstance(value, list):
        raise wrong(name, value, "an array of objects")
    for position, item in enumerate(value):
        is_object(f"{name}[{position}]", item)


def is_array_of_strings(name: str, value: object) -> None:
    if not isinstance(value, list):
        raise wrong(name, value, "an array of strings")
    for position, item in enumerate(value):
        is_string(f"{name}[{position}]", item)


def is_string_or_strings(name: str, value: object) -> None:
    if not isinstance(value, str):
        is_array_of_strings(name, value)


def whole_number(minimum: int, maximum: int = MAX_TOKENS) -> Check:
    """A check for an integer in a range; 3.0 and true are none."""

    def check(name: str, value: object) -> None:
        if type(value) is not int or not minimum <= value <= maximum:
            raise wrong(name, value, f"a whole number from {minimum} to {maximum}")

    return check


def wrong(name: str, value: object, expected: str) -> BadRequest:
    return BadRequest(f"{name}: expected {expected}, not {_named(value)}", param=name)


def _missing_or_wrong(holder: Mapping[str, Any], name: str, expected: str, *, within: str = "") -> BadRequest:
    path = f"{within}.{name}" if within else name
    if name not in holder:
        return BadRequest(f"{path} is required: {expected}", param=path)
    return wrong(path, holder[name], expected)


def _named(value: object) -> str:
    if value in ("", [], {}):
        return "an empty one"
    return next((name for types, name in _JSON_TYPES if isinstance(value, types)), "something else")
