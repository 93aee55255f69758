"""A cache whose questions have made-up vectors: in clusters, since questions of one topic are near to each other."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daemon.adapters.index_file import DIMENSION
from daemon.adapters.index_usearch import UsearchIndex
from daemon.adapters.model_files import find_folder
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.caching.cache import Cache, Lookup
from daemon.caching.verifier import FILE as VERIFIER_FILE
from daemon.caching.verifier import Verifier
from daemon.clock import SystemClock
from daemon.dialects import dialect_named
from daemon.exchange import Ask, CacheDirectives, CacheEntry, Caller, Target, Vector
from daemon.settings import CacheSettings

TOPICS = 5_000
NEARNESS = 0.7
"""How much of a question's vector is its topic's: two of one topic have a cosine of about .5."""
MODEL = "random vectors"
TARGET = Target("openai", "gpt-4o-mini")
CALLER = Caller("ann")
DAY_S = 86_400.0


def question(number: int) -> str:
    return f"How would somebody in town {number % TOPICS} go about errand {number}?"


class Vectors:
    """The same for the same text in every process; an embedder that costs nothing."""

    is_ready = True

    def __init__(self) -> None:
        self._topics = _units(np.random.default_rng(0).standard_normal((TOPICS, DIMENSION), np.float32))
        self._known: dict[str, Vector] = {}

    async def warm(self) -> None: ...

    async def aclose(self) -> None: ...

    async def embed(self, text: str) -> Vector:
        return self._known[text] if text in self._known else self.of(int(text.rsplit(maxsplit=1)[-1].rstrip("?")))

    def know(self, number: int) -> str:
        """Have the vector of a question ready; its text."""
        text = question(number)
        self._known[text] = self.of(number)
        return text

    def of(self, number: int) -> Vector:
        own = _units(np.random.default_rng(number + 1).standard_normal((1, DIMENSION), np.float32))[0]
        mixed = NEARNESS * self._topics[number % TOPICS] + (1 - NEARNESS**2) ** 0.5 * own
        return np.asarray(mixed / np.linalg.norm(mixed), np.float32)


def _units(rows: Vector) -> Vector:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@dataclass(frozen=True)
class Opened:
    cache: Cache
    store: EmbeddedStore
    vectors: Vectors
    started_s: float

    async def find(self, number: int) -> Lookup:
        asked = ask(self.vectors.know(number))
        return await self.cache.find(ask=asked, dialect=dialect_named("chat"), body=asked.body, target=TARGET)


@asynccontextmanager
async def opened(folder: Path, *, starts: bool = True, waits: bool = True) -> AsyncIterator[Opened]:
    """A daemon's cache over the folder; ready when its index is, where it `waits`."""
    began = time.monotonic()
    clock, vectors = SystemClock(), Vectors()
    store = EmbeddedStore(folder / "store.sqlite", clock)
    await store.open()
    cache = Cache(
        store=store,
        index=UsearchIndex(folder / "index", model=MODEL),
        embedder=vectors,
        settings=CacheSettings(),
        clock=clock,
        policy=lambda: "pii",
        model=MODEL,
        verifier=Verifier.load(find_folder("verifier", VERIFIER_FILE)),
        records=store,
    )
    if starts:
        await cache.start()
    if starts and waits:
        await cache.caught_up()
    yield Opened(cache, store, vectors, time.monotonic() - began)
    await cache.aclose()
    await store.aclose()


def ask(text: str) -> Ask:
    return Ask(
        id="ask",
        dialect="chat",
        body={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]},
        model="gpt-4o-mini",
        stream=False,
        caller=CALLER,
        tags=(),
        directives=CacheDirectives(),
        forward_headers={},
        received_at=SystemClock().now(),
        started_s=0.0,
    )


def entry_of(number: int, partition: bytes, vectors: Vectors) -> CacheEntry:
    now = time.time()
    return CacheEntry(
        key=hashlib.sha256(str(number).encode()).digest(),
        partition=partition,
        scope="key:ann",
        dialect="chat",
        model="gpt-4o-mini",
        question=question(number),
        answer=b'{"choices": [{"message": {"role": "assistant", "content": "' + b"word " * 40 + b'"}}]}',
        vector=vectors.of(number).astype("<f2").tobytes(),
        cost_nanos=number % 1_000,
        input_tokens=20,
        output_tokens=40,
        made_in_ms=800,
        created_at=now,
        expires_at=now + 7 * DAY_S,
    )
