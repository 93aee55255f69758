"""The file in which `helix redact --map` keeps what stands behind its placeholders, for `helix restore`.

A line of JSON says which key it is under; then frames follow, each four bytes of length and a sealed JSON object of
names and values. They are written as names are given out, so a map may be larger than memory while it is made.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ..errors import CannotStart, SealBroken
from ..sealing import KEY_BYTES, Sealer
from .vault import Vault

_LENGTH_BYTES = 4
_NAMES_IN_FRAME = 1_000
_MOST_HEADER_BYTES = 1_000
# Interactive use as RFC 7914 recommends: 32 MB and a tenth of a second for each guess.
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**26, "dklen": KEY_BYTES}


class MapWriter:
    """Takes names as they are given out. Leaving the block puts the file in its place, or nothing where that failed."""

    def __init__(self, path: Path, *, passphrase: str | None, installation_key: bytes) -> None:
        """The key is made of the passphrase; without one it is the installation's.

        Raises:
            CannotStart: nothing can be written there.
        """
        salt = secrets.token_bytes(16) if passphrase is not None else b""
        self._sealer = Sealer([_key(passphrase, salt) if passphrase is not None else installation_key])
        self._path = path
        self._draft = path.with_name(f".{path.name}.{os.getpid()}")
        self._names: dict[str, str] = {}
        self._frames = 0
        try:
            self._file: BinaryIO = os.fdopen(os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        except OSError as error:
            raise CannotStart(f"{path}: cannot be written: {error.strerror}") from None
        header = {"helix_map": 1, "salt": base64.b64encode(salt).decode()}
        self._file.write(json.dumps(header).encode() + b"\n")

    def add(self, name: str, value: str) -> None:
        self._names[name] = value
        if len(self._names) >= _NAMES_IN_FRAME:
            self._write_frame(is_last=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._write_frame(is_last=True)
                self._file.flush()
                os.fsync(self._file.fileno())
        if kind is None:
            self._draft.replace(self._path)
        else:
            self._draft.unlink(missing_ok=True)

    def _write_frame(self, *, is_last: bool) -> None:
        text = json.dumps({"names": self._names, "is_last": is_last}).encode()
        sealed = self._sealer.seal(text, _context(self._frames))
        self._file.write(len(sealed).to_bytes(_LENGTH_BYTES) + sealed)
        self._names = {}
        self._frames += 1


def read_map(path: Path, *, passphrase: str | None, installation_key: bytes) -> Vault:
    """All that is in a map.

    Raises:
        CannotStart: it cannot be read, is not a map, or wants a passphrase that was not given.
        SealBroken: it is under another key, was changed, or is not whole.
    """
    try:
        with path.open("rb") as file:
            salt = _salt(file, path)
            if salt and passphrase is None:
                raise CannotStart(f"{path} was made with a passphrase: say it with HELIX_MAP_PASSPHRASE or a file")
            sealer = Sealer([_key(passphrase, salt) if salt and passphrase is not None else installation_key])
            return Vault({name: value for names in _frames(file, sealer) for name, value in names.items()})
    except OSError as error:
        raise CannotStart(f"{path}: cannot be read: {error.strerror}") from None


def _salt(file: BinaryIO, path: Path) -> bytes:
    try:
        header: Any = json.loads(file.readline(_MOST_HEADER_BYTES))
        if header["helix_map"] != 1:
            raise CannotStart(f"{path} was written by a newer Helix")
        return base64.b64decode(header["salt"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise CannotStart(f"{path} is no map of helix redact") from None


def _frames(file: BinaryIO, sealer: Sealer) -> Iterator[dict[str, str]]:
    number = 0
    while length := file.read(_LENGTH_BYTES):
        frame = json.loads(sealer.open(file.read(int.from_bytes(length)), _context(number)))
        yield frame["names"]
        if frame["is_last"]:
            return
        number += 1
    raise SealBroken("the map is not whole: its end is missing")


def _context(frame: int) -> bytes:
    return f"helix map {frame}".encode()


def _key(passphrase: str, salt: bytes) -> bytes:
    return hashlib.scrypt(passphrase.encode(), salt=salt, **_SCRYPT)
