"""`helix config`: check the settings, show where each came from, trust a file, bring another gateway's along."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from daemon.errors import SettingsError

from .. import diagnostics, output
from ..options import Config, Json, group, settings

app = group("Check the settings; show where each came from; import another gateway's.")


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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file; it is trusted as it is now.")] = Path(
        "helix.toml"
    ),
) -> None:
    """Let a directory's helix.toml read secrets from the environment. Read it first."""
    from daemon.settings import config_file

    config_file.trust(file)
    output.line(f"trusted, until it changes: {file.resolve()}")


@app.command("import")
def bring_along(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The config.yaml of a LiteLLM proxy.")],
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write; else stdout.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write over a file that is there.")] = False,
) -> None:
    """Write a helix.toml from LiteLLM's config.yaml; what could not be carried over is said on stderr."""
    from ..litellm_config import imported
    from ..toml_text import toml_of

    found = imported(_read_yaml(file))
    text = f"# From {file.name}, by helix config import.\n\n{toml_of(found.settings)}"
    _check_text(text)
    if out is None:
        output.line(text.rstrip("\n"))
    else:
        _write_new(out, text, may_replace=yes)
    for sentence in found.left_out:
        diagnostics.say(f"not carried over: {sentence}")


def _read_yaml(file: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise diagnostics.CommandFailed(f"{file} cannot be read: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (at line {mark.line + 1})" if mark is not None else ""
        raise diagnostics.CommandFailed(f"{file} is not YAML that can be read{where}") from None


def _check_text(text: str) -> None:
    """What is written must be settings that can be used: what is wrong with them is wrong in the other file."""
    import tempfile

    from daemon.settings import sources

    as_if_set = dict.fromkeys(re.findall(r'"env:(\w+)"', text), "http://as.if.set")
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as draft:
        draft.write(text)
        draft.flush()
        try:
            sources.load(Path(draft.name), environ=as_if_set)
        except SettingsError as error:
            raise diagnostics.CommandFailed(str(error).replace(draft.name, "what would be written")) from None


def _write_new(file: Path, text: str, *, may_replace: bool) -> None:
    try:
        with file.open("w" if may_replace else "x") as opened:
            opened.write(text)
    except FileExistsError:
        raise diagnostics.UsageMistake(f"{file} is there already; --yes writes over it") from None
    except OSError as error:
        raise diagnostics.CommandFailed(f"{file} cannot be written: {error.strerror}") from None
    output.line(f"written: {file}")
