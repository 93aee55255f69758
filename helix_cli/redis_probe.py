"""Two questions to a Redis server, over a bare socket: `helix doctor` must not wait for a client library.

The protocol is RESP2: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from io import BufferedRWPair
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 1.0
_PINGS = 5


class RedisUnreachable(Exception):
    """It cannot be asked; the message says why, without the password."""


@dataclass(frozen=True, slots=True)
class RedisState:
    latency_ms: float
    """Of the middle one of a few pings."""
    eviction: str
    """`maxmemory-policy`; empty where the server does not say."""


def probe(url: str) -> RedisState:
    """Ask the server of a `storage.url`; of a cluster the first node.

    Raises:
        RedisUnreachable: nobody answers there, or it refuses.
    """
    url = url.partition(",")[0]
    try:
        with closing(_connect(url)) as connection, connection.makefile("rwb") as wire:
            _sign_in(wire, url)
            latencies_ms = sorted(_ping_ms(wire) for _ in range(_PINGS))
            return RedisState(latencies_ms[_PINGS // 2], _eviction(wire))
    except (OSError, ValueError) as error:
        raise RedisUnreachable(getattr(error, "strerror", None) or str(error)) from None


def _connect(url: str) -> socket.socket:
    where = urlsplit(url)
    if where.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(TIMEOUT_S)
        connection.connect(where.path)
        return connection
    host = where.hostname or "localhost"
    connection = socket.create_connection((host, where.port or 6379), TIMEOUT_S)
    if where.scheme.startswith("rediss"):
        return ssl.create_default_context().wrap_socket(connection, server_hostname=host)
    return connection


def _sign_in(wire: BufferedRWPair, url: str) -> None:
    where = urlsplit(url)
    if where.password:
        user = [unquote(where.username)] if where.username else []
        _ask(wire, "AUTH", *user, unquote(where.password))


def _ping_ms(wire: BufferedRWPair) -> float:
    started_s = time.perf_counter()
    _ask(wire, "PING")
    return (time.perf_counter() - started_s) * 1000


def _eviction(wire: BufferedRWPair) -> str:
    """Hosted servers forbid CONFIG, but tell it in INFO."""
    for line in _ask(wire, "INFO", "memory").splitlines():
        if line.startswith("maxmemory_policy:"):
            return line.partition(":")[2].strip()
    return ""


def _ask(wire: BufferedRWPair, *words: str) -> str:
    """One command and its answer, which is a line or one text.

    Raises:
        ValueError: the server refused; or what answers is no Redis.
    """
    sent = [word.encode() for word in words]
    wire.write(b"*%d\r\n" % len(sent) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in sent))
    wire.flush()
    head = wire.readline(65_536).decode(errors="replace").rstrip("\r\n")
    match head[:1]:
        case "+":
            return head[1:]
        case "$":
            return wire.read(int(head[1:]) + 2).decode(errors="replace")
        case "-":
            raise ValueError(head[1:].partition(" ")[0] + " was its answer")
        case _:
            raise ValueError("what answers there is no Redis")
