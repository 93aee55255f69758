"""Texts that were scanned already: the turns of a conversation come again with every request."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from ..exchange import Span

Digest = bytes

# What an entry costs besides its spans, measured with tracemalloc: key, tuple, the table's own node.
_ENTRY_BYTES = 300
_SPAN_BYTES = 120


def digest_of(lead: str, text: str) -> Digest:
    """128 bits that stand for a text behind its lead: nothing of the text itself is remembered."""
    return blake2b(f"{lead}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


class Segments:
    """Findings by digest, the least recently used forgotten first. For one thread."""

    def __init__(self, max_bytes: int = 16 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._spans: OrderedDict[Digest, tuple[Span, ...]] = OrderedDict()

    def get(self, digest: Digest) -> tuple[Span, ...] | None:
        spans = self._spans.get(digest)
        if spans is not None:
            self._spans.move_to_end(digest)
        return spans

    def put(self, digest: Digest, spans: tuple[Span, ...]) -> None:
        if digest in self._spans:
            return
        self._spans[digest] = spans
        self._bytes += _size(spans)
        while self._bytes > self._max_bytes:
            self._bytes -= _size(self._spans.popitem(last=False)[1])

    def __len__(self) -> int:
        return len(self._spans)


def _size(spans: tuple[Span, ...]) -> int:
    return _ENTRY_BYTES + _SPAN_BYTES * len(spans)
