"""The Textual application: theme, style sheet and the one screen."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.screen import Screen

from .dashboard_screen import DashboardScreen
from .palette import THEME


class Dashboard(App[None]):
    """Shows the daemon of one data directory, for as long as the user wishes, whether or not it runs."""

    CSS_PATH = "helix.tcss"
    TITLE = "helix"
    ENABLE_COMMAND_PALETTE: ClassVar[bool] = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012  Textual's type, which is no ClassVar
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012

    def __init__(self, data_dir: Path) -> None:
        super().__init__()
        self._data_dir = data_dir
        self.register_theme(THEME)
        self.theme = THEME.name

    def get_default_screen(self) -> Screen[None]:
        return DashboardScreen(self._data_dir)
