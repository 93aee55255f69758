"""The passphrase of a map: from the environment or a file, never from the command line, which others can see."""

from __future__ import annotations

import os
from pathlib import Path

from ..diagnostics import CommandFailed

VARIABLE = "HELIX_MAP_PASSPHRASE"


def passphrase(file: Path | None) -> str | None:
    """None where there is none: a map is under the installation's own key then.

    Raises:
        CommandFailed: the file cannot be read, or is empty.
    """
    if file is None:
        return os.environ.get(VARIABLE) or None
    try:
        found = file.read_text().strip()
    except (OSError, ValueError):
        raise CommandFailed(f"{file}: cannot be read as a passphrase") from None
    if not found:
        raise CommandFailed(f"{file}: holds no passphrase")
    return found
