"""Requests as the official SDKs describe them: one for each text field of a request's type, with a value planted there.

What a provider's own SDK knows is what its callers can send. So a field that nobody here has heard of is found on the
day the SDK learns it.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

_WRAPPERS = (Required, NotRequired, Annotated)
_LISTS = (list, Iterable)


def planted_requests(request: Any, value: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The path of each field that holds a text, and the smallest request of this type with `value` there.

    A path names the kind of each object it passes, where its SDK does: `input[].message.content[].input_text.text`.
    """
    for path, body in _planted(request, value, ()):
        yield path.lstrip("."), body


def _planted(kind: Any, value: str, inside: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    kind = _bare(kind)
    origin = get_origin(kind)
    if kind is str:
        yield "", value
    elif kind in (object, Any):
        yield "", value
        yield ".*", {"anything": value}
    elif is_typeddict(kind):
        if kind not in inside:  # what nests itself is gone through once
            yield from _planted_in_object(kind, value, (*inside, kind))
    elif origin in (Union, types.UnionType):
        for choice in get_args(kind):
            yield from _planted(choice, value, inside)
    elif origin in _LISTS or getattr(origin, "__name__", "") in ("Sequence", "SequenceNotStr"):
        for path, inner in _planted(get_args(kind)[0], value, inside):
            yield f"[]{path}", [inner]
    elif origin in (dict, Mapping):
        for path, inner in _planted(get_args(kind)[1], value, inside):
            yield f".*{path}", {"anything": inner}


def _planted_in_object(kind: Any, value: str, inside: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    fields = get_type_hints(kind, include_extras=True)
    least = _least(kind)
    name = f".{least['type']}" if isinstance(least.get("type"), str) and least["type"] != "x" else ""
    for field, inner_kind in fields.items():
        for path, inner in _planted(inner_kind, value, inside):
            yield f"{name}.{field}{path}", {**least, field: inner}


def _least(kind: Any) -> Any:
    """The smallest value of a type."""
    kind = _bare(kind)
    origin = get_origin(kind)
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        return {field: _least(hint) for field, hint in hints.items() if _is_required(hint, kind)}
    if origin is Literal:
        return get_args(kind)[0]
    if origin in (Union, types.UnionType):
        return _least(get_args(kind)[0])
    if origin in _LISTS or getattr(origin, "__name__", "") in ("Sequence", "SequenceNotStr"):
        return []
    if origin in (dict, Mapping):
        return {}
    return {str: "x", int: 1, float: 1.0, bool: False}.get(kind)


def _is_required(hint: Any, kind: Any) -> bool:
    return get_origin(hint) is Required or (kind.__total__ and get_origin(hint) is not NotRequired)


def _bare(kind: Any) -> Any:
    """Without `Required` and annotations; a name that stands for a type resolved."""
    while get_origin(kind) in _WRAPPERS:
        kind = get_args(kind)[0]
    return getattr(kind, "__value__", kind)
