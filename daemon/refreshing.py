"""Stale answers, asked anew behind the back of those who were given them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from .errors import HelixError

log = logging.getLogger(__name__)

MAX_AT_ONCE = 16
"""Beyond that a stale answer stays as it is until it is wanted again."""


class Refreshes:
    """Calls that nobody waits for; of each exact key one at a time. Used on the event loop."""

    def __init__(self) -> None:
        self._under_way: dict[bytes, asyncio.Task[None]] = {}

    def begin(self, key: bytes, ask: Callable[[], Awaitable[None]]) -> None:
        if key not in self._under_way and len(self._under_way) < MAX_AT_ONCE:
            task = self._under_way[key] = asyncio.create_task(_asking(ask))
            task.add_done_callback(lambda _: self._under_way.pop(key))

    async def aclose(self) -> None:
        """Give up what is still asked; it is settled by what came."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asking(ask: Callable[[], Awaitable[None]]) -> None:
    try:
        await ask()
    except HelixError as error:
        log.info("a stale answer could not be asked anew: %s", error)
    except Exception as error:  # nobody else would hear of it
        log.error("asking a stale answer anew failed: %s", type(error).__name__)
