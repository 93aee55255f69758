"""Limits of virtual keys: requests and tokens in any minute, and requests at the same time.

Daemons that share a store count together there. While it does not answer each counts for itself, as one alone does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from math import inf

from ..errors import RateLimited, StoreUnavailable
from ..exchange import LedgerRow
from ..ports.clock import Clock
from ..ports.security import RateCaps, RateStore, RateUse
from .keys import VirtualKey

WINDOW_S = 60.0
RENEWED_EVERY_S = 20.0

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
    """What one key has used lately, on this node or, as `seen` says, on all."""

    def __init__(self, key: VirtualKey, seen: RateUse | None = None, now_s: float = 0.0) -> None:
        self.requests = SlidingWindow(key.rpm) if key.rpm is not None else None
        self.tokens = SlidingWindow(key.tpm) if key.tpm is not None else None
        self.under_way = seen.under_way if seen is not None else 0
        if seen is not None:
            self._take(self.requests, seen.requests, now_s)
            self._take(self.tokens, seen.tokens, now_s)

    def begin(self, tokens: int, now_s: float) -> _Use | None:
        """Count one request; what was counted of its tokens."""
        self.under_way += 1
        if self.requests is not None:
            self.requests.add(1, now_s)
        return self.tokens.add(tokens, now_s) if self.tokens is not None else None

    @staticmethod
    def _take(window: SlidingWindow | None, uses: Iterable[tuple[float, int]], now_s: float) -> None:
        if window is not None:
            for leaves_in_s, amount in uses:
                window.add(amount, now_s + leaves_in_s - WINDOW_S)

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

    def __init__(self, clock: Clock, fleet: RateStore | None = None) -> None:
        """`fleet` counts for all daemons that share it; None: this one is alone."""
        self._clock = clock
        self._fleet = fleet
        self._open: dict[str, set[str]] = {}
        """Requests under way that the fleet knows of, by key."""
        self._leaving: set[asyncio.Task[None]] = set()
        self._uses: dict[str, _KeyUse] = {}
        self._spent_tokens: dict[str, int | None] = {}
        """Of requests that are under way; None until the ledger has a row."""

    @asynccontextmanager
    async def admitting(self, key: VirtualKey, request_id: str, tokens: int) -> AsyncIterator[dict[str, str]]:
        """Count a request while the block runs; its `x-ratelimit-…` headers. A request that is refused counts nothing.

        `tokens` is what it is taken to read; on leaving, what its calls really used takes the place of that.

        Raises:
            RateLimited: on entry.
        """
        seen = await self._seen_by_fleet(key, request_id, tokens)
        now_s = self._clock.monotonic_s()
        own = self._use_of(key, now_s)
        told = own if seen is None else _KeyUse(key, seen, now_s)
        refusal = None if seen is not None and seen.is_admitted else _refusal(key, told, tokens, now_s)
        if refusal is not None:
            raise refusal
        counted = own.begin(tokens, now_s)
        if told is not own:
            told.begin(tokens, now_s)
        self._spent_tokens[request_id] = None
        try:
            yield told.headers(now_s)
        finally:
            own.under_way -= 1
            spent = self._spent_tokens.pop(request_id)
            if own.tokens is not None and counted is not None and spent is not None:
                own.tokens.correct(counted, spent, self._clock.monotonic_s())
            if seen is not None:
                self._leave_fleet(key, request_id, seen.at, tokens, tokens if spent is None else spent)

    def row(self, row: LedgerRow) -> None:
        """Take from the ledger what a request used: the tokens of all its calls, none for a hit."""
        if row.request_id in self._spent_tokens:
            used = row.input_tokens + row.output_tokens if row.kind == "call" else 0
            self._spent_tokens[row.request_id] = (self._spent_tokens[row.request_id] or 0) + used

    async def keep(self) -> None:
        """Tell the fleet, without end, which requests are still under way."""
        while self._fleet is not None:
            await asyncio.sleep(RENEWED_EVERY_S)
            with suppress(StoreUnavailable):
                for key, requests in list(self._open.items()):
                    await self._fleet.renew(key, sorted(requests))

    async def aclose(self) -> None:
        """Tell the fleet what is left to tell."""
        await asyncio.gather(*self._leaving)
        if self._fleet is not None:
            await self._fleet.aclose()

    async def _seen_by_fleet(self, key: VirtualKey, request_id: str, tokens: int) -> RateUse | None:
        """None where there is none, or it does not answer in time."""
        if self._fleet is None:
            return None
        caps = RateCaps(key.rpm, key.tpm, key.parallel)
        try:
            seen = await self._fleet.admit(key.id, request_id, caps, tokens)
        except StoreUnavailable:
            return None
        if seen.is_admitted:
            self._open.setdefault(key.id, set()).add(request_id)
        return seen

    def _leave_fleet(self, key: VirtualKey, request_id: str, at: int, counted: int, spent: int) -> None:
        """In the background: nobody waits for it, and a caller who has hung up does not stop it."""
        requests = self._open.get(key.id, set())
        requests.discard(request_id)
        if not requests:
            self._open.pop(key.id, None)
        task = asyncio.create_task(self._tell_left(key.id, request_id, at, counted, spent))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _tell_left(self, key_id: str, request_id: str, at: int, counted: int, spent: int) -> None:
        if self._fleet is not None:
            with suppress(StoreUnavailable):
                await self._fleet.leave(key_id, request_id, at, counted, spent)

    def _use_of(self, key: VirtualKey, now_s: float) -> _KeyUse:
        """Those that have gone idle are forgotten when another begins."""
        use = self._uses.get(key.id)
        if use is None:
            self._uses = {name: each for name, each in self._uses.items() if not each.is_idle(now_s)}
            use = self._uses[key.id] = _KeyUse(key)
        return use


def _refusal(key: VirtualKey, use: _KeyUse, tokens: int, now_s: float) -> RateLimited | None:
    if key.parallel is not None and use.under_way >= key.parallel:
        return _refused(use, f"{key.parallel} requests at the same time", BUSY_RETRY_S, now_s)
    for kind, window, amount in (("requests", use.requests, 1), ("tokens", use.tokens, tokens)):
        wait_s = window.wait_s(amount, now_s) if window is not None else 0.0
        if window is not None and wait_s > 0:
            return _refused(use, f"{window.limit} {kind} in a minute", min(wait_s, WINDOW_S), now_s)
    return None


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
