"""A stream is read up to where it says what its provider keeps it as; before that goes out, its vault is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..exchange import JsonObject
from .revealing import PieceSource

# The first event says it. Who has not said it after so much never does.
_MAX_HEAD_BYTES = 2**20


class RememberingSource:
    """The pieces of another source, none of them changed or held back for longer than keeping the vault takes."""

    def __init__(
        self,
        source: PieceSource,
        assemble: Callable[[bytes], JsonObject],
        remember: Callable[[JsonObject], Awaitable[bool]],
    ) -> None:
        """`remember` is given what has come so far, as an answer; whether that was enough to know its name."""
        self._source = source
        self._assemble = assemble
        self._remember = remember
        self._head = b""
        self._is_done = False

    async def next_piece(self) -> bytes | None:
        piece = await self._source.next_piece()
        if piece is not None and not self._is_done:
            self._head += piece
            self._is_done = len(self._head) > _MAX_HEAD_BYTES or await self._remember(self._assemble(self._head))
        return piece

    async def aclose(self) -> None:
        await self._source.aclose()
