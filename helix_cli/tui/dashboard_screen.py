"""The dashboard: what was spent and saved today, budgets, parts, and the requests as they happen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from .. import output
from .feed import Feed
from .messages import DaemonGone, OverviewArrived, RequestsArrived
from .palette import MODE_STYLES, RED, TEAL
from .panels import BudgetBars, Parts, Tile, sparkline
from .request_screen import RequestScreen
from .requests_table import RequestsTable

if TYPE_CHECKING:
    from daemon.control_api import Overview, Status
    from daemon.control_api.logs import LogRow
    from daemon.control_api.spend import Spend

GATHER_S = 0.2
"""How long new requests are gathered before the table is drawn anew: a busy gateway must not keep the screen busy."""
SPARK_BUCKETS, SPARK_S = 12, 20


class DashboardScreen(Screen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "app.quit", "Quit"),
        Binding("r", "refresh", "Refresh"),
        Binding("p", "pause", "Pause"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("escape", "unfilter", "Unfilter", show=False),
    ]

    def __init__(self, data_dir: Path) -> None:
        super().__init__()
        self._feed = Feed(data_dir, self.post_message)
        self._moments: list[datetime] = []
        """When the requests of the last minutes happened: what the sparkline shows."""
        self._refused_today = 0

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield Static(id="banner")
        with Horizontal(id="tiles"):
            yield Tile("Spent today", id="spent")
            yield Tile("Saved today", id="saved")
            yield Tile("Hit rate", id="hits")
            yield Tile("Requests", id="count")
        with Horizontal(id="panels"):
            with VerticalScroll(id="budgets-panel", can_focus=False):
                yield BudgetBars(id="budgets")
            with VerticalScroll(id="parts-panel", can_focus=False):
                yield Parts(id="parts")
        yield RequestsTable(id="requests")
        yield Input(placeholder="words of model, verdict, key, status, PII …", id="filter")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#budgets-panel").border_title = "Budgets"
        self.query_one("#parts-panel").border_title = "Parts"
        self._name_table()
        self._show_title(None)
        self._table.focus()
        self._feed.start()

    def on_unmount(self) -> None:
        self._feed.stop()

    def on_overview_arrived(self, message: OverviewArrived) -> None:
        self.remove_class("-gone")
        self._show(message.overview)

    def on_daemon_gone(self, message: DaemonGone) -> None:
        self.add_class("-gone")
        sentence = f"{output.printable(message.sentence)}. Trying again in {message.retry_s:.0f} s."
        self.query_one("#banner", Static).update(Text(sentence))
        self._show_title(None)

    def on_requests_arrived(self, _: RequestsArrived) -> None:
        self.set_timer(GATHER_S, self._take_requests)

    def action_refresh(self) -> None:
        self._feed.refresh()

    def action_pause(self) -> None:
        self._table.pause()
        self._name_table()

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.query_one(Input).focus()

    def action_unfilter(self) -> None:
        self.query_one(Input).value = ""
        self.remove_class("-filtering")
        self._table.focus()

    def on_data_table_row_selected(self) -> None:
        if (row := self._table.selected) is not None:
            self.app.push_screen(RequestScreen(row))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._table.filter(event.value)
        self._name_table()

    def on_input_submitted(self) -> None:
        self._table.focus()

    @property
    def _table(self) -> RequestsTable:
        return self.query_one(RequestsTable)

    def _take_requests(self) -> None:
        rows = self._feed.take()
        self._table.arrive(rows)
        self._note_moments(rows)
        self._tile("count").note(self._recent_note())
        self._name_table()

    def _show(self, overview: Overview) -> None:
        today = overview["today"]
        answered = today["calls"] + today["hits"]
        self._show_title(overview["status"])
        self._tile("spent").show(output.usd(today["cost_usd"]), f"{output.count(today['calls'])} calls")
        self._tile("saved").show(output.usd(today["saved_usd"]), _saved_note(today))
        self._tile("hits").show(
            output.share(today["hits"], answered), f"{output.count(today['hits'])} of {output.count(answered)}"
        )
        self.query_one(BudgetBars).show(overview["budgets"])
        self.query_one(Parts).show(overview["status"]["parts"], overview["cache"])
        self._refused_today = today["refused"]
        self._tile("count").show(output.count(answered + self._refused_today), self._recent_note())

    def _tile(self, name: str) -> Tile:
        return self.query_one(f"#{name}", Tile)

    def _show_title(self, status: Status | None) -> None:
        title = Text.assemble((" helix ", f"bold #0d1117 on {TEAL}"))
        if status is not None:
            mode = status["mode"]
            title.append(f"  ● {mode}", style=MODE_STYLES.get(mode, RED))
            title.append(f"  {status['url']}", style="bold")
            title.append(f"  since {output.local_time(status['since'])}  v{status['version']}", style="dim")
        self.query_one("#title", Static).update(title)

    def _name_table(self) -> None:
        table = self._table
        words = self.query_one(Input).value
        table.border_title = f"Requests with “{output.printable(words)}”" if words else "Requests"
        table.border_subtitle = f"paused, {table.held} new" if table.is_paused else ""

    def _note_moments(self, rows: list[LogRow]) -> None:
        oldest = datetime.now(UTC) - timedelta(seconds=SPARK_BUCKETS * SPARK_S)
        moments = [*self._moments, *(datetime.fromisoformat(row["at"]) for row in rows)]
        self._moments = [moment for moment in moments if moment >= oldest]

    def _recent_note(self) -> Text:
        """The last minutes' requests as a sparkline, and how many were refused today."""
        now = datetime.now(UTC)
        counts = [0] * SPARK_BUCKETS
        for moment in self._moments:
            age = int((now - moment).total_seconds() // SPARK_S)
            if 0 <= age < SPARK_BUCKETS:
                counts[-1 - age] += 1
        note = Text(sparkline(counts), style=TEAL)
        if self._refused_today:
            note.append(f" {output.count(self._refused_today)}✗", style=RED)
        return note


def _saved_note(today: Spend) -> str:
    spent, saved = Decimal(today["cost_usd"]), Decimal(today["saved_usd"])
    return f"{saved / (spent + saved):.0%} of the bill" if spent + saved else "nothing yet"
