"""The store of one machine: one SQLite file for entries and records; counters live in memory.

One daemon per data directory (a lock sees to that), so counters need no disk: the ledger seeds them at start.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson

from ..errors import StoreUnavailable
from ..exchange import EVERYTHING, CacheEntry, JsonObject, Selection
from ..ports.caching import StoreStats, VectorRow
from ..ports.clock import Clock
from ..sealing import EntrySeal
from . import store_embedded_statements as statements
from .counters_memory import MemoryCounters
from .key_filter import KeyFilter
from .sqlite_thread import SqliteThread, Work

logger = logging.getLogger(__name__)

T = TypeVar("T")


class EmbeddedStore(MemoryCounters):
    """Entries and records in one SQLite file (WAL, mode 0600), written in groups by one thread.

    `fsync`: with `grouped` an acknowledged write survives the death of this process, with `always`
    that of the machine. A damaged file is set aside when it is opened, and a fresh one made. No other process
    may write the file: keys that this one has not seen are not looked for. What was removed is overwritten. With a
    `seal` texts rest sealed, and what rests unsealed is not returned.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        fsync: Literal["grouped", "always"] = "grouped",
        seal: EntrySeal | None = None,
    ) -> None:
        super().__init__(clock)
        self._seal = seal
        self._path = path
        self._suspect = path.with_name(f"{path.name}.suspect")
        """A mark that damage was met while running; the next `open` acts on it."""
        self._fsync = fsync
        self._writer = SqliteThread("store-writer", writes=True)
        self._reader = SqliteThread("store-reader", writes=False)
        self._keys = KeyFilter()
        self._reading_keys: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """As the port says; may be called again after it failed.

        Raises:
            CannotStart: the file is of a newer version of Helix.
        """
        try:
            await self._writer.start(self._connect_writer)
            await self._reader.start(lambda: _connect(self._path))
        except (sqlite3.Error, OSError) as error:
            await self._writer.stop()
            raise StoreUnavailable(f"the store {self._path} cannot be opened: {error}") from error
        self._keys = KeyFilter()
        self._reading_keys = asyncio.create_task(self._read_keys(self._keys))

    async def ping(self) -> None:
        await self._read(lambda connection: connection.execute("SELECT 1").close())
        await self._write(lambda connection: None)

    async def sweep(self) -> None:
        """What is removed is overwritten in the file; what remains of it is in the log."""
        await self._writer.fold_log()

    async def aclose(self) -> None:
        """Finish what is queued, then close; the last connection folds the write-ahead log into the file."""
        if self._reading_keys is not None:
            self._reading_keys.cancel()
            await asyncio.wait((self._reading_keys,))
        await self._reader.stop()
        await self._writer.stop()

    async def epoch(self) -> str:
        (name,) = await self._read(lambda c: c.execute("SELECT name FROM epoch").fetchone())
        return str(name)

    async def get(self, key: bytes) -> CacheEntry | None:
        if not self._keys.may_have(key):
            return None
        sql = "SELECT * FROM whole_entries WHERE key = ? AND expires_at > ?"
        row = await self._read(lambda c: c.execute(sql, (key, self._now())).fetchone())
        return None if row is None else await self._opened(statements.entry_of(row))

    async def get_by_ids(self, ids: Sequence[int]) -> dict[int, CacheEntry]:
        sql = """SELECT * FROM whole_entries
                 WHERE id IN (SELECT value FROM json_each(?)) AND expires_at > ?"""
        wanted = json.dumps(list(ids))
        rows = await self._read(lambda c: c.execute(sql, (wanted, self._now())).fetchall())
        entries = [await self._opened(statements.entry_of(row)) for row in rows]
        return {entry.id: entry for entry in entries if entry is not None}

    async def put(self, entry: CacheEntry) -> int:
        self._keys.add((entry.key,))
        resting = entry if self._seal is None else self._seal.closed(entry)
        return await self._write(lambda connection: statements.put(connection, resting))

    async def vectors_after(self, entry_id: int, limit: int) -> list[VectorRow]:
        sql = """SELECT id, partition, vector, expires_at FROM entries
                 WHERE id > ? AND vector IS NOT NULL AND expires_at > ? ORDER BY id LIMIT ?"""
        rows = await self._read(lambda c: c.execute(sql, (entry_id, self._now(), limit)).fetchall())
        return (
            [VectorRow(*row) for row in rows] if self._seal is None else [_opened_row(self._seal, row) for row in rows]
        )

    async def entries_after(self, entry_id: int, limit: int) -> list[CacheEntry]:
        sql = "SELECT * FROM whole_entries WHERE id > ? AND expires_at > ? ORDER BY id LIMIT ?"
        while rows := await self._read(partial(_all_of, sql, (entry_id, self._now(), limit))):
            resting = [statements.entry_of(row) for row in rows]
            if entries := [entry for one in resting if (entry := await self._opened(one)) is not None]:
                return entries
            entry_id = resting[-1].id
        return []

    async def touch(self, hits: Mapping[int, int]) -> None:
        await self._write(lambda c: statements.touch(c, list(hits.items()), self._now()))

    async def clear(self, selection: Selection = EVERYTHING) -> int:
        """As the port says; the count leaves out those that had expired.

        Done in slices: entries put meanwhile may stay, and one that fails halfway has removed some.
        """
        if selection.is_everything:
            await self._write(statements.begin_epoch)
        removed, last_id = 0, 0 if selection.id is None else selection.id - 1
        while True:
            clear = partial(statements.clear_slice, selection=selection, after_id=last_id, now=self._now())
            done = await self._write(clear)
            if done is None or done[0] == selection.id:
                return removed + (0 if done is None else done[1])
            last_id, count = done
            removed += count

    async def evict(self, max_entries: int) -> list[int]:
        gone: list[int] = []
        while ids := await self._write(lambda c: statements.evict_slice(c, max_entries, self._now())):
            gone += ids
        return gone

    async def stats(self) -> StoreStats:
        """Live entries; the bytes of the answers, those that have expired included until they are evicted."""
        sql = """SELECT entries - (SELECT count(*) FROM entries WHERE expires_at <= ?), bytes FROM totals"""
        return StoreStats(*await self._read(lambda c: c.execute(sql, (self._now(),)).fetchone()))

    async def records(self, kind: str) -> dict[str, JsonObject]:
        sql = "SELECT name, record FROM records WHERE kind = ?"
        rows = await self._read(lambda c: c.execute(sql, (kind,)).fetchall())
        return {name: orjson.loads(record) for name, record in rows}

    async def put_record(self, kind: str, name: str, record: JsonObject) -> None:
        row = (kind, name, orjson.dumps(record).decode())
        await self._write(lambda c: c.execute("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", row).close())

    async def replace_record(self, kind: str, name: str, record: JsonObject, *, instead_of: JsonObject | None) -> bool:
        row = [kind, name, orjson.dumps(record).decode()]
        sql = "INSERT OR IGNORE INTO records VALUES (?1, ?2, ?3)"
        if instead_of is not None:
            row.append(orjson.dumps(instead_of).decode())
            sql = "UPDATE records SET record = ?3 WHERE kind = ?1 AND name = ?2 AND record = ?4"
        return await self._write(lambda c: c.execute(sql, row).rowcount == 1)

    async def remove_record(self, kind: str, name: str) -> bool:
        sql = "DELETE FROM records WHERE kind = ? AND name = ?"
        return await self._write(lambda c: c.execute(sql, (kind, name)).rowcount == 1)

    async def _read_keys(self, keys: KeyFilter) -> None:
        """Fill the filter with what is there; where that fails it stays open for every key."""
        after = b""
        with suppress(StoreUnavailable):
            while page := await self._read(partial(statements.keys_after, key=after)):
                keys.add(page)
                after = page[-1]
            keys.is_ready = True

    async def _opened(self, resting: CacheEntry) -> CacheEntry | None:
        """An entry as it was put."""
        return resting if self._seal is None else await self._seal.opened_anew(resting, self._replace_texts)

    async def _replace_texts(self, resting: CacheEntry) -> None:
        await self._write(lambda connection: statements.replace_texts(connection, resting))

    def _now(self) -> float:
        return self._clock.now().timestamp()

    async def _read(self, work: Work[T]) -> T:
        return await self._ask(self._reader, work)

    async def _write(self, work: Work[T]) -> T:
        return await self._ask(self._writer, work)

    async def _ask(self, thread: SqliteThread, work: Work[T]) -> T:
        try:
            return await thread.ask(work)
        except sqlite3.Error as error:
            if _is_damage(error):
                self._remember_damage()
            raise StoreUnavailable(f"the store {self._path} cannot be used: {error}") from error

    def _remember_damage(self) -> None:
        if not self._suspect.exists():
            logger.error("%s is damaged; restart Helix to set it aside and begin a fresh one", self._path)
            self._suspect.touch()

    def _connect_writer(self) -> sqlite3.Connection:
        if self._suspect.exists():
            return self._begin_afresh()
        try:
            return self._connect_with_schema()
        except sqlite3.Error as error:
            if not _is_damage(error):
                raise
            return self._begin_afresh()

    def _begin_afresh(self) -> sqlite3.Connection:
        """Set the damaged file aside (one is kept, for its owner to look at) and carry over its records."""
        records = _read_records(self._path)
        aside = self._path.with_name(f"{self._path.name}.damaged")
        for suffix in ("", "-wal", "-shm"):
            part = Path(f"{self._path}{suffix}")
            if part.exists():
                part.replace(f"{aside}{suffix}")
        connection = self._connect_with_schema()
        connection.executemany("INSERT INTO records VALUES (?, ?, ?)", records or [])
        self._suspect.unlink(missing_ok=True)
        logger.error(
            "%s was damaged: set aside as %s; cached answers are lost, %s",
            self._path,
            aside.name,
            "budgets could not be read: set them again" if records is None else "budgets were carried over",
        )
        return connection

    def _connect_with_schema(self) -> sqlite3.Connection:
        _make_private(self._path)
        connection = _connect(self._path)
        try:
            version = statements.known_version(connection, self._path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._fsync == 'always' else 'NORMAL'}")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute("PRAGMA secure_delete = ON")
            if version == 0:
                connection.executescript(Path(__file__).with_suffix(".sql").read_text())
            elif version < statements.SCHEMA_VERSION:
                statements.bring_forward(connection, version)
            # Reads a page of each table, so that common damage shows now rather than in a request.
            connection.execute("SELECT max(id), (SELECT bytes FROM totals), (SELECT name FROM epoch) FROM entries")
        except BaseException:
            connection.close()
            raise
        return connection


def _make_private(path: Path) -> None:
    """Create the file before SQLite does, which would ask the umask; its side files copy the mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _connect(path: Path) -> sqlite3.Connection:
    # Half the callers' patience: a lock that somebody else holds ends as an error that names it.
    return sqlite3.connect(path, timeout=1.0, isolation_level=None)


def _all_of(sql: str, values: Sequence[Any], connection: sqlite3.Connection) -> list[Any]:
    return connection.execute(sql, values).fetchall()


def _opened_row(seal: EntrySeal, row: tuple[int, bytes, bytes, float]) -> VectorRow:
    entry_id, partition, vector, expires_at = row
    return VectorRow(entry_id, partition, seal.opened_vector(partition, vector), expires_at)


def _is_damage(error: sqlite3.Error) -> bool:
    # The low byte is the error, the rest says where it was met.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _read_records(path: Path) -> list[tuple[Any, ...]] | None:
    """What can still be read of a damaged file's records; None where nothing can."""
    try:
        connection = _connect(path)
        try:
            return connection.execute("SELECT kind, name, record FROM records").fetchall()
        finally:
            connection.close()
    except sqlite3.Error:
        return None
