"""Which configuration files of foreign directories the user has looked at and trusts.

A file is trusted as it is: its SHA-256 is kept, so a change ends the trust.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from ..errors import SettingsError


class TrustedFiles:
    """A small JSON file (0600) that maps resolved paths to hashes.

    It lies in the user's own data directory and never in `server.data_dir`, which the file in question could set.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def trusts(self, file: Path, content: bytes) -> bool:
        """Whether the user trusted this file with this content. A list that cannot be read trusts nothing."""
        return self._hashes().get(str(file.resolve())) == _sha256(content)

    def trust(self, file: Path, content: bytes) -> None:
        """Remember it, instead of what it was before.

        Raises:
            SettingsError: the list cannot be written.
        """
        hashes = self._hashes() | {str(file.resolve()): _sha256(content)}
        try:
            self._replace(json.dumps(hashes, indent=1))
        except OSError as error:
            raise SettingsError(f"{self._path}: cannot be written: {error.strerror}") from error

    def _hashes(self) -> dict[str, str]:
        try:
            hashes = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return hashes if isinstance(hashes, dict) else {}

    def _replace(self, text: str) -> None:
        """Written beside and renamed: a crash leaves the old list or the new one. mkstemp makes it 0600."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=self._path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(self._path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
