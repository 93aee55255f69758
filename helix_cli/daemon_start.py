"""Finding the daemon that a command needs, and starting one where there is none."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .control_client import ControlClient
from .diagnostics import CommandFailed, DaemonUnreachable, say

if TYPE_CHECKING:
    from daemon.settings.sources import Loaded

LOG_FILE = "daemon.log"

_START_S = 60.0
"""A bound for a cold disk; a warm start takes about two seconds."""
_LOOK_EVERY_S = 0.05


def running_or_started(loaded: Loaded, config: Path | None) -> ControlClient:
    """The daemon of these settings, ready to answer; a new one outlives this process.

    Of several commands that find none one starts it, and the others wait.

    Raises:
        CommandFailed: it left, or was not ready in time; its own last words are in the message.
    """
    if client := _ready(loaded.data_dir):
        return client
    with _alone(loaded.data_dir):
        return _ready(loaded.data_dir) or _start(loaded.data_dir, config)


def gateway_url(loaded: Loaded) -> str:
    """Where the running daemon listens; where none runs, where it would, and the person is told."""
    try:
        return ControlClient.of(loaded.data_dir).url
    except DaemonUnreachable as error:
        say(str(error))
    return configured_url(loaded)


def url_of(loaded: Loaded) -> str:
    """As `gateway_url`, silently."""
    try:
        return ControlClient.of(loaded.data_dir).url
    except CommandFailed:
        return configured_url(loaded)


def configured_url(loaded: Loaded) -> str:
    server = loaded.settings.server
    host = "127.0.0.1" if server.host in ("0.0.0.0", "::", "") else server.host  # noqa: S104 — read, not bound
    return f"http://[{host}]:{server.port}" if ":" in host else f"http://{host}:{server.port}"


def _start(data_dir: Path, config: Path | None) -> ControlClient:
    log = data_dir / LOG_FILE
    with _private(log) as output:
        # No --config where none was given: a ./helix.toml must not become trusted by being named.
        command = [sys.executable, "-m", "helix_cli", "serve", *(["--config", str(config)] if config else [])]
        daemon = subprocess.Popen(  # noqa: S603 — this program, with the caller's own arguments
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    give_up_s = time.monotonic() + _START_S
    while time.monotonic() < give_up_s:
        if client := _ready(data_dir):
            say(f"started the gateway on {client.url} (pid {daemon.pid}); stop it with: kill {daemon.pid}")
            return client
        if daemon.poll() is not None:
            raise CommandFailed(f"the gateway did not start: {_last_line(log)}")
        time.sleep(_LOOK_EVERY_S)
    raise CommandFailed(f"the gateway is not ready after {_START_S:.0f} s; its log is {log}")


def _ready(data_dir: Path) -> ControlClient | None:
    try:
        client = ControlClient.of(data_dir)
        return client if client.status()["mode"] != "starting" else None
    except DaemonUnreachable:
        return None


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _private(data_dir / "start.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _private(path: Path) -> IO[bytes]:
    """A file for its owner only, opened for writing."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line.removeprefix("helix: ") for line in reversed(lines) if line.strip()), f"see {log}")
