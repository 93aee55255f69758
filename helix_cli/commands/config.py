"""`helix config`: check the settings, show where each came from, trust a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from daemon.errors import SettingsError

from .. import diagnostics, output
from ..options import Config, Json, group, settings

app = group("Check the settings; show where each came from.")


@app.command()
def check(*, config: Config = None, as_json: Json = False) -> None:
    """Say whether the settings can be used, and all that is wrong with them."""
    try:
        loaded = settings(config)
    except SettingsError as error:
        if as_json:
            output.json_document({"ok": False, "problems": str(error).splitlines(), "warnings": []})
        raise
    if as_json:
        output.json_document({"ok": True, "problems": [], "warnings": loaded.warnings})
        return
    for warning in loaded.warnings:
        diagnostics.say(warning)
    output.line(f"ok: {loaded.file or 'no helix.toml, so the defaults'}")


@app.command()
def show(*, config: Config = None, as_json: Json = False) -> None:
    """Show each setting, its value and where it came from; secrets are covered."""
    loaded = settings(config)
    values = loaded.values()
    if as_json:
        shown = {key: {"value": value, "source": loaded.origin[key]} for key, value in values.items()}
        file = str(loaded.file) if loaded.file else None
        output.json_document({"file": file, "data_dir": str(loaded.data_dir), "settings": shown})
        return
    output.table(
        ["setting", "value", "from"],
        [(key, json.dumps(value, ensure_ascii=False), loaded.origin[key]) for key, value in values.items()],
    )


@app.command()
def trust(
    file: Annotated[Path, typer.Argument(help="The file; it is trusted as it is now.")] = Path("helix.toml"),
) -> None:
    """Let a directory's helix.toml read secrets from the environment. Read it first."""
    from daemon import settings_sources

    settings_sources.trust(file)
    output.line(f"trusted, until it changes: {file.resolve()}")
