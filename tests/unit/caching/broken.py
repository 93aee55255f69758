"""Parts of the cache that are late, fail or hang."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from daemon.errors import EmbedderUnavailable, StoreUnavailable
from daemon.exchange import CacheEntry, Vector


def _unit(seed: int) -> Vector:
    vector = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return vector / np.float32(np.linalg.norm(vector))


class SameEmbedder:
    """Every text has one vector."""

    is_ready = True

    async def warm(self) -> None: ...

    async def embed(self, text: str) -> Vector:
        return _unit(0)

    async def aclose(self) -> None: ...


class LateEmbedder(SameEmbedder):
    """Another embedder, once it is ready."""

    def __init__(self, embedder: Any) -> None:
        self.is_ready = False
        self._embedder = embedder

    async def embed(self, text: str) -> Vector:
        return await self._embedder.embed(text)  # type: ignore[no-any-return]


class FailingEmbedder(SameEmbedder):
    async def embed(self, text: str) -> Vector:
        raise EmbedderUnavailable("the model failed")


class HangingEmbedder(SameEmbedder):
    async def embed(self, text: str) -> Vector:
        await asyncio.Event().wait()
        raise AssertionError


class BrokenIndex:
    size = 1

    def search(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        raise RuntimeError("broken")

    def remove(self, ids: Any) -> None: ...

    needs_rebuild = False

    def save(self, last_id: int, store_epoch: str) -> None: ...


class BrokenStore:
    """A store that can never be asked."""

    async def epoch(self) -> str:
        raise StoreUnavailable("the disk is gone")

    async def get(self, key: bytes) -> CacheEntry | None:
        raise StoreUnavailable("the disk is gone")

    async def get_by_ids(self, ids: Sequence[int]) -> dict[int, CacheEntry]:
        raise StoreUnavailable("the disk is gone")

    async def put(self, entry: CacheEntry) -> int:
        raise StoreUnavailable("the disk is gone")

    async def vectors_after(self, entry_id: int, limit: int) -> list[Any]:
        raise StoreUnavailable("the disk is gone")

    async def touch(self, hits: Mapping[int, int]) -> None:
        raise StoreUnavailable("the disk is gone")

    async def clear(self, *, scope: str | None = None, model: str | None = None) -> int:
        raise StoreUnavailable("the disk is gone")

    async def evict(self, max_entries: int) -> list[int]:
        raise StoreUnavailable("the disk is gone")

    async def stats(self) -> Any:
        raise StoreUnavailable("the disk is gone")
