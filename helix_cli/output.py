"""Everything on stdout: tables for people, JSON for programs. Rich is imported when a table is shown."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

UNKNOWN = "?"
_BLOCKS = "▁▂▃▄▅▆▇█"
PIPE_WIDTH = 200
"""Columns of a table that goes into a pipe: nothing in it is cut to the width of some terminal."""


def json_document(value: object) -> None:
    """One indented JSON document."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def json_line(value: object) -> None:
    """One JSON object on one line, at once, for whoever reads the other end of the pipe."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def raw(pieces: Iterable[bytes]) -> None:
    """Bytes of a file, as they come."""
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.flush()


def paragraph(text: str) -> None:
    """Text that is broken between words where the terminal ends."""
    line("\n".join(textwrap.wrap(printable(text), console().width, break_on_hyphens=False)))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = "nothing yet") -> None:
    """A table; a column whose name ends in `>` is aligned to the right. Without rows the sentence `empty`."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        shown.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left")
    for row in rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    console().print(shown if shown.rows else Text(empty, style="dim"))


def console() -> Console:
    """Colours only on a terminal, and never with NO_COLOR."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def printable(text: str) -> str:
    """Control characters made visible: a prompt or a model's name must not steer the terminal."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found[0]):02x}", text)


def usd(amount: str | None) -> str:
    """A decimal string as a person reads it: cents from a dollar on, four digits that count below."""
    if amount is None:
        return UNKNOWN
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return UNKNOWN
    if value == 0:
        return "$0"
    if abs(value) >= 1:
        return f"${value:,.2f}"
    return f"${float(f'{value:.4g}'):.12f}".rstrip("0")


def count(number: int) -> str:
    return f"{number:,}"


def counted(number: int, noun: str) -> str:
    """`1 call`, `2,000 calls`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def short_count(number: int) -> str:
    """`9,876`, from there on three digits that count: `12.3k`, `4.56M`."""
    if number < 10_000:
        return count(number)
    amount = float(number)
    for unit in ("", "k", "M", "G"):
        if amount < 999.5:
            return f"{amount:.3g}{unit}"
        amount /= 1000
    return f"{amount:,.0f}T"


def sparkline(amounts: Sequence[Decimal]) -> str:
    """One character for each amount, the largest a full block; a dot where there was none."""
    most = max(amounts, default=Decimal(0))
    return "".join("·" if amount <= 0 else _BLOCKS[int(amount * 7 / most)] for amount in amounts)


def bar(amount: Decimal, whole: Decimal, width: int) -> str:
    """A part of a whole, in eighths of a character."""
    eighths = int(amount * 8 * width / whole) if whole > 0 else 0
    full, rest = divmod(max(0, eighths), 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")


def size(byte_count: int) -> str:
    """`3.2 MiB`."""
    amount = float(byte_count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def share(part: int, whole: int) -> str:
    """`41%`; a dash where there is nothing to share."""
    return f"{100 * part / whole:.0f}%" if whole else "–"


def milliseconds(duration_ms: float | None) -> str:
    if duration_ms is None:
        return "–"
    if duration_ms >= 1000:
        return f"{duration_ms / 1000:.1f} s"
    return f"{duration_ms:.0f} ms" if duration_ms >= 10 else f"{duration_ms:.1f} ms"


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 12 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def local_time(moment: str, form: str = "%Y-%m-%d %H:%M") -> str:
    """An ISO 8601 moment on this machine's clock; as it is where it cannot be read."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime(form)
    except ValueError:
        return moment
