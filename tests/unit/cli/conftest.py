"""A command line that runs in this process, and a daemon for it to ask."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helix_cli.main import main
from tests.unit.cli.fake_daemon import FakeDaemon


@dataclass
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Helix = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of its own, which is the working directory too; no HELIX_ variable is set."""
    for name in ("HELIX_CONFIG", "HELIX_MASTER_KEY", "CLAUDE_CONFIG_DIR", "CODEX_HOME", "CONTINUE_GLOBAL_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def helix(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Helix:
    """Run a command line: its exit code and what it wrote."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["helix", *arguments])
        with pytest.raises(SystemExit) as left:
            sys.exit(main())
        written = capsys.readouterr()
        code = left.value.code
        return Ran(code if isinstance(code, int) else 0, written.out, written.err)

    return run


@pytest.fixture
def daemon(home: Path) -> Iterator[FakeDaemon]:
    """The control API of a running daemon on the default data directory."""
    fake = FakeDaemon(home / "data" / "helix")
    fake.start()
    yield fake
    fake.stop()
