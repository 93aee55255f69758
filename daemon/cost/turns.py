"""Those who wait for room in a budget, called one by one."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """Queues by name, first come first called. One call wakes one waiter, who calls the next where room is left:
    waking all of them for each settlement would cost more than the calls themselves."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def wait(self, name: str, timeout_s: float) -> None:
        """Return when called, or after `timeout_s` seconds."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(name, deque()).append(turn)
        try:
            await asyncio.wait((turn,), timeout=timeout_s)
        except asyncio.CancelledError:
            if turn.done():
                self.call_next(name)
            raise
        finally:
            self._leave(name, turn)

    def call_next(self, name: str) -> None:
        queue = self._waiting.get(name)
        if queue:
            queue.popleft().set_result(None)

    def _leave(self, name: str, turn: asyncio.Future[None]) -> None:
        queue = self._waiting.get(name, deque())
        if turn in queue:
            queue.remove(turn)
        if not queue:
            self._waiting.pop(name, None)
