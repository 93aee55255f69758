"""Which providers are well: a circuit breaker for each provider, and a cooldown for each model that is rate-limited.

A breaker opens after failures in a row and keeps its provider at the end of the line for a while. Then one call, the
probe, goes there again: it closes the breaker, or opens it for twice as long. Nobody is ever left out altogether:
where all are unwell they are still asked, so that a caller gets a provider's own answer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..exchange import Target
from ..ports.clock import Clock

FAILURES_IN_A_ROW = 3
"""One failure may be anybody's; the third in a row is the provider's."""

SHORTEST_COOLDOWN_S = 5.0
LONGEST_COOLDOWN_S = 60.0
LONGEST_RETRY_AFTER_S = 300.0
"""A provider that asks for more is tried again after this all the same."""

PROBE_S = 30.0
"""A probe that has said nothing for so long holds the next one back no longer."""


@dataclass(slots=True)
class _Breaker:
    failures: int = 0
    """In a row."""
    cooldown_s: float = 0.0
    open_until_s: float = 0.0
    probed_until_s: float = 0.0

    def admits(self, now_s: float) -> bool:
        return now_s >= self.open_until_s and now_s >= self.probed_until_s

    @property
    def has_opened(self) -> bool:
        return self.open_until_s > 0


class Health:
    """What calls tell of providers and models. Used on the event loop only; lost at a restart, and learned anew."""

    def __init__(self, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        """`jitter` gives numbers from 0 to 1: nodes that saw the same failure do not all probe at once."""
        self._clock = clock
        self._jitter = jitter
        self._breakers: dict[str | Target, _Breaker] = {}

    def in_order(self, targets: Iterable[Target]) -> list[Target]:
        """Those that are well in the order given, then the others, soonest well first."""
        now_s = self._clock.monotonic_s()
        well: list[Target] = []
        unwell: list[Target] = []
        for target in targets:
            (well if self._admits(target, now_s) else unwell).append(target)
        return [*well, *sorted(unwell, key=self._well_again_s)]

    def asked(self, target: Target) -> None:
        """A call goes out. Where a cooldown is just over it is the probe, and others wait for what it tells."""
        now_s = self._clock.monotonic_s()
        for breaker in self._breakers_of(target):
            if breaker.has_opened and breaker.admits(now_s):
                breaker.probed_until_s = now_s + PROBE_S

    def answered(self, target: Target) -> None:
        """The provider did what it is for, were it to say that the request is wrong."""
        if self._breakers:
            self._breakers.pop(target.provider, None)
            self._breakers.pop(target, None)

    def failed(self, target: Target) -> None:
        """It was not reached, broke off, was too slow, or said that it cannot."""
        breaker = self._breakers.setdefault(target.provider, _Breaker())
        breaker.failures += 1
        if breaker.failures >= FAILURES_IN_A_ROW:
            self._open(breaker, self._next_cooldown_s(breaker))

    def limited(self, target: Target, retry_after_s: float | None) -> None:
        """It has had too much of us: a matter of this model and this key, not of the whole provider."""
        breaker = self._breakers.setdefault(target, _Breaker())
        asked_s = self._next_cooldown_s(breaker) if retry_after_s is None else retry_after_s
        self._open(breaker, min(asked_s, LONGEST_RETRY_AFTER_S))

    def unwell(self) -> dict[str, float]:
        """Seconds until each provider that is unwell is probed."""
        now_s = self._clock.monotonic_s()
        return {
            name: max(0.0, breaker.open_until_s - now_s)
            for name, breaker in self._breakers.items()
            if isinstance(name, str) and breaker.has_opened
        }

    def _open(self, breaker: _Breaker, for_s: float) -> None:
        breaker.cooldown_s = for_s
        breaker.open_until_s = self._clock.monotonic_s() + for_s * (1 + self._jitter() / 4)
        breaker.probed_until_s = 0.0

    def _next_cooldown_s(self, breaker: _Breaker) -> float:
        return min(LONGEST_COOLDOWN_S, max(SHORTEST_COOLDOWN_S, breaker.cooldown_s * 2))

    def _breakers_of(self, target: Target) -> list[_Breaker]:
        found = (self._breakers.get(target.provider), self._breakers.get(target))
        return [breaker for breaker in found if breaker is not None]

    def _admits(self, target: Target, now_s: float) -> bool:
        return not self._breakers or all(breaker.admits(now_s) for breaker in self._breakers_of(target))

    def _well_again_s(self, target: Target) -> float:
        return max(max(breaker.open_until_s, breaker.probed_until_s) for breaker in self._breakers_of(target))
