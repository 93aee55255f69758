"""The one way to a Redis: bounded in connections and time, and quick to give up on one that is gone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool, Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError

from ..errors import CannotStart, StoreUnavailable
from ..ports.clock import Clock

T = TypeVar("T")
Client = Redis | RedisCluster

CONNECTIONS = 32
FAILURES_TO_OPEN = 5
PROBE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a Redis, in seconds. Tests on a busy machine have more."""

    answer_s: float = 0.05
    """For a connected server's answer."""
    connect_s: float = 0.25
    """For name, TCP and TLS, which take longer than an answer."""
    command_s: float = 0.5
    """For a command in all, a Cluster's discovery of its nodes included."""
    connection_s: float = 0.25
    """For a free connection: it is this process that is busy then, not Redis."""


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua file of this folder, and the prefix of the keys that it works on: all in one Cluster slot."""

    prefix: str
    text: str = field(repr=False)
    sha: str

    @classmethod
    def load(cls, name: str, prefix: str) -> Script:
        text = Path(__file__).with_name(name).read_text()
        return cls(prefix, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


class CircuitBreaker:
    """Refuses calls to what failed `FAILURES_TO_OPEN` times in a row, but for one probe a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._next_probe_s = 0.0

    def admits(self) -> bool:
        if self._failures < FAILURES_TO_OPEN:
            return True
        now_s = self._clock.monotonic_s()
        if now_s < self._next_probe_s:
            return False
        self._next_probe_s = now_s + PROBE_EVERY_S
        return True

    def worked(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures == FAILURES_TO_OPEN:
            self._next_probe_s = self._clock.monotonic_s() + PROBE_EVERY_S


class RedisLink:
    """A pool of connections behind a circuit breaker. It connects when first asked, and again by itself.

    URLs are `redis://`, `rediss://`, `unix://`, and `redis+cluster://` or `rediss+cluster://`.
    """

    def __init__(self, url: str, clock: Clock, patience: Patience) -> None:
        self._url = url
        self._patience = patience
        self._breaker = CircuitBreaker(clock)
        self._free = asyncio.Semaphore(CONNECTIONS)
        self._client: Client | None = None

    def open(self) -> None:
        """Prepare the pool, in a running event loop; nothing is sent yet. Safe to call twice.

        Raises:
            CannotStart: the URL cannot be read. It is not repeated: it may hold a password.
        """
        try:
            self._client = self._client or _client_of(self._url, self._patience)
        except (ValueError, TypeError):
            raise CannotStart(
                'storage.url cannot be read: expected "embedded", redis://host:port/db, rediss://…, '
                "redis+cluster://… or unix:///path"
            ) from None

    async def ask(self, command: Callable[[Client], Awaitable[T]]) -> T:
        """Run one command.

        Raises:
            StoreUnavailable: not open, refused by the breaker, no answer in time, or an error for an answer.
        """
        try:
            async with asyncio.timeout(self._patience.connection_s):
                await self._free.acquire()
        except TimeoutError:
            raise StoreUnavailable("Redis is asked too much at once: no connection became free") from None
        try:
            return await self._send(command)
        finally:
            self._free.release()

    async def run(self, script: Script, *arguments: str | bytes | int | float) -> Any:
        """Run a script as one atomic step; the server is sent its text only where it does not know it yet."""

        async def evaluate(client: Client) -> Any:
            try:
                return await client.evalsha(script.sha, 1, script.prefix, *arguments)
            except NoScriptError:
                return await client.eval(script.text, 1, script.prefix, *arguments)

        return await self.ask(evaluate)

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _send(self, command: Callable[[Client], Awaitable[T]]) -> T:
        if self._client is None:
            raise StoreUnavailable("the store is not open")
        if not self._breaker.admits():
            raise StoreUnavailable("Redis does not answer; it is asked again every second")
        cancels = _cancels()
        try:
            async with asyncio.timeout(self._patience.command_s):
                answer = await command(self._client)
        except (RedisError, RedisClusterException, OSError) as error:  # TimeoutError is an OSError
            self._note(error)
            raise StoreUnavailable(f"Redis could not be asked: {type(error).__name__}") from error
        self._breaker.worked()
        if _cancels() > cancels:
            # The client waits by asyncio.wait_for, which before Python 3.12 loses a cancellation that comes with the
            # answer: whoever asks for ever would never end.
            raise asyncio.CancelledError
        return answer

    def _note(self, error: Exception) -> None:
        """An error for an answer is an answer: Redis is there (a loading one says so by a connection error)."""
        if isinstance(error, ResponseError):
            self._breaker.worked()
        else:
            self._breaker.failed()


def _cancels() -> int:
    """How often the running task has been told to end."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _client_of(url: str, patience: Patience) -> Client:
    # RESP2: the replies here are the same, and no notifications are subscribed to. Retries belong to callers.
    limits: dict[str, Any] = {
        "max_connections": CONNECTIONS,
        "socket_timeout": patience.answer_s,
        "socket_connect_timeout": patience.connect_s,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    scheme, separator, rest = url.partition("+cluster://")
    if separator:
        return RedisCluster.from_url(f"{scheme}://{rest}", **limits)
    return Redis(connection_pool=ConnectionPool.from_url(url, **limits))
