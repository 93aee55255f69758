"""The spend log's tables, and how those of an older Helix become today's."""

# ruff: noqa: S608  (SQL is put together from this file's constants only)

from __future__ import annotations

SCHEMA_VERSION = 3

COLUMNS = {
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
    "session": "VARCHAR",
    "client": "VARCHAR",
    "saved_ms": "DOUBLE",
    "prompt_print": "VARCHAR",
    "with_tools": "BOOLEAN",
    "swapped_from": "VARCHAR",
}
"""One column for each field of LedgerRow, in its order; names are quoted, since `at`, `user` and `key` mean
something in SQL. A new one comes last, with a default in `FORWARD`."""

NAMES = ", ".join(f'"{name}"' for name in COLUMNS)

CREATE = f"""
CREATE TABLE ledger ({", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())});
CREATE TABLE progress (schema_version INTEGER, last_seq BIGINT);
INSERT INTO progress VALUES ({SCHEMA_VERSION}, 0);
"""

FORWARD = {
    1: "ALTER TABLE ledger ADD COLUMN price_parts VARCHAR DEFAULT ''",
    2: """
    ALTER TABLE ledger ADD COLUMN session VARCHAR DEFAULT '';
    ALTER TABLE ledger ADD COLUMN client VARCHAR DEFAULT '';
    ALTER TABLE ledger ADD COLUMN saved_ms DOUBLE;
    ALTER TABLE ledger ADD COLUMN prompt_print VARCHAR DEFAULT '';
    ALTER TABLE ledger ADD COLUMN with_tools BOOLEAN DEFAULT false;
    ALTER TABLE ledger ADD COLUMN swapped_from VARCHAR DEFAULT '';
    """,
}
"""From each version of the schema to the next."""
