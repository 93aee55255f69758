"""Finding in many passages at once: known ones are not scanned again, long ones not on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from ..errors import FinderUnavailable
from ..exchange import Span
from ..ports.pii import Finder
from .passages import Passage
from .segments import Digest, Segments, digest_of

logger = logging.getLogger(__name__)

Spans = tuple[Span, ...]

# A scan takes about 1.5 ms for each kilobyte; 5 ms is what others on the event loop may wait.
_INLINE_CHARS = 3_000


class Scanner:
    """A finder with a memory, for the event loop's thread."""

    def __init__(self, finder: Finder, *, ready_wait_s: float = 10.0, segments: Segments | None = None) -> None:
        self._finder = finder
        self._ready_wait_s = ready_wait_s
        self._segments = segments or Segments()
        self._warmed = asyncio.Event()

    @property
    def version(self) -> str:
        return self._finder.version

    @property
    def is_ready(self) -> bool:
        return self._finder.is_ready

    @property
    def degraded(self) -> str | None:
        return self._finder.degraded

    async def warm(self) -> None:
        """Load the finder in a worker thread; those who wait are let go either way.

        Raises:
            FinderUnavailable: it cannot be loaded.
        """
        try:
            await asyncio.to_thread(self._finder.warm)
        finally:
            self._warmed.set()

    def find_at_once(self, passage: Passage) -> Spans:
        """What is in a short passage that will not come again, as those of a stream.

        Raises:
            FinderUnavailable: the finder failed.
        """
        return find_in(self._finder, passage)

    async def find(self, passages: Sequence[Passage]) -> list[Spans]:
        """What is in each passage.

        Raises:
            FinderUnavailable: the finder is not loaded in time, or failed.
        """
        await self._until_ready()
        digests = [digest_of(passage.lead, passage.text) for passage in passages]
        known = {digest: spans for digest in digests if (spans := self._segments.get(digest)) is not None}
        new = {digest: passage for digest, passage in zip(digests, passages, strict=True) if digest not in known}
        known.update(await self._scan(new))
        return [known[digest] for digest in digests]

    async def _until_ready(self) -> None:
        if self._finder.is_ready:
            return
        try:
            await asyncio.wait_for(self._warmed.wait(), self._ready_wait_s)
        except TimeoutError:
            raise FinderUnavailable(f"the scanner is not loaded after {self._ready_wait_s:g} s") from None

    async def _scan(self, new: Mapping[Digest, Passage]) -> dict[Digest, Spans]:
        passages = list(new.values())
        if sum(len(passage.text) for passage in passages) > _INLINE_CHARS:
            found = await asyncio.to_thread(self._find_each, passages)
        else:
            found = self._find_each(passages)
        result = dict(zip(new, found, strict=True))
        for digest, spans in result.items():
            self._segments.put(digest, spans)
        return result

    def _find_each(self, passages: Sequence[Passage]) -> list[Spans]:
        return [find_in(self._finder, passage) for passage in passages]


def find_in(finder: Finder, passage: Passage) -> Spans:
    """What is in the passage itself; of a finding that begins in its lead, the rest."""
    if not passage.lead:
        return finder.find(passage.text)
    size = len(passage.lead)
    return tuple(
        Span(max(0, span.start - size), span.end - size, span.entity_type, span.score)
        for span in finder.find(passage.lead + passage.text)
        if span.end > size
    )
