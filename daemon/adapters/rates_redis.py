"""What keys use in a minute, counted by all nodes that share a Redis."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor
from typing import Any

from ..ports.clock import Clock
from ..ports.security import RateCaps, RateUse
from .redis_link import Patience, RedisLink, Script

COUNTS_S = 61
"""As in the script: a second's use counts until sixty more have passed."""
OPEN_LEASE_S = 60.0
"""A request whose node died is under way for so long; `renew` is called more often."""


class RedisRates:
    """A RateStore. It connects when it is first asked, over a pool of its own."""

    def __init__(self, url: str, clock: Clock, namespace: str = "helix", patience: Patience | None = None) -> None:
        self._clock = clock
        self._link = RedisLink(url, clock, patience or Patience())
        self._script = Script.load("rates_redis.lua", f"{namespace}:{{u}}:")

    async def admit(self, key: str, request: str, caps: RateCaps, tokens: int) -> RateUse:
        now = self._now()
        limits = ["" if cap is None else cap for cap in (caps.rpm, caps.tpm, caps.parallel)]
        found = await self._run("admit", now, key, request, *limits, tokens, now + OPEN_LEASE_S)
        is_admitted, under_way, requests, used = found
        return RateUse(bool(is_admitted), floor(now), int(under_way), _leaving(requests, now), _leaving(used, now))

    async def leave(self, key: str, request: str, at: int, counted_tokens: int, spent_tokens: int) -> None:
        await self._run("leave", self._now(), key, request, at, counted_tokens, spent_tokens)

    async def renew(self, key: str, requests: Sequence[str]) -> None:
        now = self._now()
        await self._run("renew", now, key, now + OPEN_LEASE_S, *requests)

    async def aclose(self) -> None:
        await self._link.aclose()

    async def _run(self, command: str, *arguments: str | float) -> Any:
        self._link.open()
        return await self._link.run(self._script, command, *arguments)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _leaving(flat: Sequence[bytes], now: float) -> list[tuple[float, int]]:
    """When each use leaves the minute, in seconds from now, and how much it was; oldest first."""
    uses = sorted((int(second), int(amount)) for second, amount in zip(flat[::2], flat[1::2], strict=True))
    return [(second + COUNTS_S - now, amount) for second, amount in uses]
