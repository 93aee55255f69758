"""One request's way through its targets: whom to ask next, and when, until the first byte of an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from ..errors import UpstreamFailed, UpstreamTimeout
from ..exchange import Target
from ..ports import Clock
from .health import Health
from .retrying import RetryBudget, retry_after_s, wait_s

# What another provider, or the same one a little later, may answer better; other 4xx are the caller's.
LIMITED = 429
UNWELL = frozenset({408, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """What all requests share. Outlives a reload of the settings."""

    clock: Clock
    health: Health
    budget: RetryBudget = field(default_factory=RetryBudget)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def attempts(self, targets: tuple[Target, ...], *, retries: int) -> Attempts:
        """Begin a request's attempts; `targets` in the order of the route. So many `retries` follow on the last of
        them at most, after waits. Clients retry by themselves, so there are none unless the owner wants some."""
        self.budget.called()
        return Attempts(self, targets, retries)


class Attempts:
    """A request's attempts, one after the other: `next`, then what became of it, until `next` gives none.

    attempts = dispatcher.attempts(route.targets, retries=0)
    while (target := await attempts.next()) is not None:
        ... ask it; where something else is to be asked, `continue` after one of
        attempts.goes_on_after(status, headers), attempts.goes_on_after_failure(error)
        ... pass the answer on, then
        attempts.completed()
    """

    def __init__(self, dispatcher: Dispatcher, targets: tuple[Target, ...], retries: int) -> None:
        self._dispatcher = dispatcher
        self._health = dispatcher.health
        self._targets = deque(dispatcher.health.in_order(targets))
        self._retries_allowed = retries
        self._retries = 0
        self._current: Target | None = None
        self._is_well = False
        self._wait_s = 0.0

    async def next(self) -> Target | None:
        """The target to ask now; waits first where it was asked before. None: nobody is left."""
        if self._wait_s:
            await self._dispatcher.sleep(self._wait_s)
            self._wait_s = 0.0
        self._current = self._targets.popleft() if self._targets else None
        if self._current is not None:
            self._health.asked(self._current)
        return self._current

    def goes_on_after(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer with this status is to be put aside, because another attempt follows."""
        target = self._asked()
        if status == LIMITED:
            asked_s = retry_after_s(headers, self._dispatcher.clock.now())
            self._health.limited(target, asked_s)
            return self._has_another(target, asked_s, headers)
        if status in UNWELL:
            self._health.failed(target)
            return self._has_another(target, retry_after_s(headers, self._dispatcher.clock.now()), headers)
        self._is_well = True
        return False

    def goes_on_after_failure(self, error: UpstreamFailed) -> bool:
        """As above, where nothing usable came back. What was only slow may be working, so it is not asked again."""
        target, self._is_well = self._asked(), False
        self._health.failed(target)
        if isinstance(error, UpstreamTimeout):
            return bool(self._targets)
        return self._has_another(target, None, {})

    def completed(self) -> None:
        """The answer that was passed on came to its end. One that breaks off says as little for a provider as none."""
        if self._is_well:
            self._health.answered(self._asked())

    def _asked(self) -> Target:
        if self._current is None:
            raise RuntimeError("nobody was asked")
        return self._current

    def _has_another(self, target: Target, asked_s: float | None, headers: Mapping[str, str]) -> bool:
        return bool(self._targets) or self._will_retry(target, asked_s, headers)

    def _will_retry(self, target: Target, asked_s: float | None, headers: Mapping[str, str]) -> bool:
        if self._retries >= self._retries_allowed or headers.get("x-should-retry") == "false":
            return False
        wait = wait_s(self._retries, asked_s)
        if wait is None or not self._dispatcher.budget.take():
            return False
        self._retries += 1
        self._wait_s = wait
        self._targets.append(target)
        return True
