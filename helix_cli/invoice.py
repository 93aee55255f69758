"""A provider's invoice or cost export, read from CSV and added up by day and model.

Known by their headers are the cost exports of OpenAI, Anthropic and DeepSeek, and FOCUS; anything else that has a
date and an amount is read by naming its columns. The file is anybody's: it is bounded, and amounts are never floats.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .diagnostics import CommandFailed, UsageMistake

if TYPE_CHECKING:
    from daemon.control_api.spend import InvoiceLine

MAX_BYTES = 256 * 2**20
MAX_LINES = 2_000_000
MAX_USD = Decimal(1_000_000_000)
MAX_DECIMALS = 40
LEAST_TOLERANCE = Decimal("0.0000005")
"""US dollars a line: invoices are added up from finer amounts than they show."""

CURRENCIES = ("currency", "amount_currency", "billingcurrency")


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands where, by the header's names in lower case; `model` has the names that it may have, best first."""

    date: str
    cost: str
    model: Sequence[str]


KNOWN = (
    Columns("chargeperiodstart", "billedcost", ("resourcename", "resourceid", "skuid", "servicename")),
    Columns("start_time_iso", "amount_value", ("line_item",)),  # OpenAI, costs
    Columns("start_time", "amount_value", ("line_item",)),
    Columns("usage_date_utc", "cost_usd", ("model",)),  # Anthropic, cost
    Columns("start_time_iso", "cost", ("model",)),  # DeepSeek, cost
    Columns("date", "cost_usd", ("model",)),
    Columns("date", "cost", ("model",)),
    Columns("date", "amount", ("model",)),
)
"""The first of which date and cost are in the header is taken."""


@dataclass(frozen=True, slots=True)
class _Amount:
    day: date
    model: str
    usd: Decimal


def read_invoice(file: Path, columns: str | None) -> list[InvoiceLine]:
    """The days and models of a file; `columns` is `date=…,model=…,cost=…` where its header is not known.

    Raises:
        UsageMistake: `columns` cannot be read, or names what the header has not.
        CommandFailed: the file cannot be read, or a line of it; the line is named.
    """
    with _opened(file) as text:
        reader = csv.DictReader(text, delimiter=_delimiter(text))
        try:
            header = [name.strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            chosen = _named(columns, header) if columns else _known(header)
            lines = _added_up(_amounts(reader, chosen))
        except csv.Error as error:
            raise CommandFailed(f"{file}: line {reader.line_num}: {error}") from None
    if not lines:
        raise CommandFailed(f"{file}: no line has an amount")
    return lines


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    """The file's text; `-` is stdin. A mark of its byte order is no part of the header, and bytes that are no text
    spoil the line that they are in only where that matters."""
    if str(file) == "-":
        yield TextIOWrapper(sys.stdin.buffer, "utf-8-sig", errors="replace", newline="")
        return
    try:
        if file.stat().st_size > MAX_BYTES:
            raise CommandFailed(f"{file}: longer than {MAX_BYTES // 2**20} MiB")
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as text:
            yield text
    except OSError as error:
        raise CommandFailed(f"{file}: cannot be read: {error.strerror}") from error


def _delimiter(text: TextIO) -> str:
    """The one of which the header has most."""
    if not text.seekable():
        return ","
    header = text.readline(2**16)
    text.seek(0)
    return max(",;\t", key=header.count)


def _known(header: Sequence[str]) -> Columns:
    for columns in KNOWN:
        if columns.date in header and columns.cost in header:
            return columns
    raise UsageMistake(
        f"no known invoice has the columns {', '.join(header[:12]) or '(none)'}; "
        "name them: --columns date=…,model=…,cost=…"
    )


def _named(columns: str, header: Sequence[str]) -> Columns:
    pairs = [part.partition("=") for part in columns.split(",")]
    named = {what.strip(): name.strip().lower() for what, _, name in pairs}
    if not {"date", "cost"} <= named.keys() <= {"date", "cost", "model"}:
        raise UsageMistake(f"--columns {columns}: expected date=…,cost=… and, where there is one, model=…")
    for name in named.values():
        if name not in header:
            raise UsageMistake(f"--columns: the file has no column {name!r}, but {', '.join(header[:12])}")
    return Columns(named["date"], named["cost"], (named["model"],) if "model" in named else ())


def _amounts(reader: csv.DictReader[str], columns: Columns) -> Iterator[_Amount]:
    """Lines without an amount say nothing: OpenAI writes one for each day without calls."""
    for row in reader:
        if reader.line_num > MAX_LINES:
            raise CommandFailed(f"longer than {MAX_LINES:,} lines")
        if not (row.get(columns.cost) or "").strip():
            continue
        try:
            yield _amount(row, columns)
        except ValueError as error:
            raise CommandFailed(f"line {reader.line_num}: {error}") from None


def _amount(row: Mapping[str, str | None], columns: Columns) -> _Amount:
    for name in CURRENCIES:
        if (row.get(name) or "usd").strip().lower() != "usd":
            raise ValueError(f"the amount is in {row[name]}, and the ledger in US dollars")
    model = next((found for name in columns.model if (found := (row.get(name) or "").strip())), "")
    # OpenAI's line items: "gpt-4o-2024-08-06, input".
    return _Amount(_day(row.get(columns.date) or ""), model.partition(",")[0].strip(), _usd(row[columns.cost] or ""))


def _day(text: str) -> date:
    """The day, in UTC, of a date, a moment or Unix seconds."""
    text = text.strip()
    try:
        if text.isdecimal() and len(text) > 8:
            return datetime.fromtimestamp(int(text), UTC).date()
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{text[:40]!r} is no date") from None
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date()


def _usd(text: str) -> Decimal:
    """`0.25`, `1.5e-07`, `$1,234.50`."""
    try:
        usd = Decimal(text.strip().removeprefix("$").replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is no amount") from None
    if not usd.is_finite() or abs(usd) > MAX_USD or _exponent(usd) < -MAX_DECIMALS:
        raise ValueError(f"{text[:40]!r} is no amount of an invoice")
    return usd


def _added_up(amounts: Iterable[_Amount]) -> list[InvoiceLine]:
    """By day and model. An amount may be off by half of the finest digit that any has."""
    finest, sums, counts = 0, defaultdict[tuple[date, str], Decimal](Decimal), Counter[tuple[date, str]]()
    for amount in amounts:
        at = amount.day, amount.model
        sums[at] += amount.usd
        counts[at] += 1
        finest = min(finest, _exponent(amount.usd))
    tolerance_usd = max(Decimal(5).scaleb(finest - 1), LEAST_TOLERANCE)
    return [
        {
            "day": day.isoformat(),
            "model": model,
            "cost_usd": f"{sums[day, model]:f}",
            "tolerance_usd": f"{tolerance_usd * counts[day, model]:f}",
        }
        for day, model in sorted(sums)
    ]


def _exponent(usd: Decimal) -> int:
    exponent = usd.as_tuple().exponent
    return min(0, exponent) if isinstance(exponent, int) else 0
