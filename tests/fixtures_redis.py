"""A real redis-server on a free port, for every test that wants one. Absent: skipped at home, failed when CI is set."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class RedisServer:
    """One redis-server process that keeps nothing on disk; it can be killed, paused and started again."""

    def __init__(self, directory: Path, *extra: str) -> None:
        self.port = _free_port()
        self._command = [
            _executable(),
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--unixsocket", str(directory / "redis.sock"), "--dir", str(directory)),
            *("--save", "", "--appendonly", "no"),
            *extra,
        ]
        self.unix_url = f"unix://{directory}/redis.sock"
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return once it accepts connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if b"Ready to accept connections" in line or b"ready to accept connections" in line:
                return
        raise RuntimeError("redis-server did not start")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def tell(self, *words: str) -> bytes:
        """Send one command over a connection of its own; the raw reply, up to 64 kB."""
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65_536)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Shared by the whole session: use a namespace of your own."""
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        server = RedisServer(Path(directory))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def own_redis_server() -> Iterator[RedisServer]:
    """For one test, which may kill or pause it."""
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        server = RedisServer(Path(directory))
        server.start()
        yield server
        server.kill()


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisServer]:
    """A Redis Cluster of one node that serves every slot."""
    with tempfile.TemporaryDirectory(prefix="redis-") as directory:
        server = RedisServer(Path(directory), "--cluster-enabled", "yes", "--cluster-port", str(_free_port()))
        server.start()
        server.tell("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        while b"cluster_state:ok" not in server.tell("CLUSTER", "INFO"):
            pass
        yield server
        server.kill()


def _executable() -> str:
    found = shutil.which("redis-server")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("redis-server is not installed")
    if found is None:
        pytest.skip("redis-server is not installed")
    return found


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
