"""The wire protocols that callers speak, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..exchange import DialectName
from .chat import ChatDialect
from .completions import CompletionsDialect
from .count_tokens import CountTokensDialect
from .dialect import Dialect
from .embeddings import EmbeddingsDialect
from .messages import MessagesDialect
from .passed import FiledDialect, PassedDialect
from .responses import ResponsesDialect
from .stored_responses import StoredResponsesDialect

_ALL: tuple[Dialect, ...] = (
    ChatDialect(),
    MessagesDialect(),
    CountTokensDialect(),
    ResponsesDialect(),
    StoredResponsesDialect(),
    EmbeddingsDialect(),
    CompletionsDialect(),
    PassedDialect(),
    FiledDialect(),
)

DIALECTS: Mapping[DialectName, Dialect] = MappingProxyType({dialect.name: dialect for dialect in _ALL})


def dialect_named(name: DialectName) -> Dialect:
    """The one instance that serves all requests of a protocol."""
    return DIALECTS[name]
