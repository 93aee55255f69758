"""`helix tui`: the dashboard."""

from __future__ import annotations

from ..options import Config, settings


def tui(*, config: Config = None) -> None:
    """Watch the gateway: what is spent and saved, requests as they happen, budgets. Quit with q."""
    from ..tui.app import Dashboard

    Dashboard(settings(config).data_dir).run()
