"""The spend log: ledger rows at rest in one DuckDB file, and the reports over them.

DuckDB likes batches and lets one process hold a file, so one worker thread owns the connection. Moments are
stored as UTC without a zone, money as DECIMAL(38,12).
"""

# ruff: noqa: S608  (SQL is put together from this file's constants only; values are parameters)

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import orjson

from ..errors import CannotStart, SpendLogUnavailable
from ..exchange import JsonObject, LedgerRow
from ..ports import SpendQuery

log = logging.getLogger(__name__)

T = TypeVar("T")

SCHEMA_VERSION = 2

MEMORY_LIMIT = "192MB"

_COLUMNS = {
    "id": "VARCHAR",
    "request_id": "VARCHAR",
    "at": "TIMESTAMP",
    "kind": "VARCHAR",
    "outcome": "VARCHAR",
    "dialect": "VARCHAR",
    "model": "VARCHAR",
    "provider": "VARCHAR",
    "upstream_model": "VARCHAR",
    "key": "VARCHAR",
    "user": "VARCHAR",
    "team": "VARCHAR",
    "org": "VARCHAR",
    "tags": "VARCHAR[]",
    "cache": "VARCHAR",
    "similarity": "DOUBLE",
    "status": "INTEGER",
    "streamed": "BOOLEAN",
    "input_tokens": "BIGINT",
    "output_tokens": "BIGINT",
    "cached_read_tokens": "BIGINT",
    "cache_write_tokens": "BIGINT",
    "reasoning_tokens": "BIGINT",
    "cost_usd": "DECIMAL(38,12)",
    "saved_usd": "DECIMAL(38,12)",
    "bound_usd": "DECIMAL(38,12)",
    "price_source": "VARCHAR",
    "ttft_ms": "DOUBLE",
    "total_ms": "DOUBLE",
    "pii": "VARCHAR",
    "reason": "VARCHAR",
    "price_parts": "VARCHAR",
}
"""One column for each field of LedgerRow, in its order; names are quoted, since `at`, `user` and `key` mean
something in SQL. A new one comes last, with a default in `_FORWARD`."""

_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)

_CREATE = f"""
CREATE TABLE ledger ({", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())});
CREATE TABLE progress (schema_version INTEGER, last_seq BIGINT);
INSERT INTO progress VALUES ({SCHEMA_VERSION}, 0);
"""

_FORWARD = {1: "ALTER TABLE ledger ADD COLUMN price_parts VARCHAR DEFAULT ''"}
"""From each version of the schema to the next."""

# Ids are looked for only among rows of the batch's own time, where statistics skip all other blocks;
# without that, each batch reads every id there is.
_INSERT = f"""
INSERT INTO ledger ({_NAMES}) SELECT {_NAMES} FROM (SELECT {{columns}}) AS batch
WHERE "id" NOT IN (SELECT "id" FROM ledger WHERE "at" BETWEEN ? AND ?)
"""

_SUMS = """
count(*) FILTER (kind = 'call') AS calls,
count(*) FILTER (kind = 'hit') AS hits,
count(*) FILTER (kind = 'refused') AS refused,
count(*) FILTER (outcome = 'unknown') AS unknown,
coalesce(sum(cost_usd), 0)::DECIMAL(38,12) AS cost_usd,
coalesce(sum(saved_usd), 0)::DECIMAL(38,12) AS saved_usd,
coalesce(sum(input_tokens) FILTER (kind = 'call'), 0)::BIGINT AS input_tokens,
coalesce(sum(output_tokens) FILTER (kind = 'call'), 0)::BIGINT AS output_tokens
"""

_GROUPS = {
    "model": "model",
    "key": '"key"',
    "user": "coalesce(\"user\", '')",
    "team": "coalesce(team, '')",
    "tag": "unnest(CASE WHEN len(tags) = 0 THEN [''] ELSE list_distinct(tags) END)",
    "day": """strftime(timezone($zone, timezone('UTC', "at")), '%Y-%m-%d')""",
}
"""What each `by` groups on; a row without it is in the group `''`, one with several tags in each of theirs."""

_BETWEEN = '"at" >= $since AND "at" < $until'

_SCOPES = {
    "all": "true",
    "org": "org = $name",
    "team": "team = $name",
    "user": '"user" = $name',
    "key": '"key" = $name',
    "model": "$name IN (model, upstream_model, provider || '/' || upstream_model)",
    "tag": "list_contains(tags, $name)",
}

_SPENT_NANOS = "coalesce(sum(ceil(coalesce(cost_usd, bound_usd, 0) * 1000000000)::HUGEINT), 0)"


class DuckDbSpendLog:
    """SpendLog over one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="spend-log")
        self._connection: Any = None

    async def open(self) -> None:
        await self._in_worker(self._open)

    async def last_seq(self) -> int:
        return int((await self._ask("SELECT last_seq FROM progress"))[0][0])

    async def write(self, rows: Sequence[LedgerRow], last_seq: int) -> None:
        await self._in_worker(self._write, rows, last_seq)

    async def report(self, query: SpendQuery) -> JsonObject:
        return await self._in_worker(self._report, query)

    async def spent_nanos(self, scope: str, since: datetime | None) -> int:
        kind, _, name = scope.partition(":")
        where = f"kind = 'call' AND {_SCOPES[kind]}"
        values: dict[str, Any] = {"name": name} if name else {}
        if since is not None:
            where += ' AND "at" >= $since'
            values["since"] = _stored(since)
        rows = await self._ask(f"SELECT {_SPENT_NANOS} FROM ledger WHERE {where}", values)
        return int(rows[0][0])

    async def recent(self, limit: int) -> list[LedgerRow]:
        newest = f'SELECT {_NAMES} FROM ledger ORDER BY "at" DESC, rowid DESC LIMIT $limit'
        return [_row(values) for values in reversed(await self._ask(newest, {"limit": limit}))]

    async def of_request(self, request_id: str) -> list[LedgerRow]:
        one = f'SELECT {_NAMES} FROM ledger WHERE request_id = $id OR "id" = $id ORDER BY "at", rowid'
        return [_row(values) for values in await self._ask(one, {"id": request_id})]

    async def export_parquet(self, query: SpendQuery, path: str) -> int:
        """
        Raises:
            SpendLogUnavailable: the file cannot be written there.
        """
        rows = f"SELECT {_NAMES} FROM ledger WHERE {_BETWEEN}"
        where = {"since": _stored(query.since), "until": _stored(query.until)}
        counted = await self._ask(f"COPY ({rows}) TO $path (FORMAT parquet)", {**where, "path": path})
        return int(counted[0][0])

    async def aclose(self) -> None:
        await self._in_worker(self._close)
        self._worker.shutdown()

    async def _in_worker(self, work: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)
        except (duckdb.Error, orjson.JSONEncodeError) as error:
            raise SpendLogUnavailable(f"the spend log {self._path} did not answer: {error}") from error

    async def _ask(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return await self._in_worker(lambda: self._connection.execute(sql, values or {}).fetchall())

    # --- in the worker thread

    def _open(self) -> None:
        try:
            self._connection = _connect(self._path)
            found = self._schema_version()
            if found is None:
                self._in_transaction(lambda: self._connection.execute(_CREATE))
            elif found < SCHEMA_VERSION:
                self._bring_forward(found)
        except (duckdb.Error, OSError) as error:
            raise CannotStart(_why_not(self._path, error)) from error
        if found is not None and found > SCHEMA_VERSION:
            self._close()
            raise CannotStart(
                f"{self._path} was written by a newer Helix (schema {found}, this one knows {SCHEMA_VERSION}): "
                "install that version again, or move the file away to start a new one"
            )

    def _bring_forward(self, found: int) -> None:
        """Change the tables as this version wants them. A copy of the file as it was stays beside it."""
        self._connection.execute("CHECKPOINT")
        self._close()
        copy = self._path.with_suffix(f".v{found}{self._path.suffix}")
        shutil.copy2(self._path, copy)
        log.warning("%s is brought from schema %d to %d; %s is how it was", self._path, found, SCHEMA_VERSION, copy)
        self._connection = _connect(self._path)
        self._in_transaction(lambda: self._change_tables(found))

    def _change_tables(self, found: int) -> None:
        for version in range(found, SCHEMA_VERSION):
            self._connection.execute(_FORWARD[version])
        self._connection.execute("UPDATE progress SET schema_version = ?", [SCHEMA_VERSION])

    def _schema_version(self) -> int | None:
        """None for a new file."""
        tables = self._connection.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'progress'").fetchall()
        if not tables:
            return None
        return int(self._connection.execute("SELECT schema_version FROM progress").fetchone()[0])

    def _write(self, rows: Sequence[LedgerRow], last_seq: int) -> None:
        self._in_transaction(lambda: self._insert(rows, last_seq))

    def _insert(self, rows: Sequence[LedgerRow], last_seq: int) -> None:
        if rows:
            columns, values = _columns(rows)
            moments = [row.at for row in rows]
            insert = _INSERT.format(columns=columns)
            self._connection.execute(insert, [*values, _stored(min(moments)), _stored(max(moments))])
        self._connection.execute("UPDATE progress SET last_seq = greatest(last_seq, ?)", [last_seq])

    def _in_transaction(self, work: Callable[[], object]) -> None:
        self._connection.execute("BEGIN")
        try:
            work()
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def _report(self, query: SpendQuery) -> JsonObject:
        values: dict[str, Any] = {"since": _stored(query.since), "until": _stored(query.until)}
        totals = self._rows(f"SELECT {_SUMS} FROM ledger WHERE {_BETWEEN}", values)[0]
        if query.by is None:
            return {**totals, "rows": []}
        if query.by == "day":
            values["zone"] = query.timezone
        keyed = f'SELECT *, {_GROUPS[query.by]} AS "group" FROM ledger WHERE {_BETWEEN}'
        order = '"group"' if query.by == "day" else 'cost_usd DESC, calls DESC, "group"'
        grouped = f'SELECT "group", {_SUMS} FROM ({keyed}) GROUP BY "group" ORDER BY {order}'
        return {**totals, "rows": [{query.by: row.pop("group"), **row} for row in self._rows(grouped, values)]}

    def _rows(self, sql: str, values: dict[str, Any]) -> list[dict[str, Any]]:
        cursor = self._connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(path: Path) -> Any:
    """One thread, little memory, and no extension from the network."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = {
        "threads": 1,
        "memory_limit": MEMORY_LIMIT,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(path, config=config)
    path.chmod(0o600)
    return connection


def _why_not(path: Path, error: Exception) -> str:
    if "lock" in str(error):
        return f"{path} is held by another process: stop it, or choose another server.data_dir"
    first_line = str(error).partition("\n")[0]
    return f"the spend log cannot be opened: {first_line}; check the rights and the free space, or move {path} away"


def _columns(rows: Sequence[LedgerRow]) -> tuple[str, list[Any]]:
    """The rows as expressions of SQL with the values of their parameters.

    A column goes over as one JSON text, or as one value where all rows have the same: a row costs 5 µs so, with
    lists of Python values 20 and with rows as parameters 330.
    """
    expressions, values = [], []
    for (name, kind), column in zip(_COLUMNS.items(), zip(*map(_fields, rows), strict=True), strict=True):
        if name in _NEVER_SHARED or column.count(column[0]) != len(column):
            expressions.append(f'unnest(from_json(?, \'["{kind}"]\')) AS "{name}"')
            values.append(orjson.dumps(column, default=str).decode())
        else:
            expressions.append(f'?::{kind} AS "{name}"')
            values.append(column[0])
    return ", ".join(expressions), values


_fields = attrgetter(*_COLUMNS)

_NEVER_SHARED = frozenset({"id", "at"})
"""At least one column must have as many values as there are rows; and a moment of Python would be read in the
session's time zone."""


def _row(values: Sequence[Any]) -> LedgerRow:
    fields = dict(zip(_COLUMNS, values, strict=True))
    return LedgerRow(**{**fields, "at": fields["at"].replace(tzinfo=UTC), "tags": tuple(fields["tags"])})


def _stored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
