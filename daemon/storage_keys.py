"""The keys of data at rest: where they come from, and how a new one takes the place of the current one.

Keys are 32 bytes in base64, the current one first, separated by blanks, commas or lines. They come from
`storage.encryption_key`, which holds them (as `env:NAME` does) or says who does: `file:PATH`, or `keyring:NAME` for an
entry in the keyring of the operating system. Without it the first is derived from the installation's key, and those
that `rotate` made rest beside it in `storage.keys`.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from .errors import CannotStart, Forbidden, SettingsError
from .sealing import KEY_BYTES, Sealer

FILE = "storage.keys"

_FROM_FILE, _FROM_KEYRING = "file:", "keyring:"


class KeyHolder(Protocol):
    """Who keeps keys and may be given others. As a text it says who that is, for sentences."""

    def read(self) -> str:
        """
        Raises:
            SettingsError: it cannot be read, or holds nothing.
        """
        ...

    def write(self, text: str) -> None:
        """The old keys or the new ones, whatever happens.

        Raises:
            CannotStart: nothing was changed.
        """
        ...


class StorageKeys:
    """The keys in use. `sealer` has them, also after others have taken their place. A keyring may wait until its owner
    has unlocked it: call `configure` and `rotate` in a thread."""

    def __init__(
        self, setting: SecretStr | None, data_dir: Path, derived: bytes, keyring: Callable[[str], KeyHolder]
    ) -> None:
        """`derived` is the key of an installation that never had another; `keyring` finds an entry by its name.

        Raises:
            SettingsError: what holds the keys cannot be read, or what is there are no keys; the message holds nothing
                of them.
        """
        self._own_file = data_dir / FILE
        self._derived = derived
        self._keyring = keyring
        self._setting = setting
        self._keys = self._read()
        self.sealer = Sealer(self._keys)

    def configure(self, setting: SecretStr | None) -> None:
        """Take the keys of new settings, or read those of the same holder anew. Raises as at the start."""
        self._setting = setting
        self._use(self._read())

    def rotate(self, *, forget_old: bool) -> tuple[str, int]:
        """Seal with a new key from now on. The old ones still open what they sealed, unless they are to be forgotten:
        then nobody can read that any more. Who holds them, and how many there are.

        Raises:
            Forbidden: the keys are in a variable or in the settings, where only their owner can change them.
            CannotStart: their holder takes no new ones; the keys are as they were.
        """
        holder = self._holder()
        if holder is None:
            raise Forbidden(
                "the keys come from storage.encryption_key itself: put what `helix privacy new-key` prints, and a "
                "comma, before the one that is there, on every node, and restart"
            )
        keys = [secrets.token_bytes(KEY_BYTES), *([] if forget_old else self._keys)]
        holder.write(text_of(keys))
        self._use(keys)
        return str(holder), len(keys)

    def _holder(self) -> KeyHolder | None:
        """Who may be given other keys; None where the setting itself holds them."""
        if self._setting is None:
            return KeyFile(self._own_file)
        value = self._setting.get_secret_value()
        if value.startswith(_FROM_FILE):
            return KeyFile(Path(value.removeprefix(_FROM_FILE)).expanduser())
        return self._keyring(value.removeprefix(_FROM_KEYRING)) if value.startswith(_FROM_KEYRING) else None

    def _read(self) -> list[bytes]:
        holder = self._holder()
        if self._setting is None and not self._own_file.exists():
            return [self._derived]
        if holder is not None:
            return _parsed(holder.read(), str(holder))
        return _parsed(self._setting.get_secret_value() if self._setting else "", "storage.encryption_key")

    def _use(self, keys: list[bytes]) -> None:
        self._keys = keys
        self.sealer.use(keys)


class KeyFile:
    """KeyHolder in a file for its owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def read(self) -> str:
        try:
            return self._path.read_text("ascii")
        except (OSError, ValueError):
            raise SettingsError(f"{self}, which holds the keys of the stored data, cannot be read") from None

    def write(self, text: str) -> None:
        draft = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
                out.write(text.replace(",", "\n") + "\n")
                out.flush()
                os.fsync(out.fileno())
            draft.replace(self._path)
        except OSError as error:
            raise CannotStart(f"{self} cannot be written ({error.strerror})") from None


def new_key() -> str:
    """A key for a variable, a file or a keyring of one's own."""
    return text_of([secrets.token_bytes(KEY_BYTES)])


def text_of(keys: Sequence[bytes]) -> str:
    """Keys as they are held."""
    return ",".join(base64.b64encode(key).decode() for key in keys)


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
