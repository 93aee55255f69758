"""What the embedded store says to SQLite, each within a transaction of its thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import CannotStart
from ..exchange import CacheEntry, Selection
from .entry_worth import worth_after_hits, worth_when_made

SCHEMA_VERSION = 3
"""What store_embedded.sql sets as its user_version."""

FORWARD = {
    1: "ALTER TABLE entries ADD COLUMN user TEXT NOT NULL DEFAULT '';",
    2: """
       ALTER TABLE entries ADD COLUMN namespace TEXT NOT NULL DEFAULT '';
       ALTER TABLE entries ADD COLUMN tags TEXT NOT NULL DEFAULT '';
       DROP VIEW whole_entries;
       CREATE VIEW whole_entries AS
           SELECT key, partition, scope, dialect, model, question, answer, vector, cost_nanos, input_tokens,
                  output_tokens, made_in_ms, created_at, expires_at, id, user, namespace, tags
           FROM entries JOIN answers USING (id);
       DROP INDEX entries_by_worth;
       ALTER TABLE entries ADD COLUMN worth REAL NOT NULL DEFAULT 0;
       CREATE INDEX entries_by_worth ON entries (worth, id);
       """,
}
"""From each version of the schema to the next. No row is rewritten, which takes a minute for a million; so entries of
before 3 are worth nothing until they are used."""

SLICE_ROWS = 500
"""Rows removed in one transaction: some 10 ms, so that a `put` behind it does not wait long."""

_INSERT_ENTRY = """
INSERT INTO entries (key, partition, scope, dialect, model, question, vector, cost_nanos, input_tokens,
                     output_tokens, made_in_ms, created_at, expires_at, user, namespace, tags, worth)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
_ENTRY_ROW = attrgetter(
    *("key", "partition", "scope", "dialect", "model", "question", "vector", "cost_nanos"),
    *("input_tokens", "output_tokens", "made_in_ms", "created_at", "expires_at", "user", "namespace"),
)


def known_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file's schema, 0 for a new file. Asked before anything is changed in it."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise CannotStart(
            f"{path} was written by a newer Helix (schema {version}, this one knows {SCHEMA_VERSION}): "
            "update Helix, or move the file away"
        )
    return int(version)


def bring_forward(connection: sqlite3.Connection, version: int) -> None:
    steps = "".join(FORWARD[step] for step in range(version, SCHEMA_VERSION))
    connection.executescript(f"BEGIN IMMEDIATE; {steps} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")


def entry_of(row: Sequence[Any]) -> CacheEntry:
    """Of a row of `whole_entries`."""
    tags: str = row[-1]
    return CacheEntry(*(*row[:-1], tuple(tags.split(",")) if tags else ()))


def keys_after(connection: sqlite3.Connection, *, key: bytes) -> list[bytes]:
    sql = "SELECT key FROM entries WHERE key > ? ORDER BY key LIMIT ?"
    return [found for (found,) in connection.execute(sql, (key, SLICE_ROWS))]


def put(connection: sqlite3.Connection, entry: CacheEntry) -> int:
    connection.execute("DELETE FROM entries WHERE key = ?", (entry.key,))
    row = (*_ENTRY_ROW(entry), ",".join(entry.tags), worth_when_made(entry.cost_nanos, entry.created_at))
    (entry_id,) = connection.execute(_INSERT_ENTRY, row).fetchone()
    connection.execute("INSERT INTO answers VALUES (?, ?)", (entry_id, entry.answer))
    return int(entry_id)


def replace_texts(connection: sqlite3.Connection, entry: CacheEntry) -> None:
    row = (entry.question, entry.vector, entry.id, entry.key)
    changed = connection.execute("UPDATE entries SET question = ?, vector = ? WHERE id = ? AND key = ?", row).rowcount
    if changed:
        connection.execute("UPDATE answers SET answer = ? WHERE id = ?", (entry.answer, entry.id))


def touch(connection: sqlite3.Connection, hits: Sequence[tuple[int, int]], now: float) -> None:
    for entry_id, count in hits:
        row = connection.execute("SELECT worth, cost_nanos FROM entries WHERE id = ?", (entry_id,)).fetchone()
        if row is not None:
            worth, cost_nanos = row
            after = worth_after_hits(worth, cost_nanos, count, now)
            connection.execute("UPDATE entries SET worth = ? WHERE id = ?", (after, entry_id))


def begin_epoch(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE epoch SET name = lower(hex(randomblob(16)))")


class _Marks(NamedTuple):
    """What a selection looks at."""

    id: int
    scope: str
    model: str
    user: str
    namespace: str
    created_at: float
    tags: Sequence[str]


def clear_slice(
    connection: sqlite3.Connection, selection: Selection, *, after_id: int, now: float
) -> tuple[int, int] | None:
    """Look at the next rows and remove those that are selected: the last id seen and how many live ones went.

    None at the end. The filter is here and not in SQL, where one that matches nothing reads the whole table.
    """
    rows = connection.execute(
        """SELECT id, scope, model, user, namespace, created_at, tags, expires_at > ? FROM entries
           WHERE id > ? ORDER BY id LIMIT ?""",
        (now, after_id, SLICE_ROWS),
    ).fetchall()
    if not rows:
        return None
    selected = [row for row in rows if selection.covers(_Marks._make((*row[:6], row[6].split(","))))]
    connection.executemany("DELETE FROM entries WHERE id = ?", [(row[0],) for row in selected])
    return rows[-1][0], sum(row[7] for row in selected)


def evict_slice(connection: sqlite3.Connection, max_entries: int, now: float) -> list[int]:
    expired = connection.execute(
        """DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE expires_at <= ? LIMIT ?)
           RETURNING id""",
        (now, SLICE_ROWS),
    ).fetchall()
    gone = (
        expired
        or connection.execute(
            """DELETE FROM entries WHERE id IN (
               SELECT id FROM entries ORDER BY worth, id
               LIMIT (SELECT max(0, min(?, entries - ?)) FROM totals))
           RETURNING id""",
            (SLICE_ROWS, max_entries),
        ).fetchall()
    )
    return [entry_id for (entry_id,) in gone]
