"""`helix configure`: point an agent's own settings file to the gateway, and back."""

from __future__ import annotations

import difflib
import os
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .. import output
from ..agent_files import AGENTS
from ..daemon_start import gateway_url
from ..diagnostics import CommandFailed, ExitCode
from ..options import Config, settings


class Agent(StrEnum):
    CLAUDE = "claude"
    CODEX = "codex"
    AIDER = "aider"
    CONTINUE = "continue"


def configure(
    agent: Annotated[Agent, typer.Argument(metavar="AGENT", help="Whose settings.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring the file back as it was.")] = False,
    config: Config = None,
) -> None:
    """Point an agent's settings file to the gateway; a copy of it is kept beside it."""
    known = AGENTS[agent]
    # Dotfiles are often links into a repository: the link stays, and what it leads to is edited.
    file = known.place(os.environ, Path.home()).resolve()
    before = _read(file)
    after = _original(file) if undo else known.edit(before, gateway_url(settings(config)))
    if dry_run:
        _show(file, before, after)
    elif undo:
        _bring_back(file, before, after)
    else:
        _change(file, before, after)


def _change(file: Path, before: str, after: str) -> None:
    if before == after:
        output.line(f"{file} points to the gateway already")
        return
    copy = _copy_of(file)
    if not copy.exists():
        _write(copy, before, like=file)
    _write(file, after, like=file)
    output.line(f"{file} points to the gateway; as it was: {copy}")


def _bring_back(file: Path, before: str, original: str) -> None:
    """What was changed since is not lost: the file as it is now stays under another name."""
    aside = file.with_name(f"{file.name}.with-helix")
    _write(aside, before, like=file)
    if original:
        _write(file, original, like=file)
    else:
        file.unlink(missing_ok=True)
    _copy_of(file).unlink()
    output.line(f"{file} is as it was; as it was until now: {aside}")


def _original(file: Path) -> str:
    copy = _copy_of(file)
    if not copy.exists():
        raise CommandFailed(f"{file} was not changed by helix configure", ExitCode.NOT_FOUND)
    return _read(copy)


def _copy_of(file: Path) -> Path:
    """Empty where there was no file."""
    return file.with_name(f"{file.name}.before-helix")


def _show(file: Path, before: str, after: str) -> None:
    changes = difflib.unified_diff(before.splitlines(), after.splitlines(), str(file), str(file), lineterm="")
    for change in changes:
        output.line(change)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{file} cannot be read: {error}") from None


def _write(file: Path, text: str, *, like: Path) -> None:
    """All or nothing, with the rights that `like` has: such files may hold keys."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        rights = like.stat().st_mode & 0o777 if like.exists() else 0o600
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
        with os.fdopen(handle, "w") as opened:
            opened.write(text)
        Path(name).chmod(rights)
        Path(name).replace(file)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}") from None
