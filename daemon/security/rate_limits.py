"""Limits of virtual keys: requests and tokens in any minute, and requests at the same time.

Each daemon counts for itself: in a fleet of three a key may ask three times as much.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from ..errors import RateLimited
from ..exchange import LedgerRow
from ..ports import Clock
from .keys import VirtualKey

WINDOW_S = 60.0

BUSY_RETRY_S = 1.0
"""When to ask again where too many are under way: nobody knows when one of them ends."""


@dataclass(slots=True)
class _Use:
    leaves_s: float
    amount: int


class SlidingWindow:
    """At most `limit` in any `window_s` seconds, counted use by use: no burst where two minutes meet, and nothing
    is refused that fits. `now_s` never runs backwards."""

    def __init__(self, limit: int, window_s: float = WINDOW_S) -> None:
        self.limit = limit
        self._window_s = window_s
        self._uses: deque[_Use] = deque()
        self._used = 0

    def wait_s(self, amount: int, now_s: float) -> float:
        """Seconds until `amount` fits: 0 where it does now, infinite where it never will."""
        self._let_go(now_s)
        too_much = self._used + amount - self.limit
        if too_much <= 0:
            return 0.0
        for use in self._uses:
            too_much -= use.amount
            if too_much <= 0:
                return use.leaves_s - now_s
        return inf

    def add(self, amount: int, now_s: float) -> _Use:
        """Count `amount`, whether it fits or not."""
        use = _Use(now_s + self._window_s, amount)
        self._uses.append(use)
        self._used += amount
        return use

    def correct(self, use: _Use, amount: int, now_s: float) -> None:
        """What was counted as `use` turned out to be `amount`, used up by now."""
        self._drop(use)
        self.add(amount, now_s)

    def left(self, now_s: float) -> int:
        self._let_go(now_s)
        return max(0, self.limit - self._used)

    def resets_in_s(self, now_s: float) -> float:
        """Seconds until all of the limit is free, if nothing more is used."""
        self._let_go(now_s)
        return self._uses[-1].leaves_s - now_s if self._uses else 0.0

    def _let_go(self, now_s: float) -> None:
        while self._uses and self._uses[0].leaves_s <= now_s:
            self._drop(self._uses.popleft())

    def _drop(self, use: _Use) -> None:
        self._used -= use.amount
        use.amount = 0


class _KeyUse:
    """What one key has used lately."""

    def __init__(self, key: VirtualKey) -> None:
        self.requests = SlidingWindow(key.rpm) if key.rpm is not None else None
        self.tokens = SlidingWindow(key.tpm) if key.tpm is not None else None
        self.under_way = 0

    def is_idle(self, now_s: float) -> bool:
        """Whether it is as if the key had never been used."""
        windows = [window for window in (self.requests, self.tokens) if window is not None]
        return self.under_way == 0 and all(window.resets_in_s(now_s) == 0 for window in windows)

    def headers(self, now_s: float) -> dict[str, str]:
        """`x-ratelimit-…`, in OpenAI's words."""
        out: dict[str, str] = {}
        for kind, window in (("requests", self.requests), ("tokens", self.tokens)):
            if window is not None:
                out[f"x-ratelimit-limit-{kind}"] = str(window.limit)
                out[f"x-ratelimit-remaining-{kind}"] = str(window.left(now_s))
                out[f"x-ratelimit-reset-{kind}"] = duration(window.resets_in_s(now_s))
        return out


class RateLimits:
    """Lets the requests of keys in, or refuses them. What a key has used lately outlives a reload of the settings."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._uses: dict[str, _KeyUse] = {}
        self._spent_tokens: dict[str, int | None] = {}
        """Of requests that are under way; None until the ledger has a row."""

    @contextmanager
    def admitting(self, key: VirtualKey, request_id: str, tokens: int) -> Iterator[dict[str, str]]:
        """Count a request while the block runs; its `x-ratelimit-…` headers. A request that is refused counts nothing.

        `tokens` is what it is taken to read; on leaving, what its calls really used takes the place of that.

        Raises:
            RateLimited: on entry.
        """
        now_s = self._clock.monotonic_s()
        use = self._use_of(key, now_s)
        self._refuse_if_full(key, use, tokens, now_s)
        if use.requests is not None:
            use.requests.add(1, now_s)
        counted = use.tokens.add(tokens, now_s) if use.tokens is not None else None
        use.under_way += 1
        self._spent_tokens[request_id] = None
        try:
            yield use.headers(now_s)
        finally:
            use.under_way -= 1
            spent = self._spent_tokens.pop(request_id)
            if use.tokens is not None and counted is not None and spent is not None:
                use.tokens.correct(counted, spent, self._clock.monotonic_s())

    def row(self, row: LedgerRow) -> None:
        """Take from the ledger what a request used: the tokens of all its calls, none for a hit."""
        if row.request_id in self._spent_tokens:
            used = row.input_tokens + row.output_tokens if row.kind == "call" else 0
            self._spent_tokens[row.request_id] = (self._spent_tokens[row.request_id] or 0) + used

    def _use_of(self, key: VirtualKey, now_s: float) -> _KeyUse:
        """Those that have gone idle are forgotten when another begins."""
        use = self._uses.get(key.id)
        if use is None:
            self._uses = {name: each for name, each in self._uses.items() if not each.is_idle(now_s)}
            use = self._uses[key.id] = _KeyUse(key)
        return use

    def _refuse_if_full(self, key: VirtualKey, use: _KeyUse, tokens: int, now_s: float) -> None:
        if key.parallel is not None and use.under_way >= key.parallel:
            raise _refused(use, f"{key.parallel} requests at the same time", BUSY_RETRY_S, now_s)
        for kind, window, amount in (("requests", use.requests, 1), ("tokens", use.tokens, tokens)):
            wait_s = window.wait_s(amount, now_s) if window is not None else 0.0
            if window is not None and wait_s > 0:
                raise _refused(use, f"{window.limit} {kind} in a minute", min(wait_s, WINDOW_S), now_s)


def _refused(use: _KeyUse, limit: str, retry_after_s: float, now_s: float) -> RateLimited:
    return RateLimited(
        f"the limit of this key is reached: {limit}", retry_after_s=retry_after_s, limits=use.headers(now_s)
    )


def duration(seconds: float) -> str:
    """As OpenAI writes it: `12ms`, `7.66s`, `1m0s`."""
    if seconds < 1:
        return f"{seconds * 1e3:.0f}ms"
    minutes, rest = divmod(round(seconds, 2), 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"
