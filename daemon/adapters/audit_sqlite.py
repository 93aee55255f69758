"""The audit of what was found: one SQLite file of this machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime, tzinfo
from functools import partial
from pathlib import Path

from ..exchange import JsonObject
from ..ports.pii import AuditGroup, AuditQuery, AuditRow
from .sqlite_file import SqliteFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS findings (
    at REAL NOT NULL, request_id TEXT NOT NULL, key TEXT NOT NULL, side TEXT NOT NULL,
    type TEXT NOT NULL, operator TEXT NOT NULL, count INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS findings_by_time ON findings (at);
"""

_GROUPS: dict[AuditGroup, str] = {"type": "type", "key": "key", "day": "day_of(at)"}
_SUMS = "coalesce(sum(count), 0) AS findings, count(DISTINCT request_id) AS requests"
_BETWEEN = "at >= :since AND at < :until"


class SqliteAudit:
    """AuditLog over one file (mode 0600), asked by one thread."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, "the audit", _SCHEMA)

    async def open(self) -> None:
        await self._file.open()

    async def write(self, rows: Sequence[AuditRow]) -> None:
        sql = "INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?)"
        await self._file.ask(lambda connection: connection.executemany(sql, map(_columns_of, rows)).close())

    async def report(self, query: AuditQuery) -> JsonObject:
        return await self._file.ask(partial(_report, query=query))

    async def remove_before(self, moment: datetime) -> int:
        sql, values = "DELETE FROM findings WHERE at < ?", (moment.timestamp(),)
        return await self._file.ask(lambda connection: connection.execute(sql, values).rowcount)

    async def remove_of(self, keys: Sequence[str]) -> int:
        sql, values = "DELETE FROM findings WHERE key = ?", [(key,) for key in keys]
        if not values:
            return 0
        removed = await self._file.ask(lambda connection: connection.executemany(sql, values).rowcount)
        await self._file.fold_log()
        return removed

    async def aclose(self) -> None:
        await self._file.aclose()


def _columns_of(row: AuditRow) -> tuple[float | str | int, ...]:
    # One by one: `dataclasses.astuple` copies each value deeply, which took a sixth of a hit's CPU.
    return row.at.timestamp(), row.request_id, row.key, row.side, row.type, row.operator, row.count


def _report(connection: sqlite3.Connection, query: AuditQuery) -> JsonObject:
    connection.create_function("day_of", 1, partial(_day_of, query.zone), deterministic=True)
    between = {"since": query.since.timestamp(), "until": query.until.timestamp()}
    group = _GROUPS[query.by]
    columns = ", ".join(dict.fromkeys((f"{group} AS {query.by}", "type AS type", "operator")))
    by = ", ".join(dict.fromkeys((query.by, "type", "operator")))
    grouped = f"SELECT {columns}, {_SUMS} FROM findings WHERE {_BETWEEN} GROUP BY {by} ORDER BY {by}"  # noqa: S608
    (totals,) = _rows(connection, f"SELECT {_SUMS} FROM findings WHERE {_BETWEEN}", between)  # noqa: S608
    return {**totals, "rows": _rows(connection, grouped, between)}


def _rows(connection: sqlite3.Connection, sql: str, values: dict[str, float]) -> list[JsonObject]:
    cursor = connection.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _day_of(zone: tzinfo, at: float) -> str:
    return datetime.fromtimestamp(at, zone).date().isoformat()
