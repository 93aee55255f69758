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

    Text, and each delta, is shorter than the JSON around it: while all that came is below eight bytes for each token
    of the bound, nothing needs to be read.
    """

    def __init__(self, dialect: Dialect, bound_tokens: int) -> None:
        self._dialect = dialect
        self._bound_tokens = bound_tokens
        self._splitter = EventSplitter()
        self._unread: list[bytes] = []
        self._unread_allowed = bound_tokens * BYTES_OF_A_TOKEN
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
        self._unread.append(block)
        self._unread_allowed -= len(block)
        if self._unread_allowed >= 0:
            return
        for event in filter(None, map(event_json, self._unread)):
            for text in self._dialect.delta_texts(event):
                self._deltas += bool(text)
                self._bytes += len(text.encode("utf-8", "replace"))
        self._unread.clear()
        self.is_passed = max(self._deltas, self._bytes // BYTES_OF_A_TOKEN) > self._bound_tokens
