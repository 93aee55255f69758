"""One embedding for all who ask the same at the same time: each takes as long as a hundred exact hits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ..exchange import Vector
from ..ports.caching import Embedder


@dataclass(slots=True)
class _UnderWay:
    task: asyncio.Task[Vector]
    waiting: int = 0


class SharedEmbedder:
    """Embeds each text once for those who wait for it, and as long as one of them does. For the event loop."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._under_way: dict[str, _UnderWay] = {}

    @property
    def texts(self) -> int:
        """How many are waited for."""
        return len(self._under_way)

    async def embed(self, text: str) -> Vector:
        """
        Raises:
            EmbedderUnavailable: not loaded, or the model failed.
        """
        under_way = self._under_way.get(text) or self._begun(text)
        under_way.waiting += 1
        try:
            return await asyncio.shield(under_way.task)
        finally:
            under_way.waiting -= 1
            if not under_way.waiting:
                under_way.task.cancel()  # does nothing to one that has ended
                del self._under_way[text]

    def _begun(self, text: str) -> _UnderWay:
        under_way = self._under_way[text] = _UnderWay(asyncio.create_task(self._embedder.embed(text)))
        return under_way
