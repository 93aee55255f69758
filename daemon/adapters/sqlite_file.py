"""A small SQLite file of its own, which one thread asks: what the audit and the vaults stand on."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TypeVar

from ..errors import StoreUnavailable
from .sqlite_thread import SqliteThread, Work

T = TypeVar("T")


class SqliteFile:
    """One file (WAL, mode 0600), whose removed rows are overwritten.

    Raises, from `open`, `ask` and `fold_log`:
        StoreUnavailable: it cannot be used, or not in time.
    """

    def __init__(self, path: Path, called: str, schema: str) -> None:
        """`called` is what its errors call it; `schema` may be run any number of times."""
        self._path = path
        self._called = called
        self._schema = schema
        self._thread = SqliteThread(path.stem, writes=True)

    async def open(self) -> None:
        try:
            await self._thread.start(self._connect)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{self._called} {self._path} cannot be opened: {error}") from error

    async def ask(self, work: Work[T]) -> T:
        try:
            return await self._thread.ask(work)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self._called} {self._path} cannot be used: {error}") from error

    async def fold_log(self) -> None:
        """What was removed stands in no file any more."""
        await self._thread.fold_log()

    async def aclose(self) -> None:
        await self._thread.stop()

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would ask the umask
        connection = sqlite3.connect(self._path, timeout=1.0, isolation_level=None)
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; {self._schema}")
        return connection
