"""Reveal: the originals back into an answer, whole or streamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..dialects.dialect import Dialect, StreamRewriter, TextKind
from ..json_text import parse_object, to_json
from .placeholders import may_be_in_json
from .privacy import Hidden


def reveal_whole(dialect: Dialect, hidden: Hidden, body: bytes) -> bytes:
    """The answer with the vault's originals put back; the same bytes where nothing is to be put back."""
    vault = hidden.vault
    if vault.is_empty or not may_be_in_json(body):
        return body
    answer = parse_object(body)
    if answer is None:
        return body
    changed = False
    for place in dialect.answer_places(answer):
        text = place.text
        restored = vault.restore_json(text) if place.kind is TextKind.JSON else vault.restore(text)
        if restored != text:
            place.text = restored
            changed = True
    return to_json(answer) if changed else body


class PieceSource(Protocol):
    """Where a stream's pieces come from, one by one; None at the end."""

    async def next_piece(self) -> bytes | None: ...

    async def aclose(self) -> None: ...


class RevealedStream:
    """A stream's pieces as the caller may have them.

    Not a generator function: one that is closed before its first step would not give up the call, and each layer
    of them costs every piece.
    """

    def __init__(
        self, source: PieceSource, rewriter: StreamRewriter | None, at_end: Callable[[], object] | None = None
    ) -> None:
        """`rewriter` None: the bytes pass as they are. `at_end` is called once all has been read."""
        self._source = source
        self._rewriter = rewriter
        self._at_end = at_end
        self._is_over = False

    def __aiter__(self) -> RevealedStream:
        return self

    async def __anext__(self) -> bytes:
        while not self._is_over:
            piece = await self._source.next_piece()
            if piece is None:
                piece = self._end()
            elif self._rewriter is not None:
                piece = self._rewriter.feed(piece)
            if piece:
                return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Give up the caller's part in the call; safe at any time, and twice."""
        await self._source.aclose()

    def _end(self) -> bytes:
        self._is_over = True
        if self._at_end is not None:
            self._at_end()
        return self._rewriter.finish() if self._rewriter is not None else b""
