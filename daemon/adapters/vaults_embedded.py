"""The vaults of one machine: one SQLite file beside the store's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..ports.clock import Clock
from .sqlite_file import SqliteFile

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
        self._clock = clock
        self._file = SqliteFile(path, "the vaults in", _SCHEMA)

    async def open(self) -> None:
        await self._file.open()

    async def get(self, name: str) -> bytes | None:
        return await self._file.ask(lambda connection: _live(connection, name, self._now()))

    async def put(self, name: str, owner: str, sealed: bytes, expires_at: float, *, instead_of: bytes | None) -> bool:
        def put(connection: sqlite3.Connection) -> bool:
            now = self._now()
            _remove_expired(connection, now)
            if _live(connection, name, now) != instead_of:
                return False
            row = (name, owner, sealed, expires_at)
            connection.execute("INSERT OR REPLACE INTO vaults VALUES (?, ?, ?, ?)", row)
            return True

        return await self._file.ask(put)

    async def remove(self, name: str) -> None:
        await self._file.ask(
            lambda connection: connection.execute("DELETE FROM vaults WHERE name = ?", (name,)).close()
        )

    async def remove_of(self, owner: str) -> int:
        sql = "DELETE FROM vaults WHERE owner = ?"
        removed = await self._file.ask(lambda connection: connection.execute(sql, (owner,)).rowcount)
        await self._file.fold_log()
        return removed

    async def aclose(self) -> None:
        await self._file.aclose()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _live(connection: sqlite3.Connection, name: str, now: float) -> bytes | None:
    row = connection.execute("SELECT sealed FROM vaults WHERE name = ? AND expires_at > ?", (name, now)).fetchone()
    return None if row is None else bytes(row[0])


def _remove_expired(connection: sqlite3.Connection, now: float) -> None:
    """Some of them."""
    expired = "SELECT name FROM vaults WHERE expires_at <= ? LIMIT ?"
    connection.execute(f"DELETE FROM vaults WHERE name IN ({expired})", (now, _EXPIRED_REMOVED))  # noqa: S608
