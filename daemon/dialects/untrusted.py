"""Reading JSON that nobody has checked: what is not of the expected type is as if it were absent."""

from __future__ import annotations

from ..exchange import JsonObject

MAX_TOKENS = 2**31 - 1
"""More than any model reads or writes; at a dollar for each 1,000 tokens still inside the budgets' counters."""


def as_object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def as_objects(value: object) -> list[JsonObject]:
    """The objects of a list, in order."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """A number of tokens; None for anything that cannot be one (bool, float, negative, absurd)."""
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else None


def as_index(value: object, *, otherwise: int) -> int:
    """The place that a stream gives to a part of an answer."""
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else otherwise


def optional_count(holder: JsonObject, field: str) -> int | None:
    """A number of tokens that may be left out, which means 0; None where what is there cannot be one."""
    value = holder.get(field)
    return 0 if value is None else as_count(value)


def without(holder: JsonObject, *fields: str) -> JsonObject:
    """A shallow copy that lacks some fields."""
    return {field: value for field, value in holder.items() if field not in fields}
