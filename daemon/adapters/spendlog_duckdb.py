"""The spend log: ledger rows at rest in one DuckDB file, and the reports over them.

DuckDB likes batches and lets one process hold a file, so one worker thread owns the connection. Moments are
stored as UTC without a zone, money as DECIMAL(38,12).
"""

# ruff: noqa: S608  (SQL is put together from this file's constants only; values are parameters)

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import orjson

from ..errors import CannotStart, SpendLogUnavailable
from ..exchange import JsonObject, LedgerRow
from ..ports.cost import SpendQuery
from ..spend_sums import BilledDay, Charge, HourSum, PromptCacheSum, Repeats, SmallCalls
from . import spendlog_duckdb_erasure as erasure
from . import spendlog_duckdb_reports as reports
from .spendlog_duckdb_schema import COLUMNS, CREATE, FORWARD, NAMES, SCHEMA_VERSION

log = logging.getLogger(__name__)

T = TypeVar("T")

MEMORY_LIMIT = "192MB"

CHARGES_AT_ONCE = 1_000

# Ids are looked for only among rows of the batch's own time, where statistics skip all other blocks;
# without that, each batch reads every id there is.
_INSERT = f"""
INSERT INTO ledger ({NAMES}) SELECT {NAMES} FROM (SELECT {{columns}}) AS batch
WHERE "id" NOT IN (SELECT "id" FROM ledger WHERE "at" BETWEEN ? AND ?)
"""


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
        return await self._in_worker(reports.report, self._rows, query)

    async def hours(self, query: SpendQuery) -> list[HourSum]:
        return await self._in_worker(reports.hours, self._rows, query)

    async def prompt_caches(self, query: SpendQuery) -> list[PromptCacheSum]:
        return await self._in_worker(reports.prompt_caches, self._rows, query)

    async def small_calls(
        self, query: SpendQuery, *, max_input_tokens: int, max_output_tokens: int
    ) -> list[SmallCalls]:
        return await self._in_worker(reports.small_calls, self._rows, query, max_input_tokens, max_output_tokens)

    async def repeats(self, query: SpendQuery) -> list[Repeats]:
        return await self._in_worker(reports.repeats, self._rows, query)

    async def billed_days(self, query: SpendQuery) -> list[BilledDay]:
        return await self._in_worker(reports.billed_days, self._rows, query)

    async def charges(self, query: SpendQuery) -> AsyncGenerator[list[Charge], None]:
        """The file may be written between two batches; all are of the moment of the first."""
        cursor = await self._in_worker(self._connection.cursor)
        try:
            await self._in_worker(reports.open_charges, cursor, query)
            while batch := await self._in_worker(reports.next_charges, cursor, CHARGES_AT_ONCE):
                yield batch
        finally:
            await self._in_worker(cursor.close)

    async def spent_nanos(self, scope: str, since: datetime | None, until: datetime | None) -> int:
        kind, _, name = scope.partition(":")
        where = f"kind = 'call' AND {reports.SCOPES[kind]}"
        values: dict[str, Any] = {"name": name} if name else {}
        if since is not None:
            where += ' AND "at" >= $since'
            values["since"] = reports.stored(since)
        if until is not None:
            where += ' AND "at" < $until'
            values["until"] = reports.stored(until)
        rows = await self._ask(f"SELECT {reports.SPENT_NANOS} FROM ledger WHERE {where}", values)
        return int(rows[0][0])

    async def recent(self, limit: int) -> list[LedgerRow]:
        newest = f'SELECT {NAMES} FROM ledger ORDER BY "at" DESC, rowid DESC LIMIT $limit'
        return [_row(values) for values in reversed(await self._ask(newest, {"limit": limit}))]

    async def of_request(self, request_id: str) -> list[LedgerRow]:
        one = f'SELECT {NAMES} FROM ledger WHERE request_id = $id OR "id" = $id ORDER BY "at", rowid'
        return [_row(values) for values in await self._ask(one, {"id": request_id})]

    async def erase_user(self, user: str, pseudonym: str) -> int:
        return await self._in_worker(self._erase_user, user, pseudonym)

    async def export_parquet(self, query: SpendQuery, path: str) -> int:
        """
        Raises:
            SpendLogUnavailable: the file cannot be written there.
        """
        rows = f"SELECT {NAMES} FROM ledger WHERE {reports.BETWEEN}"
        copy = f"COPY ({rows}) TO $path (FORMAT parquet)"
        counted = await self._ask(copy, {**reports.period(query), "path": path})
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
                self._in_transaction(lambda: self._connection.execute(CREATE))
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
            self._connection.execute(FORWARD[version])
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
            self._connection.execute(insert, [*values, reports.stored(min(moments)), reports.stored(max(moments))])
        self._connection.execute("UPDATE progress SET last_seq = greatest(last_seq, ?)", [last_seq])

    def _erase_user(self, user: str, pseudonym: str) -> int:
        """In this file and in the copies of older schemas; each is written anew, since DuckDB leaves what it replaced
        in the file until its place is needed."""
        erased = erasure.erase_user(self._connection, user, pseudonym)
        self._close()
        try:
            erasure.rewrite(self._path, _connect)
            for copy in self._path.parent.glob(f"{self._path.stem}.v*{self._path.suffix}"):
                with closing(_connect(copy)) as connection:
                    erasure.erase_user(connection, user, pseudonym)
                erasure.rewrite(copy, _connect)
        finally:
            self._connection = _connect(self._path)
        return erased

    def _in_transaction(self, work: Callable[[], object]) -> None:
        self._connection.execute("BEGIN")
        try:
            work()
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

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
    for (name, kind), column in zip(COLUMNS.items(), zip(*map(_fields, rows), strict=True), strict=True):
        if name in _NEVER_SHARED or column.count(column[0]) != len(column):
            expressions.append(f'unnest(from_json(?, \'["{kind}"]\')) AS "{name}"')
            values.append(orjson.dumps(column, default=str).decode())
        else:
            expressions.append(f'?::{kind} AS "{name}"')
            values.append(column[0])
    return ", ".join(expressions), values


_fields = attrgetter(*COLUMNS)

_NEVER_SHARED = frozenset({"id", "at"})
"""At least one column must have as many values as there are rows; and a moment of Python would be read in the
session's time zone."""


def _row(values: Sequence[Any]) -> LedgerRow:
    fields = dict(zip(COLUMNS, values, strict=True))
    return LedgerRow(**{**fields, "at": fields["at"].replace(tzinfo=UTC), "tags": tuple(fields["tags"])})
