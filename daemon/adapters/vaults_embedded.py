"""The vaults of one machine: one SQLite file beside the store's."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TypeVar

from ..errors import StoreUnavailable
from ..ports import Clock
from .sqlite_thread import SqliteThread, Work

T = TypeVar("T")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vaults (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, sealed BLOB NOT NULL, expires_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS vaults_by_owner ON vaults (owner);
CREATE INDEX IF NOT EXISTS vaults_by_expiry ON vaults (expires_at);
"""

# A put removes as many that have expired: more than it adds, so they never pile up.
_EXPIRED_REMOVED = 16


class EmbeddedVaults:
    """VaultStore in one file (WAL, mode 0600), asked by one thread."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._thread = SqliteThread("vaults", writes=True)

    async def open(self) -> None:
        try:
            await self._thread.start(self._connect)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"the vaults in {self._path} cannot be opened: {error}") from error

    async def get(self, name: str) -> bytes | None:
        return await self._ask(lambda connection: _live(connection, name, self._now()))

    async def put(self, name: str, owner: str, sealed: bytes, expires_at: float, *, instead_of: bytes | None) -> bool:
        def put(connection: sqlite3.Connection) -> bool:
            now = self._now()
            _remove_expired(connection, now)
            if _live(connection, name, now) != instead_of:
                return False
            row = (name, owner, sealed, expires_at)
            connection.execute("INSERT OR REPLACE INTO vaults VALUES (?, ?, ?, ?)", row)
            return True

        return await self._ask(put)

    async def remove(self, name: str) -> None:
        await self._ask(lambda connection: connection.execute("DELETE FROM vaults WHERE name = ?", (name,)).close())

    async def remove_of(self, owner: str) -> int:
        return await self._ask(
            lambda connection: connection.execute("DELETE FROM vaults WHERE owner = ?", (owner,)).rowcount
        )

    async def aclose(self) -> None:
        await self._thread.stop()

    async def _ask(self, work: Work[T]) -> T:
        try:
            return await self._thread.ask(work)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the vaults in {self._path} cannot be used: {error}") from error

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would ask the umask
        connection = sqlite3.connect(self._path, timeout=1.0, isolation_level=None)
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; {_SCHEMA}")
        return connection


def _live(connection: sqlite3.Connection, name: str, now: float) -> bytes | None:
    row = connection.execute("SELECT sealed FROM vaults WHERE name = ? AND expires_at > ?", (name, now)).fetchone()
    return None if row is None else bytes(row[0])


def _remove_expired(connection: sqlite3.Connection, now: float) -> None:
    """Some of them."""
    expired = "SELECT name FROM vaults WHERE expires_at <= ? LIMIT ?"
    connection.execute(f"DELETE FROM vaults WHERE name IN ({expired})", (now, _EXPIRED_REMOVED))  # noqa: S608
