"""One request's way through its targets: whom to ask next, and when, until the first byte of an answer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType

from ..errors import UpstreamFailed, UpstreamTimeout
from ..exchange import Target
from ..ports.clock import Clock
from .balancing import Asking, Balancer
from .health import Health
from .loads import Loads
from .retrying import RetryBudget, retry_after_s, wait_s
from .route import Cause, Route

# What another provider, or the same one a little later, may answer better; other 4xx are the caller's.
LIMITED = 429
UNWELL = frozenset({408, 500, 502, 503, 504, 529})


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """What all requests share. Outlives a reload of the settings."""

    clock: Clock
    health: Health
    loads: Loads
    balancer: Balancer
    budget: RetryBudget = field(default_factory=RetryBudget)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @classmethod
    def of(cls, clock: Clock) -> Dispatcher:
        """One that knows nothing of any provider yet."""
        loads = Loads(clock)
        return cls(clock, Health(clock), loads, Balancer(clock, loads))

    def attempts(self, route: Route, asking: Asking, *, retries: int) -> Attempts:
        """Begin a request's attempts. So many `retries` follow on the last target at most, after waits. Clients retry
        by themselves, so there are none unless the owner or the caller wants some."""
        self.budget.called()
        return Attempts(self, route, asking, retries)


class Attempts:
    """A request's attempts, one after the other: `next`, then what became of it, until `next` gives none.

    with dispatcher.attempts(route, asking, retries=0) as attempts:
        while (target := await attempts.next()) is not None:
            ... ask it; where something else is to be asked, `continue` after one of
            attempts.goes_on_after(status, headers), attempts.goes_on_because(cause),
            attempts.goes_on_after_failure(error)
            ... pass the answer on: attempts.began(after_s) at its first byte, attempts.completed() at its end

    Leaving the block ends the last attempt, for the count of what its target has to do.
    """

    def __init__(self, dispatcher: Dispatcher, route: Route, asking: Asking, retries: int) -> None:
        self._dispatcher = dispatcher
        self._health = dispatcher.health
        self._route = route
        self._asking = asking
        self._targets = deque(dispatcher.health.in_order(dispatcher.balancer.in_order(route, asking)))
        self._asked: list[Target] = []
        self._retries_allowed = retries
        self._retries = 0
        self._is_well = False
        self._wait_s = 0.0
        self._load = ExitStack()

    def __enter__(self) -> Attempts:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._load.close()

    async def next(self) -> Target | None:
        """The target to ask now; waits first where it was asked before. None: nobody is left."""
        self._load.close()
        if self._wait_s:
            await self._dispatcher.sleep(self._wait_s)
            self._wait_s = 0.0
        if not self._targets:
            return None
        target = self._targets.popleft()
        self._asked.append(target)
        self._health.asked(target)
        self._load.enter_context(self._dispatcher.loads.under_way(target))
        return target

    def goes_on_after(self, status: int, headers: Mapping[str, str]) -> bool:
        """Whether an answer with this status is to be put aside, because another attempt follows."""
        target, self._is_well = self._asked[-1], False
        if status == LIMITED:
            asked_s = retry_after_s(headers, self._dispatcher.clock.now())
            self._health.limited(target, asked_s)
            return self._has_another(target, asked_s, headers)
        if status in UNWELL:
            self._health.failed(target)
            return self._has_another(target, retry_after_s(headers, self._dispatcher.clock.now()), headers)
        self._is_well = True
        return False

    def goes_on_because(self, cause: Cause | None) -> bool:
        """Whether a refusal for this cause is to be put aside: those whom the route names for it are asked in place of
        all others, each once."""
        if cause is None:
            return False
        others = [target for target in self._route.by_cause.get(cause, ()) if target not in self._asked]
        if others:
            self._health.answered(self._asked[-1])
            self._is_well = False
            self._targets = deque(self._health.in_order(others))
        return bool(others)

    def goes_on_after_failure(self, error: UpstreamFailed) -> bool:
        """As above, where nothing usable came back. What was only slow may be working, so it is not asked again."""
        target, self._is_well = self._asked[-1], False
        self._health.failed(target)
        if isinstance(error, UpstreamTimeout):
            return bool(self._targets)
        return self._has_another(target, None, {})

    def began(self, after_s: float) -> None:
        """The answer that is passed on began so many seconds after it was asked for. Only where there is a choice:
        callers make up names of models, and each would be remembered."""
        if self._route.sharing is not None:
            self._dispatcher.loads.began_to_answer(self._asked[-1], after_s, stream=self._asking.stream)

    def completed(self) -> None:
        """The answer that was passed on came to its end. One that breaks off says as little for a provider as none."""
        if self._is_well:
            self._health.answered(self._asked[-1])
            self._dispatcher.balancer.answered(self._route, self._asking, self._asked[-1])

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
