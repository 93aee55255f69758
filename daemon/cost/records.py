"""Ledger rows and reservations as the journal's JSON.

A field at its default is left out. "At" is meant by identity: the defaults are None, "", 0, False and (), of
which Python has one each, and a default that is written down all the same does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from ..exchange import JsonObject, LedgerRow
from ..ports.cost import Hold

_MONEY = frozenset({"cost_usd", "saved_usd", "bound_usd"})

_NAMES = tuple(field.name for field in fields(LedgerRow))
_DEFAULTS = tuple(field.default for field in fields(LedgerRow))
"""A field without a default has MISSING, which no value is."""

_values = attrgetter(*_NAMES)


def record_of_row(row: LedgerRow) -> JsonObject:
    named = zip(_NAMES, _values(row), _DEFAULTS, strict=True)
    return {name: value for name, value, default in named if value is not default}


def row_of(record: JsonObject) -> LedgerRow:
    """The inverse of `record_of_row`."""
    values: dict[str, Any] = {name: Decimal(value) if name in _MONEY else value for name, value in record.items()}
    values["at"] = datetime.fromisoformat(record["at"])
    values["tags"] = tuple(record.get("tags", ()))
    return LedgerRow(**values)


def record_of_rows(rows: Sequence[LedgerRow]) -> JsonObject:
    """Several rows, column by column, which costs a third of one by one: `every` is what they have in common,
    `each` has a value for each row."""
    every: JsonObject = {}
    each: dict[str, Sequence[Any]] = {}
    columns = zip(*map(_values, rows), strict=True)
    for name, column, default in zip(_NAMES, columns, _DEFAULTS, strict=True):
        first = column[0]
        if name == "id" or column.count(first) != len(column):
            each[name] = column
        elif first is not default:
            every[name] = first
    return {"every": every, "each": each}


def rows_of(record: JsonObject) -> Iterator[LedgerRow]:
    """The inverse of `record_of_rows`."""
    every, each = record["every"], record["each"]
    for values in zip(*each.values(), strict=True):
        own = {name: value for name, value in zip(each, values, strict=True) if value is not None}
        yield row_of({**every, **own})


def record_of_hold(hold: Hold) -> list[Any]:
    return [hold.counter, hold.amount_nanos, hold.limit_nanos]


def hold_of(record: list[Any]) -> Hold:
    return Hold(*record)
