"""What is wrong with a setting, as sentences: `helix.toml: budgets[0].limit_usd = "ten": expected a number`.

A secret's value is never part of one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from . import Section, Settings

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

Path = Sequence[str | int]
"""Where a setting is: ("budgets", 0, "limit_usd")."""

SECRET_KEYS = frozenset(
    {
        *("api_key", "master_key", "encryption_key", "secret", "aws_access_key_id", "aws_secret_access_key"),
        *("aws_session_token", "azure_ad_token", "client_secret", "vertex_credentials"),
    }
)

_EXPECTED = {
    "bool": "expected true or false",
    "decimal": "expected a number",
    "dict": "expected a table",
    "finite": "expected a finite number",
    "float": "expected a number",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected at least {ge}",
    "int": "expected a whole number",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected at most {le}",
    "literal_error": "expected {expected}",
    "model": "expected a table",
    "string_pattern_mismatch": "expected a name that matches {pattern}",
    "string_too_long": "expected at most {max_length} characters",
    "string_too_short": "expected at least {min_length} characters",
    "string": "expected a text in quotes",
    "tuple": "expected a list",
    "value_error": "{error}",
}
"""By pydantic's error type, or by its first word: `float_parsing` and `float_type` are both `float`."""


def problem(source: str, path: Path, value: object, expected: str) -> str:
    """One sentence: who says so, which key, what it is, what it should be."""
    return f"{source}: {dotted(path)} = {shown(path, value)}: {expected}"


def from_pydantic(error: ErrorDetails, source: str, value: object) -> str:
    """The sentence for one of pydantic's errors; `value` is the setting as it was written."""
    path = setting_path(error)
    if error["type"] == "extra_forbidden":
        return f"{source}: {dotted(path)}: unknown key; the nearest known one is {nearest_key(path)}"
    if error["type"] == "missing":
        return f"{source}: {dotted(path[:-1])}: {path[-1]} is missing"
    return problem(source, path, value, _expected(error))


def setting_path(error: ErrorDetails) -> Path:
    """Where pydantic found it; its mark for "the key itself, not its value" is left out."""
    return tuple(step for step in error["loc"] if step != "[key]")


def dotted(path: Path) -> str:
    """`budgets[0].limit_usd`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def shown(path: Path, value: object) -> str:
    """A value as it may stand in a message: as TOML would have it, secrets covered, tables left out."""
    if isinstance(value, dict):
        return "{…}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(path, item) for item in value)}]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(covered(path, value), ensure_ascii=False)


def covered(path: Path, value: object) -> object:
    """A value as JSON may have it, with secrets, and passwords in URLs, covered; a reference is no secret."""
    if value in (None, ""):
        return ""
    if not SECRET_KEYS.isdisjoint(str(step) for step in path):
        return value if is_reference(value) else "…"
    if isinstance(value, str):
        return re.sub(r"(?<=://)[^/@]*@", "…@", value)
    return str(value) if isinstance(value, Decimal) else value


def is_reference(value: object) -> bool:
    """Whether it is `env:NAME`: to be read from the environment."""
    return isinstance(value, str) and re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", value) is not None


def nearest_key(path: Path) -> str:
    """The known key that an unknown one most likely means: one much like it, else the closest of its section."""
    parent, name = path[:-1], str(path[-1])
    siblings = list(fields_of(section_at(parent)))
    if found := get_close_matches(name, siblings, 1, cutoff=0.8):
        return dotted((*parent, found[0]))
    elsewhere = {key.rsplit(".", 1)[-1]: key for key in known_keys()}
    if found := get_close_matches(name, elsewhere, 1, cutoff=0.8):
        return elsewhere[found[0]]
    return dotted((*parent, get_close_matches(name, siblings, 1, cutoff=0.0)[0]))


def known_keys(section: type[Section] = Settings, prefix: str = "") -> Iterator[str]:
    """Every key there is: `server.host`, `budgets.scope`."""
    for name, field in fields_of(section).items():
        inner = _section_in(field.annotation)
        if inner is None:
            yield prefix + name
        else:
            yield from known_keys(inner, f"{prefix}{name}.")


def fields_of(section: type[Section]) -> dict[str, FieldInfo]:
    """A section's fields by their keys; `from` is a word of Python's and no name of a field."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def section_at(path: Path) -> type[Section]:
    """The section whose keys stand below `path`; steps into a list are skipped, for all items are alike."""
    section: type[Section] = Settings
    for step in path:
        field = fields_of(section).get(str(step))
        section = (_section_in(field.annotation) if field else None) or section
    return section


def _section_in(annotation: Any) -> type[Section] | None:
    candidates = (annotation, *get_args(annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, Section)), None)


def _expected(error: ErrorDetails) -> str:
    kind = error["type"]
    template = _EXPECTED.get(kind) or _EXPECTED.get(kind.split("_")[0]) or error["msg"]
    return template.format(**{name: _whole(value) for name, value in error.get("ctx", {}).items()})


def _whole(value: object) -> object:
    """0 instead of 0.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
