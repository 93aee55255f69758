"""Fresh answers beside the kept ones that might have been given instead: what the error bound learns from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

from ..dialects.dialect import Dialect
from ..errors import PartUnavailable
from ..exchange import JsonObject
from ..json_text import parse_object
from ..ports.caching import Embedder
from .lookup import Trial
from .same_answer import is_same_answer
from .verifier import Odds

logger = logging.getLogger(__name__)

MAX_WAITING = 64
"""Beyond this comparisons are left out: they are a sample anyway."""

Count = Callable[[str, Odds, bool], None]
"""Scope, odds, whether the kept answer was right."""


class _Comparison(NamedTuple):
    scope: str
    trial: Trial
    fresh: bytes


class Comparisons:
    """Compares one pair of answers after another, in the background."""

    def __init__(self, embedder: Embedder, count: Count) -> None:
        self._embedder = embedder
        self._count = count
        self._waiting: asyncio.Queue[_Comparison] = asyncio.Queue(MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._compare_forever())

    def add(self, scope: str, trial: Trial, fresh: bytes) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(_Comparison(scope, trial, fresh))

    async def done(self) -> None:
        """Until all that were added are counted; only after `start`."""
        await self._waiting.join()

    async def aclose(self) -> None:
        """What still waits is not compared."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _compare_forever(self) -> None:
        while True:
            comparison = await self._waiting.get()
            try:
                await self._compare(comparison)
            except PartUnavailable as error:
                logger.info("two answers were not compared: %s", error)
            finally:
                self._waiting.task_done()

    async def _compare(self, comparison: _Comparison) -> None:
        trial = comparison.trial
        kept, fresh = parse_object(trial.answer), parse_object(comparison.fresh)
        is_right = await say_the_same(trial.dialect, kept, fresh, self._embedder)
        if is_right is not None:
            self._count(comparison.scope, trial.odds, is_right)


async def say_the_same(
    dialect: Dialect, kept: JsonObject | None, fresh: JsonObject | None, embedder: Embedder
) -> bool | None:
    """Whether two answers of a dialect, placeholders in them, are the same; None where one has no words to compare.

    Raises:
        EmbedderUnavailable
    """
    texts = [dialect.answer_text(answer) if answer else "" for answer in (kept, fresh)]
    return await is_same_answer(texts[0], texts[1], embedder) if all(texts) else None
