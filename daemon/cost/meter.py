"""Streams are metered where a budget bounds what they may write: some providers ignore the limit they are sent."""

from __future__ import annotations

from collections.abc import Iterable

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
        self.bound_tokens = bound_tokens
        self._dialect = dialect
        self._splitter = EventSplitter()
        self._unread: list[bytes] = []
        self._unread_allowed = bound_tokens * BYTES_OF_A_TOKEN
        self._beyond: list[bytes] = []
        """Came with or after the event that passed the bound, which is its first."""
        self._deltas = 0
        self._bytes = 0

    @property
    def is_passed(self) -> bool:
        return max(self._deltas, self._bytes // BYTES_OF_A_TOKEN) > self.bound_tokens

    def within(self, piece: bytes) -> bytes:
        """The whole events of what has come that lie within the bound; one that is cut waits for its rest."""
        return self._pass(self._splitter.feed(piece))

    def raise_to(self, bound_tokens: int) -> bytes:
        """What lies within a higher bound of that which passed the one before."""
        self.bound_tokens = bound_tokens
        if self.is_passed:
            return b""
        (counted, *waiting), self._beyond = self._beyond, []
        return counted + self._pass(waiting)

    def rest(self) -> bytes:
        """What waited, when the stream has ended by itself."""
        return self._splitter.rest()

    def _pass(self, blocks: Iterable[bytes]) -> bytes:
        passed: list[bytes] = []
        for block in blocks:
            if not self.is_passed:
                self._count(block)
            (self._beyond if self.is_passed else passed).append(block)
        return b"".join(passed)

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
