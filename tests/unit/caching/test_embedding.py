"""Who asks the same at the same time shares one embedding, and nobody's leaving takes it from the others."""

import asyncio

import numpy as np
import pytest

from daemon.caching.embedding import SharedEmbedder
from daemon.errors import EmbedderUnavailable
from daemon.exchange import Vector
from tests.unit.caching.broken import FailingEmbedder, HangingEmbedder, SameEmbedder


class CountingEmbedder(SameEmbedder):
    def __init__(self) -> None:
        self.embedded: list[str] = []
        self.may_end = asyncio.Event()

    async def embed(self, text: str) -> Vector:
        self.embedded.append(text)
        await self.may_end.wait()
        return await super().embed(text)


async def test_a_crowd_with_one_question_has_it_embedded_once():
    counting = CountingEmbedder()
    shared = SharedEmbedder(counting)
    crowd = [asyncio.create_task(shared.embed(text)) for text in ["one"] * 64 + ["other"]]
    await asyncio.sleep(0)
    assert 2 == shared.texts
    counting.may_end.set()
    vectors = await asyncio.gather(*crowd)

    assert ["one", "other"] == counting.embedded
    assert all(np.array_equal(vectors[0], vector) for vector in vectors)
    assert 0 == shared.texts


async def test_who_comes_later_has_it_embedded_anew():
    counting = CountingEmbedder()
    counting.may_end.set()
    shared = SharedEmbedder(counting)
    await shared.embed("one")
    await shared.embed("one")

    assert ["one", "one"] == counting.embedded


async def test_the_first_to_ask_may_leave_without_the_others():
    counting = CountingEmbedder()
    shared = SharedEmbedder(counting)
    first, second = (asyncio.create_task(shared.embed("one")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    counting.may_end.set()

    assert (384,) == (await second).shape
    assert ["one"] == counting.embedded


async def test_one_that_nobody_waits_for_any_more_is_given_up():
    shared = SharedEmbedder(HangingEmbedder())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await shared.embed("one")

    assert 0 == shared.texts


async def test_a_failure_is_told_to_all():
    shared = SharedEmbedder(FailingEmbedder())
    results = await asyncio.gather(shared.embed("one"), shared.embed("one"), return_exceptions=True)

    assert [EmbedderUnavailable] * 2 == [type(result) for result in results]
