"""A cache over real parts: a SQLite store, a USearch index, the shipped embedder. Only the clock is ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.index_usearch import UsearchIndex
from daemon.adapters.model_files import find_folder, find_model
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.caching.cache import Cache
from daemon.caching.lookup import Lookup, Origin
from daemon.caching.verifier import FILE, Verifier
from daemon.control_api.cache import Why
from daemon.dialects import dialect_named
from daemon.exchange import Ask, CacheDirectives, Caller, Target
from daemon.ports.caching import Embedder, EntryStore
from daemon.settings import CacheSettings

TARGET = Target("openai", "gpt-4o-mini")
ANN = Caller("ann")
NO_WISHES = CacheDirectives()

ASKED = "how do I cancel my subscription"
REWORDED = "how can I cancel my subscription?"
OPPOSITE = "how do I renew my subscription"


class ManualClock:
    """Stands still until it is told to pass."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self._s = 1_000.0

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return self._s

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self._s += seconds


@dataclass
class Client:
    """Asks one cache and keeps answers, as the pipeline does."""

    cache: Cache
    store: EntryStore
    clock: ManualClock
    asks: int = field(default=0)

    async def find(self, text: str, **wishes: Any) -> Lookup:
        ask = self._ask(text, **wishes)
        return await self.cache.find(ask=ask, dialect=dialect_named("chat"), body=ask.body, target=TARGET)

    async def why(self, text: str, **wishes: Any) -> Why:
        ask = self._ask(text, **wishes)
        return await self.cache.why(ask=ask, dialect=dialect_named("chat"), body=ask.body, target=TARGET)

    async def learn(self, text: str, answer: str = "42", **wishes: Any) -> Lookup:
        """Look up, and keep the answer where nothing was found."""
        lookup = await self.find(text, **wishes)
        if lookup.entry is None:
            await self.keep(lookup, answer)
        return lookup

    async def keep(self, lookup: Lookup, answer: str = "42") -> None:
        origin = Origin("gpt-4o-mini", cost_nanos=2_000, input_tokens=7, output_tokens=5, made_in_ms=900)
        await self.cache.keep(lookup, answer.encode(), origin)

    async def verdict(self, text: str, **wishes: Any) -> str:
        return (await self.find(text, **wishes)).verdict.value

    def _ask(
        self,
        text: str,
        *,
        directives: CacheDirectives = NO_WISHES,
        caller: Caller = ANN,
        stream: bool = False,
        tags: tuple[str, ...] = (),
        **body: Any,
    ) -> Ask:
        turns = body.pop("before", [])
        self.asks += 1
        return Ask(
            id=f"ask-{self.asks}",
            dialect="chat",
            body={"model": "fast", "messages": [*turns, {"role": "user", "content": text}], "stream": stream, **body},
            model="fast",
            stream=stream,
            caller=caller,
            tags=tags,
            directives=directives,
            forward_headers={},
            received_at=self.clock.now(),
            started_s=self.clock.monotonic_s(),
        )


Open = Callable[..., Awaitable[Client]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def embedder() -> Iterator[OnnxEmbedder]:
    embedder = OnnxEmbedder(find_model("minilm"))
    asyncio.run(embedder.warm())
    yield embedder
    asyncio.run(embedder.aclose())


@pytest.fixture
async def open_cache(tmp_path: Path, clock: ManualClock, embedder: OnnxEmbedder) -> AsyncIterator[Open]:
    """Open a cache on the test's folder; one opened later on it finds what the earlier one kept."""
    async with AsyncExitStack() as stack:

        async def open_one(
            *,
            embedder: Embedder = embedder,
            store: EntryStore | None = None,
            is_shared: bool = False,
            **settings: Any,
        ) -> Client:
            own = EmbeddedStore(tmp_path / "store.sqlite", clock)
            await own.open()
            stack.push_async_callback(own.aclose)
            cache = Cache(
                store=store or own,
                index=UsearchIndex(tmp_path, model="minilm"),
                embedder=embedder,
                settings=CacheSettings(**settings),
                clock=clock,
                policy=lambda: "pii-1",
                verifier=Verifier.load(find_folder("verifier", FILE)),
                records=own,
                is_shared=is_shared,
            )
            await cache.start()
            stack.push_async_callback(cache.aclose)
            return Client(cache, own, clock)

        yield open_one


@pytest.fixture
async def client(open_cache: Open) -> Client:
    return await open_cache()
