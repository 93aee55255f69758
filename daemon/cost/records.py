"""Ledger rows and reservations as the journal's JSON. Fields at their default are left out."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..exchange import JsonObject, LedgerRow
from ..ports import Hold

_MONEY = frozenset({"cost_usd", "saved_usd", "bound_usd"})

_DEFAULTS = tuple((field.name, field.default) for field in fields(LedgerRow) if field.name != "at")
"""A field without a default has MISSING, which no value equals."""


def record_of_row(row: LedgerRow) -> JsonObject:
    record: dict[str, Any] = {"at": row.at.isoformat()}
    for name, default in _DEFAULTS:
        value = getattr(row, name)
        if value != default:
            record[name] = str(value) if name in _MONEY else value
    return record


def row_of(record: JsonObject) -> LedgerRow:
    """The inverse of `record_of_row`."""
    values: dict[str, Any] = {name: Decimal(value) if name in _MONEY else value for name, value in record.items()}
    values["at"] = datetime.fromisoformat(record["at"])
    values["tags"] = tuple(record.get("tags", ()))
    return LedgerRow(**values)


def record_of_hold(hold: Hold) -> list[Any]:
    return [hold.counter, hold.amount_nanos, hold.limit_nanos]


def hold_of(record: list[Any]) -> Hold:
    return Hold(*record)
