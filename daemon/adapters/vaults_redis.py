"""The vaults that a fleet shares, in its Redis."""

from __future__ import annotations

from typing import cast

from ..ports.clock import Clock
from .redis_link import Patience, RedisLink, Script


class RedisVaults:
    """VaultStore on a Redis that other nodes use as well. Their names tell nothing; what is in them is sealed."""

    def __init__(self, url: str, clock: Clock, namespace: str = "helix", patience: Patience | None = None) -> None:
        self._clock = clock
        self._link = RedisLink(url, clock, patience or Patience())
        self._script = Script.load("vaults_redis.lua", f"{namespace}:{{v}}:")

    async def open(self) -> None:
        """As the port says. After StoreUnavailable it is open all the same: it works once Redis does."""
        self._link.open()
        await self._link.ask(lambda client: client.ping())

    async def get(self, name: str) -> bytes | None:
        key = f"{self._script.prefix}vault:{name}"
        return cast("bytes | None", await self._link.ask(lambda client: client.get(key)))

    async def put(self, name: str, owner: str, sealed: bytes, expires_at: float, *, instead_of: bytes | None) -> bool:
        ttl_ms = max(1, round((expires_at - self._clock.now().timestamp()) * 1000))
        expected = b"" if instead_of is None else b"=" + instead_of
        return bool(await self._link.run(self._script, "put", name, owner, sealed, ttl_ms, expected))

    async def remove(self, name: str) -> None:
        await self._link.run(self._script, "remove", name)

    async def remove_of(self, owner: str) -> int:
        return int(await self._link.run(self._script, "remove_of", owner))

    async def aclose(self) -> None:
        await self._link.aclose()
