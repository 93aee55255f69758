"""The keys of data at rest: where they come from, and how a new one takes the place of the current one.

Keys are 32 bytes in base64, the current one first, separated by blanks, commas or lines. They come from
`storage.encryption_key`, which holds them (as `env:NAME` does) or names a `file:`. Without it the first is derived from
the installation's key, and those that `rotate` made rest beside it in `storage.keys`.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from pydantic import SecretStr

from .errors import CannotStart, Forbidden, SettingsError
from .sealing import KEY_BYTES, Sealer

FILE = "storage.keys"

_FROM_FILE = "file:"


class StorageKeys:
    """The keys in use. `sealer` has them, also after others have taken their place."""

    def __init__(self, setting: SecretStr | None, data_dir: Path, derived: bytes) -> None:
        """`derived` is the key of an installation that never had another.

        Raises:
            SettingsError: a file cannot be read, or what is there are no keys; the message holds nothing of them.
        """
        self._own_file = data_dir / FILE
        self._derived = derived
        self._setting = setting
        self._keys = self._read()
        self.sealer = Sealer(self._keys)

    def configure(self, setting: SecretStr | None) -> None:
        """Take the keys of new settings, or read those of the same file anew. Raises as at the start."""
        self._setting = setting
        self._use(self._read())

    def rotate(self, *, forget_old: bool) -> tuple[Path, int]:
        """Seal with a new key from now on. The old ones still open what they sealed, unless they are to be forgotten:
        then nobody can read that any more. The file that holds them, and how many there are.

        Raises:
            Forbidden: the keys are in a variable or in the settings, where only their owner can change them.
            CannotStart: the file cannot be written; the keys are as they were.
        """
        path = self._file()
        if path is None:
            raise Forbidden(
                "the keys come from storage.encryption_key itself: put what `helix privacy new-key` prints, and a "
                "comma, before the one that is there, on every node, and restart"
            )
        keys = [secrets.token_bytes(KEY_BYTES), *([] if forget_old else self._keys)]
        write(path, keys)
        self._use(keys)
        return path, len(keys)

    def _file(self) -> Path | None:
        """Where the keys rest that a daemon may change."""
        if self._setting is None:
            return self._own_file
        value = self._setting.get_secret_value()
        return Path(value.removeprefix(_FROM_FILE)).expanduser() if value.startswith(_FROM_FILE) else None

    def _read(self) -> list[bytes]:
        path = self._file()
        if path is None and self._setting is not None:
            return _parsed(self._setting.get_secret_value(), "storage.encryption_key")
        if path is None or (path == self._own_file and not path.exists()):
            return [self._derived]
        return _read(path)

    def _use(self, keys: list[bytes]) -> None:
        self._keys = keys
        self.sealer.use(keys)


def new_key() -> str:
    """A key for a variable or a file of one's own."""
    return text_of([secrets.token_bytes(KEY_BYTES)])


def text_of(keys: Sequence[bytes]) -> str:
    """Keys as they are written into a file or a variable."""
    return ",".join(base64.b64encode(key).decode() for key in keys)


def write(path: Path, keys: Sequence[bytes]) -> None:
    """For the owner only; the old keys or the new ones, whatever happens.

    Raises:
        CannotStart: the file cannot be written, and is as it was.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text_of(keys).replace(",", "\n") + "\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
    except OSError as error:
        raise CannotStart(f"{path} cannot be written ({error.strerror})") from None


def _read(path: Path) -> list[bytes]:
    try:
        text = path.read_text("ascii")
    except (OSError, ValueError):
        raise SettingsError(f"{path}, which holds the keys of the stored data, cannot be read") from None
    return _parsed(text, str(path))


def _parsed(text: str, source: str) -> list[bytes]:
    try:
        keys = [base64.b64decode(one, validate=True) for one in text.replace(",", " ").split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise SettingsError(
            f"{source}: expected keys of {KEY_BYTES} bytes in base64, as `helix privacy new-key` prints one"
        )
    return keys
