"""The dashboard's panels; each is given what it shows and knows nothing of the daemon."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.renderables.digits import Digits as LargeDigits
from textual.widgets import Digits, Static

from .. import output
from .palette import BLUE, FAINT, GREEN, MODE_STYLES, RED, TROUGH, YELLOW

if TYPE_CHECKING:
    from textual.events import Resize

    from daemon.control_api import BudgetRow
    from daemon.control_api.cache import CacheScope, CacheStats

SPARKS = "▁▂▃▄▅▆▇█"
BAR = "━"
SCOPES_SHOWN = 3
LEAST_BAR = 10
"""Columns of a budget's bar and the blanks around it, however narrow the terminal is."""


class Tile(Vertical):
    """One figure with a note below it: in large digits where there is room for them."""

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self.border_title = title
        self._figure = "–"

    def on_resize(self) -> None:
        self._choose_size()

    def compose(self) -> ComposeResult:
        yield Digits("–", classes="large")
        yield Static("–", classes="small")
        yield Static("", classes="note")

    def show(self, figure: str, note: str | Text) -> None:
        self._figure = figure
        self._choose_size()
        self.query_one(Digits).update(figure)
        self.query_one(".small", Static).update(Text(figure))
        self.note(Text(note) if isinstance(note, str) else note)

    def note(self, note: Text) -> None:
        self.query_one(".note", Static).update(note)

    def _choose_size(self) -> None:
        self.set_class(LargeDigits.get_width(self._figure) > self.content_size.width, "-long")


class BudgetBars(Static):
    """Each budget as a bar: what is spent, then what is reserved, in the colour of how near its end it is."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._budgets: Sequence[BudgetRow] = ()

    def show(self, budgets: Iterable[BudgetRow]) -> None:
        self._budgets = sorted(budgets, key=_used, reverse=True)
        self._redraw()

    def on_resize(self, _: Resize) -> None:
        self._redraw()

    def _redraw(self) -> None:
        if not self._budgets:
            self.update(Text("none set:  helix budget set all 50", style=FAINT))
            return
        names = [output.printable(f"{budget['scope']} · {budget['window']}") for budget in self._budgets]
        figures = [_figures(budget) for budget in self._budgets]
        figures_width = max(map(len, figures))
        name_width = min(max(map(len, names)), self.size.width - figures_width - LEAST_BAR)
        bar_width = max(LEAST_BAR, self.size.width - figures_width - name_width) - 2
        lines = (
            Text(" ").join(
                (Text(name[:name_width].ljust(name_width)), _bar(budget, bar_width), Text(figure.rjust(figures_width)))
            )
            for budget, name, figure in zip(self._budgets, names, figures, strict=True)
        )
        self.update(_one_each(lines))


def _used(budget: BudgetRow) -> Decimal:
    """The share of the limit that is spent."""
    limit = Decimal(budget["limit_usd"])
    return Decimal(budget["spent_usd"]) / limit if limit else Decimal(1)


def _figures(budget: BudgetRow) -> str:
    return f"{_used(budget):.0%} {output.usd(budget['spent_usd'])}/{output.usd(budget['limit_usd'])}"


def _bar(budget: BudgetRow, width: int) -> Text:
    limit = Decimal(budget["limit_usd"])
    spent = min(width, round(_used(budget) * width))
    reserved = round(Decimal(budget["reserved_usd"]) / limit * width) if limit else 0
    reserved = min(width - spent, reserved)
    return Text.assemble(
        (BAR * spent, _bar_style(budget)),
        (BAR * reserved, BLUE),
        (BAR * (width - spent - reserved), TROUGH),
    )


def _bar_style(budget: BudgetRow) -> str:
    share = _used(budget) * 100
    if share >= 100:
        return RED
    return YELLOW if share >= budget["soft_pct"] else GREEN


class Parts(Static):
    """What the gateway is made of: those that are not well with their reasons, then what the cache holds and how right
    its near hits are, then the other parts side by side."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._parts: dict[str, dict[str, str]] = {}
        self._cache: Sequence[Text] = ()

    def show(self, parts: dict[str, dict[str, str]], cache: CacheStats) -> None:
        self._parts = dict(sorted(parts.items()))
        self._cache = _cache_lines(cache)
        self._redraw()

    def on_resize(self, _: Resize) -> None:
        self._redraw()

    def _redraw(self) -> None:
        unwell = [_unwell(name, part) for name, part in self._parts.items() if part.get("status") != "ok"]
        well = [name for name, part in self._parts.items() if part.get("status") == "ok"]
        self.update(Text("\n").join([*unwell, *self._cache, _side_by_side(well, self.size.width)]))


def _unwell(name: str, part: dict[str, str]) -> Text:
    style = MODE_STYLES.get(part.get("status", ""), RED)
    reason = part.get("reason") or part.get("status", "")
    return Text.assemble(("● ", style), output.printable(name), (f"  {output.printable(reason)}", FAINT))


def _cache_lines(cache: CacheStats) -> list[Text]:
    """What is kept; in how many scopes near hits are served; then those scopes of which there is most to say."""
    kept = f"  {output.counted(cache['entries'], 'answer')}, {output.size(cache['bytes'])}"
    lines = [Text.assemble(("● ", GREEN), "cache", (kept, FAINT))]
    if scopes := cache["scopes"]:
        lines.append(_near_hits(Counter(scope["mode"] for scope in scopes)))
        lines += map(_scope_line, sorted(scopes, key=_attention)[:SCOPES_SHOWN])
    return lines


def _attention(scope: CacheScope) -> tuple[bool, int]:
    return scope["mode"] != "stopped", -scope["checks"]


def _scope_line(scope: CacheScope) -> Text:
    checked = "unchecked"
    if scope["checks"]:
        of = f"{output.count(scope['wrong'])} of {output.count(scope['checks'])} wrong"
        checked = f"{of}: {scope['error_low']:.1%} to {scope['error_high']:.1%}"
    style = RED if scope["mode"] == "stopped" else FAINT
    return Text.assemble("  ", output.printable(scope["scope"]), (f"  {scope['mode']}, {checked}", style))


def _near_hits(modes: Mapping[str, int]) -> Text:
    """How many scopes are in each mode, red where near hits were wrong too often in one of them."""
    style = RED if modes["stopped"] else GREEN
    counts = ", ".join(f"{modes[mode]} {mode}" for mode in ("stopped", "serving", "shadow") if modes[mode])
    return Text.assemble(("● ", style), "near hits", (f"  {counts}", FAINT))


def _side_by_side(names: Sequence[str], width: int) -> Text:
    # A line may break between two names, but not (the space does not break) between a name and its dot.
    words = "  ".join(f"●\N{NO-BREAK SPACE}{output.printable(name)}" for name in names)
    text = Text("\n".join(textwrap.wrap(words, max(width, 1))))
    text.highlight_regex("●", GREEN)
    return text


def _one_each(lines: Iterable[Text]) -> Text:
    """One text with each on a line of its own, cut where there is no room rather than wrapped."""
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines)


def sparkline(counts: Sequence[int]) -> str:
    """Counts as a row of small bars; the highest fills its cell, and what is more than none can be seen."""
    highest = max(counts, default=0)
    if not highest:
        return SPARKS[0] * len(counts)
    return "".join(SPARKS[-(-count * (len(SPARKS) - 1) // highest)] for count in counts)
