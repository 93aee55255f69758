"""The latest requests, newest first: filtered, paused, and as many columns as there is room for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from .. import output
from .feed import KEPT_REQUESTS
from .palette import FAINT, PINK, RED, VERDICT_STYLES

if TYPE_CHECKING:
    from textual.events import Resize

    from daemon.control_api.logs import LogRow

SHOWN_REQUESTS = 200
"""Rows in the table: more cost time at each change, and nobody scrolls further."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: int
    from_width: int
    """The terminal's width from which on it is shown."""
    cell: Callable[[LogRow], Text]


def _right(text: str, style: str = "") -> Text:
    return Text(text, style=style, justify="right")


def _verdict(row: LogRow) -> Text:
    verdict = row["cache"] or row["kind"]
    similarity = row["similarity"]
    shown = f"{verdict} {similarity:.3f}" if similarity is not None else verdict
    return Text(shown, style=VERDICT_STYLES.get(verdict, ""))


def _status(row: LogRow) -> Text:
    return _right(str(row["status"]), RED if row["status"] >= 400 else FAINT)


def _money(amount: str | None) -> Text:
    shown = "–" if amount is None else output.usd(amount)
    return _right(shown, FAINT if shown in {"–", "$0"} else "")


def _plain(text: str, style: str = "") -> Text:
    return Text(output.printable(text), style=style, no_wrap=True, overflow="ellipsis")


COLUMNS = (
    Column("time", 8, 0, lambda row: Text(output.local_time(row["at"], "%H:%M:%S"), style=FAINT)),
    Column("model", 20, 0, lambda row: _plain(row["model"], "bold")),
    Column("cache", 14, 0, _verdict),
    Column("code", 4, 0, _status),
    Column("cost", 11, 0, lambda row: _money(row["cost_usd"])),
    Column("took", 7, 0, lambda row: _right(output.milliseconds(row["total_ms"]))),
    Column("saved", 11, 100, lambda row: _money(row["saved_usd"])),
    Column("tokens", 12, 112, lambda row: _right(f"{row['input_tokens']:,}/{row['output_tokens']:,}")),
    Column("pii", 22, 136, lambda row: _plain(row["pii"], PINK)),
    Column("key", 16, 156, lambda row: _plain(row["key"], FAINT)),
)


class RequestsTable(DataTable[Text]):
    """Keeps the newest requests. The cursor stays on the request it is on, and on the newest when it is there."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select_cursor", "Details")]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=True)
        self._requests: deque[LogRow] = deque(maxlen=KEPT_REQUESTS)
        self._held: deque[LogRow] = deque(maxlen=KEPT_REQUESTS)
        self._wanted = ""
        self._columns_shown: tuple[Column, ...] = ()
        self._cursor_on: str | None = None
        """The id of the request that the cursor is on; None: the newest, whichever that is."""
        self.is_paused = False

    @property
    def held(self) -> int:
        """How many requests wait for the end of the pause."""
        return len(self._held)

    @property
    def selected(self) -> LogRow | None:
        shown = self._shown()
        return shown[self.cursor_row] if 0 <= self.cursor_row < len(shown) else None

    def arrive(self, rows: Iterable[LogRow]) -> None:
        """Take in requests, oldest first; those that are known (after the daemon came back) are left out."""
        known = {row["id"] for row in (*self._requests, *self._held)}
        new = [row for row in rows if row["id"] not in known]
        (self._held if self.is_paused else self._requests).extend(new)
        if new and not self.is_paused:
            self._redraw()

    def pause(self) -> None:
        """Hold what comes, or let go of what was held."""
        self.is_paused = not self.is_paused
        if not self.is_paused:
            self._requests.extend(self._held)
            self._held.clear()
            self._redraw()

    def filter(self, wanted: str) -> None:
        """Show only requests that hold all these words in model, key, verdict, status, provider or PII kinds."""
        self._wanted = wanted.lower()
        self._redraw()

    def on_resize(self, _: Resize) -> None:
        columns = tuple(column for column in COLUMNS if self.app.size.width >= column.from_width)
        if columns != self._columns_shown:
            self._columns_shown = columns
            self._redraw()

    def _redraw(self) -> None:
        selected = self._cursor_on
        top = self.scroll_offset.y
        self.clear(columns=True)
        for column in self._columns_shown:
            self.add_column(_header(column), width=column.width)
        shown = self._shown()
        for row in shown:
            self.add_row(*(column.cell(row) for column in self._columns_shown), key=row["id"])
        self._return_to(selected, [row["id"] for row in shown], top)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        is_newest = event.cursor_row == 0
        self._cursor_on = None if is_newest else event.row_key.value

    def _return_to(self, selected: str | None, ids: list[str], top: int) -> None:
        if selected not in ids:
            return
        self.cursor_coordinate = Coordinate(ids.index(selected), 0)
        self.scroll_to(y=top, animate=False)

    def _shown(self) -> list[LogRow]:
        newest_first = (row for row in reversed(self._requests) if self._is_wanted(row))
        return [row for row, _ in zip(newest_first, range(SHOWN_REQUESTS), strict=False)]

    def _is_wanted(self, row: LogRow) -> bool:
        text = " ".join(
            (row["model"], row["key"], row["cache"], row["kind"], row["provider"], row["pii"], str(row["status"]))
        ).lower()
        return all(word in text for word in self._wanted.split())


def _header(column: Column) -> Text:
    is_number = column.title in {"code", "cost", "saved", "took", "tokens"}
    return Text(column.title, justify="right" if is_number else "left")
