"""`helix tui`: the dashboard."""

from __future__ import annotations

import sys

from ..diagnostics import UsageMistake
from ..options import Config, settings


def tui(*, config: Config = None) -> None:
    """Watch the gateway: what is spent and saved, requests as they happen, budgets. Quit with q."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageMistake("the dashboard needs a terminal; `helix spend` and `helix logs` do not")
    from ..tui.app import Dashboard

    Dashboard(settings(config).data_dir).run()
