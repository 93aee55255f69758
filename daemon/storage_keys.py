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

from .errors import CannotStart
from .sealing import KEY_BYTES

FILE = "storage.keys"

_FROM_FILE = "file:"


def current_first(setting: SecretStr | None, data_dir: Path, derived: bytes) -> list[bytes]:
    """All keys that may open what is stored; `derived` is the one of an installation that never had another.

    Raises:
        CannotStart: a file cannot be read, or what is there are no keys; the message holds nothing of them.
    """
    if setting is None:
        own = data_dir / FILE
        return _read(own) if own.exists() else [derived]
    value = setting.get_secret_value()
    if value.startswith(_FROM_FILE):
        return _read(Path(value.removeprefix(_FROM_FILE)).expanduser())
    return _parsed(value, "storage.encryption_key")


def with_new(keys: Sequence[bytes]) -> list[bytes]:
    """A new key before the others."""
    return [secrets.token_bytes(KEY_BYTES), *keys]


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
        raise CannotStart(f"{path}, which holds the keys of the stored data, cannot be read") from None
    return _parsed(text, str(path))


def _parsed(text: str, source: str) -> list[bytes]:
    try:
        keys = [base64.b64decode(one, validate=True) for one in text.replace(",", " ").split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise CannotStart(
            f"{source}: expected keys of {KEY_BYTES} bytes in base64, as `helix privacy new-key` prints one"
        )
    return keys
