"""Whether a request has to do with tools; the protocols name the fields alike."""

from __future__ import annotations

from typing import Any

from ..exchange import JsonObject
from .untrusted import as_objects

_DEFINITIONS = ("tools", "functions", "mcp_servers", "web_search_options")
_TOOL_ROLES = frozenset({"tool", "function"})
_TOOL_TYPES = frozenset({"tool_use", "tool_result", "function_call", "function_call_output", "custom_tool_call"})


def brings_tools(body: JsonObject) -> bool:
    """Whether the model may call something."""
    return any(body.get(field) for field in _DEFINITIONS)


def uses_tools(body: JsonObject) -> bool:
    """Whether it may, or has in an earlier turn."""
    return brings_tools(body) or any(map(_is_of_tools, _turns(body)))


def _turns(body: JsonObject) -> list[JsonObject]:
    return [*as_objects(body.get("messages")), *as_objects(body.get("input"))]


def _is_of_tools(turn: JsonObject) -> bool:
    if turn.get("tool_calls") or turn.get("function_call") or turn.get("role") in _TOOL_ROLES:
        return True
    return _is_tool_type(turn) or any(map(_is_tool_type, as_objects(turn.get("content"))))


def _is_tool_type(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and kind in _TOOL_TYPES
