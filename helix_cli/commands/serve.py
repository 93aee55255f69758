"""`helix serve`: run the gateway in the foreground."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ..options import Config


def serve(
    *,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Where to listen; beyond loopback needs server.require_key.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Try it: a throw-away directory, echo, sample traffic.")] = False,
) -> None:
    """Run the gateway until SIGTERM or Ctrl-C; requests in flight are finished first."""
    from daemon.server import run
    from daemon.settings.sources import load

    flags = {"server.host": host, "server.port": port}
    if demo:
        config = Path(os.devnull)  # nothing of the owner's is read, not even a file that would not load
    raise typer.Exit(run(partial(load, config, flags=flags), is_demo=demo))
