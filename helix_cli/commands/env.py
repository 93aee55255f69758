"""`helix env`: the exports that point clients at the gateway."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .. import output
from ..clients import exports_of
from ..daemon_start import gateway_url
from ..options import Config, Json, settings


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    SH = "sh"
    FISH = "fish"
    POWERSHELL = "powershell"
    CMD = "cmd"


def env(
    *,
    shell: Annotated[Shell | None, typer.Option(help="Whose syntax; else that of $SHELL.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Print the exports that point clients at the gateway: eval "$(helix env)"."""
    exports = exports_of(gateway_url(settings(config)))
    if as_json:
        output.json_document(exports)
        return
    for name, value in exports.items():
        output.line(export_line(shell or _own_shell(), name, value))


def export_line(shell: Shell, name: str, value: str) -> str:
    match shell:
        case Shell.FISH:
            return f"set -gx {name} {shlex.quote(value)}"
        case Shell.POWERSHELL:
            quoted = value.replace("'", "''")
            return f"$env:{name} = '{quoted}'"
        case Shell.CMD:
            return f"set {name}={value}"
        case _:
            return f"export {name}={shlex.quote(value)}"


def _own_shell() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    return next((shell for shell in Shell if shell == name), Shell.SH)
