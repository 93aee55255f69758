"""Settings as the text of a helix.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(tree: Mapping[str, Any]) -> str:
    """Sections in their order: a mapping is a table, a list of mappings is one `[[table]]` each. Nothing is deeper
    than that but inline tables."""
    return "\n".join("\n".join(lines) + "\n" for lines in _tables(tree))


def _tables(tree: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, section in tree.items():
        if isinstance(section, Mapping):
            yield [f"[{name}]", *_pairs(section)]
        else:
            yield from ([f"[[{name}]]", *_pairs(item)] for item in section)


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(name)} = {_value(value)}" for name, value in table.items()]


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else repr(value)
        case str():
            return _text(value)
        case Mapping():
            inner = ", ".join(f"{_key(name)} = {_value(inner)}" for name, inner in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case Sequence():
            return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"{type(value).__name__} has no place in TOML")


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    """JSON's escapes are TOML's, but for DEL, which TOML wants escaped, and pairs of surrogates, which it has not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
