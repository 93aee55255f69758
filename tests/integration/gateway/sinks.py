"""Every place that a daemon may have written something to, as text that can be searched."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import duckdb
import redis

from daemon import control_api as api
from tests.daemon_process import Daemon

CONTROL = (
    f"{api.LOGS}?limit=10000",
    f"{api.CACHE_LINES}?limit=500",
    *(f"{api.SPEND}?by={group}" for group in ("user", "key", "model", "tag", "session", "client")),
    *(f"{api.PII_REPORT}?by={group}" for group in ("type", "key", "day")),
    *(api.OVERVIEW, api.SPEND_REVIEW, api.SPEND_FOCUS, api.CACHE_STATS, api.BUDGETS, api.KEYS, api.STATUS),
)
PUBLIC = ("/metrics", "/health/ready", "/v1/models")


async def answers_of(daemon: Daemon) -> AsyncIterator[tuple[str, str]]:
    """What a running daemon tells its owner, and anybody."""
    for path in CONTROL:
        yield path, json.dumps(await daemon.control("GET", path))
    for path in PUBLIC:
        async with daemon.session.get(daemon.url + path) as answer:
            yield path, await answer.text()
    export = daemon.config.parent / "export.jsonl"
    yield "helix cache export", "".join(map(str, await daemon.helix("cache", "export", str(export))))
    yield "its file", export.read_text()


async def outputs_of(daemon: Daemon) -> AsyncIterator[tuple[str, str]]:
    """What a daemon said that has ended."""
    yield "stdout", daemon.process.stdout.read().decode()
    yield "stderr", daemon.stderr


def files_of(daemon: Daemon) -> Iterator[tuple[str, str]]:
    for path in daemon.data_dir.rglob("*"):
        if path.is_file():
            yield path.name, path.read_bytes().decode("latin-1")


def tables_of(daemon: Daemon) -> Iterator[tuple[str, str]]:
    """What databases may have compressed in their files."""
    with duckdb.connect(daemon.data_dir / "spend.duckdb", read_only=True) as spend:
        for (name,) in spend.execute("SELECT table_name FROM information_schema.tables").fetchall():
            yield f"duckdb {name}", repr(spend.execute(f'SELECT * FROM "{name}"').fetchall())
    store = daemon.data_dir / "store.sqlite"
    if store.exists():
        yield "sqlite", "\n".join(_dump(store))


def _dump(path: Path) -> Iterator[str]:
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in tables:
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                yield repr(row)


def redis_sinks(url: str) -> Iterator[tuple[str, str]]:
    with redis.Redis.from_url(url) as client:
        read = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"stream": client.xrange,
        }
        for key in client.scan_iter():
            yield f"redis {key!r}", repr((key, read[client.type(key)](key)))
