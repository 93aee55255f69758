"""`helix env`: the exports that point clients at the gateway."""

from __future__ import annotations

import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import diagnostics, output
from ..options import Config, Json, settings

if TYPE_CHECKING:
    from daemon.settings_sources import Loaded


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
    exports = exports_of(_gateway_url(settings(config)))
    if as_json:
        output.json_document(exports)
        return
    for name, value in exports.items():
        output.line(export_line(shell or _own_shell(), name, value))


def exports_of(url: str) -> dict[str, str]:
    """The variables that SDKs and tools read. OpenAI's end in /v1, Anthropic's does not; aider and litellm
    read OPENAI_API_BASE."""
    return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_BASE": f"{url}/v1", "ANTHROPIC_BASE_URL": url}


def export_line(shell: Shell, name: str, value: str) -> str:
    match shell:
        case Shell.FISH:
            return f"set -gx {name} {shlex.quote(value)}"
        case Shell.POWERSHELL:
            return f"$env:{name} = '{value}'"
        case Shell.CMD:
            return f"set {name}={value}"
        case _:
            return f"export {name}={shlex.quote(value)}"


def _own_shell() -> Shell:
    name = Path(os.environ.get("SHELL", "")).name
    return next((shell for shell in Shell if shell == name), Shell.SH)


def _gateway_url(loaded: Loaded) -> str:
    """Where the running daemon listens; where none runs, where it would."""
    from ..control_client import ControlClient

    try:
        return ControlClient.of(loaded.data_dir).url
    except diagnostics.DaemonUnreachable as error:
        diagnostics.say(str(error))
    server = loaded.settings.server
    host = "127.0.0.1" if server.host in ("0.0.0.0", "::", "") else server.host  # noqa: S104 — read, not bound
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"
