"""Vectors for entries that were kept before there was one: the embedder was loading, or no near look-up was made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ..errors import PartUnavailable
from ..exchange import CacheEntry, Vector
from ..ports.caching import Embedder

logger = logging.getLogger(__name__)

MAX_WAITING = 256
"""Entries beyond this stay without a vector: exact hits only."""

LOOK_AGAIN_S = 0.5


class LateVectors:
    """Embeds one entry after another, and hands each back with its vector."""

    def __init__(self, embedder: Embedder, put: Callable[[CacheEntry, Vector], Awaitable[None]]) -> None:
        self._embedder = embedder
        self._put = put
        self._waiting: asyncio.Queue[CacheEntry] = asyncio.Queue(MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._embed_forever())

    def add(self, entry: CacheEntry) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(entry)

    async def aclose(self) -> None:
        """What still waits stays without a vector."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _embed_forever(self) -> None:
        while True:
            entry = await self._waiting.get()
            while not self._embedder.is_ready:  # noqa: ASYNC110  the port has no event for it
                await asyncio.sleep(LOOK_AGAIN_S)
            try:
                await self._put(entry, await self._embedder.embed(entry.question))
            except PartUnavailable as error:
                logger.info("an entry stays without a vector: %s", error)
