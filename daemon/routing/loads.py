"""What each target has to do at the moment, and how long it lately took until it began to answer."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..exchange import Target
from ..ports.clock import Clock

FORGETS_S = 30.0
"""After so long a measured time counts for a third. So whoever was slow is asked again before long, by itself."""


@dataclass(slots=True)
class _Latency:
    """A moving average whose weights fall with time, not with the number of calls."""

    seconds: float
    measured_s: float

    def now(self, now_s: float) -> float:
        """Fades while nothing is measured."""
        return self.seconds * self._faded(now_s)

    def add(self, took_s: float, now_s: float) -> None:
        old = self._faded(now_s)
        self.seconds = took_s if took_s > self.seconds else self.seconds * old + took_s * (1 - old)
        self.measured_s = now_s

    def _faded(self, now_s: float) -> float:
        return math.exp((self.measured_s - now_s) / FORGETS_S)


class Loads:
    """Used on the event loop only; lost at a restart, and learned anew."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: Counter[Target] = Counter()
        self._latencies: dict[tuple[Target, bool], _Latency] = {}

    @contextmanager
    def under_way(self, target: Target) -> Iterator[None]:
        """A call that `target` has to do, until the end of its answer."""
        self._under_way[target] += 1
        try:
            yield
        finally:
            self._under_way[target] -= 1
            if not self._under_way[target]:
                del self._under_way[target]

    def busy(self, target: Target) -> int:
        """Its calls under way."""
        return self._under_way[target]

    def began_to_answer(self, target: Target, after_s: float, *, stream: bool) -> None:
        """A stream begins at its first token and a whole answer at its last one: each is measured by itself."""
        now_s = self._clock.monotonic_s()
        latency = self._latencies.setdefault((target, stream), _Latency(after_s, now_s))
        latency.add(after_s, now_s)

    def expected_s(self, target: Target, *, stream: bool) -> float:
        """How long one more call would wait: the time of late, for itself and for each call before it.

        A peak raises it at once and fades, as in Finagle's "peak EWMA". Unmeasured: 0, so that it is asked next, but
        by one call alone, since nobody knows yet how slow it is.
        """
        measured = self._latencies.get((target, stream))
        busy = self.busy(target)
        if measured is None:
            return math.inf if busy else 0.0
        return measured.now(self._clock.monotonic_s()) * (busy + 1)
