"""One request, all that the ledger knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from .. import output

if TYPE_CHECKING:
    from daemon.control_api.logs import LogRow


class RequestScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,q", "dismiss", "Back")]

    def __init__(self, row: LogRow) -> None:
        super().__init__()
        self._row = row

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="request") as panel:
            panel.border_title = "Request"
            panel.border_subtitle = "esc: back"
            yield Static(_details(self._row))


def _details(row: LogRow) -> Table:
    shown = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    shown.add_column(style="dim", no_wrap=True)
    shown.add_column(overflow="fold")
    for name, value in row.items():
        if value not in (None, ""):
            shown.add_row(Text(_label(name)), Text(_text(name, value)))
    return shown


def _label(name: str) -> str:
    """The unit stands with the value."""
    return name.removesuffix("_usd").removesuffix("_ms").replace("_", " ")


def _text(name: str, value: object) -> str:
    if name.endswith("_usd"):
        return f"${value}"
    if name.endswith("_ms") and isinstance(value, int | float):
        return output.milliseconds(value)
    return output.printable(str(value))
