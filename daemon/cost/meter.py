"""Streams are metered where a budget bounds what they may write: some providers ignore the limit they are sent."""

from __future__ import annotations

from ..dialects.dialect import Dialect
from ..dialects.sse import EventSplitter, event_json

BYTES_OF_A_TOKEN = 8
"""More than any text has on average: English has 4 to 5, code 3 to 4."""


class Meter:
    """Counts what a stream has written for certain, and says where its bound is passed.

    A delta is a token at least, and so are eight bytes of text. Both counts are low, so whoever keeps to the limit is
    never cut; one who batches many tokens into each delta may write about twice as much before it shows.
    """

    def __init__(self, dialect: Dialect, bound_tokens: int) -> None:
        self._dialect = dialect
        self._bound_tokens = bound_tokens
        self._splitter = EventSplitter()
        self._deltas = 0
        self._bytes = 0
        self.is_passed = False

    def within(self, piece: bytes) -> bytes:
        """The whole events of what has come that lie within the bound; one that is cut waits for its rest."""
        passed: list[bytes] = []
        for block in self._splitter.feed(piece):
            self._count(block)
            if self.is_passed:
                break
            passed.append(block)
        return b"".join(passed)

    def rest(self) -> bytes:
        """What waited, when the stream has ended by itself."""
        return self._splitter.rest()

    def _count(self, block: bytes) -> None:
        event = event_json(block)
        for text in self._dialect.delta_texts(event) if event is not None else ():
            self._deltas += bool(text)
            self._bytes += len(text.encode("utf-8", "replace"))
        self.is_passed = max(self._deltas, self._bytes // BYTES_OF_A_TOKEN) > self._bound_tokens
