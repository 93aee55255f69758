"""What the commands have in common: their options, and how they find the settings and the daemon."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .diagnostics import UsageMistake

if TYPE_CHECKING:
    from daemon.settings.sources import Loaded

    from .control_client import ControlClient

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The settings; else HELIX_CONFIG, ./helix.toml, yours.")
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def group(help_text: str) -> typer.Typer:
    """A command that only holds others."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def settings(config: Path | None) -> Loaded:
    """The settings that every command finds in the same way; pydantic is imported here."""
    from daemon.settings.sources import load

    return load(config)


def connect(config: Path | None) -> ControlClient:
    """The daemon that runs on the settings' data directory, or else this user's demo.

    Raises:
        DaemonUnreachable: there is none.
    """
    from .control_client import ControlClient

    return ControlClient.of(settings(config).data_dir, or_demo=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed; without a terminal nobody can answer, so `--yes` is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageMistake(f"{question} Say --yes, for there is no terminal to ask on")
    typer.confirm(question, abort=True, err=True)


def seconds_of(option: str, text: str, units: str = "mhdw") -> int:
    """A time such as 30m; `units` are the letters that it may end in."""
    found = re.fullmatch(rf"(\d{{1,5}})([{units}])", text)
    if found is None:
        raise UsageMistake(f"{option} {text}: expected a time, such as 30m, 12h or 7d")
    return int(found[1]) * _SECONDS[found[2]]


def text_of(argument: str) -> str:
    """An argument that is a text; `-` is stdin."""
    return sys.stdin.read() if argument == "-" else argument
