"""The wire protocols that callers speak, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..exchange import DialectName
from .chat import ChatDialect
from .dialect import Dialect
from .messages import MessagesDialect

DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType({"chat": ChatDialect(), "messages": MessagesDialect()})


def dialect_named(name: DialectName) -> Dialect:
    """The one instance that serves all requests of a protocol."""
    return DIALECTS[name]
