"""The data directory: who may read it, which daemon owns it, and the secrets of this installation."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .control_api import RuntimeFile
from .errors import CannotStart

RUNTIME_FILE = "daemon.json"
_LOCK_FILE = "daemon.lock"
_KEY_FILE = "installation.key"
_KEY_BYTES = 32


def prepare(path: Path) -> None:
    """Make the directory, for its owner only.

    Raises:
        CannotStart: it cannot be made or written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = path / f".probe-{secrets.token_hex(4)}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise CannotStart(
            f"the data directory {path} cannot be written ({error.strerror}); "
            "change its rights, or set server.data_dir in helix.toml or HELIX_SERVER__DATA_DIR"
        ) from None


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Hold the directory for this process; the kernel lets go of it when the process ends, however it ends.

    Raises:
        CannotStart: another daemon holds it.
    """
    lock = os.open(path / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotStart(
                f"a Helix daemon already runs on {path}{_running(path)}; "
                "stop it first, or give this one another server.data_dir"
            ) from None
        yield
    finally:
        os.close(lock)


def empty(path: Path) -> None:
    """Remove all but the lock, which the caller holds."""
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _LOCK_FILE:
            entry.unlink()


def installation_key(path: Path) -> bytes:
    """32 random bytes, made once per data directory and readable by its owner only.

    Raises:
        CannotStart: the key file is damaged; deleting it makes a new one, and old ids and hashes change.
    """
    file = path / _KEY_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = file.read_bytes()
        if len(key) != _KEY_BYTES:
            raise CannotStart(f"{file} is damaged: expected {_KEY_BYTES} bytes; restore it, or delete it") from None
        return key
    with os.fdopen(descriptor, "wb") as out:
        key = secrets.token_bytes(_KEY_BYTES)
        out.write(key)
    return key


def derived_key(key: bytes, purpose: str) -> bytes:
    """A key of its own for each purpose, 32 bytes (HMAC-SHA256 as a PRF, NIST SP 800-108 in counter-less form)."""
    return hmac.new(key, purpose.encode(), hashlib.sha256).digest()


@contextmanager
def announced(path: Path, runtime: RuntimeFile) -> Iterator[None]:
    """Keep the runtime file there while the daemon runs: the command line finds url and token in it."""
    file = path / RUNTIME_FILE
    draft = path / f".{RUNTIME_FILE}.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(runtime, out)
    draft.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _running(path: Path) -> str:
    try:
        runtime = json.loads((path / RUNTIME_FILE).read_text())
        return f" (pid {int(runtime['pid'])}, {runtime['url']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
