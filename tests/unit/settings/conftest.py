"""A place of its own to read settings in."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.settings.sources import Loaded, load

PROVIDER = '[[providers]]\nname = "openai"\ntype = "openai"\napi_key = "env:OPENAI_API_KEY"\n'


class Place:
    """A working directory and a home of its own, with an environment that nobody else sees."""

    def __init__(self, root: Path) -> None:
        self.cwd = root / "work"
        self.home = root / "home"
        self.cwd.mkdir()
        self.own_file = self.home / "config" / "helix" / "helix.toml"
        self.own_file.parent.mkdir(parents=True)
        self.environ = {
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
        }

    def write(self, text: str, path: Path | None = None) -> Path:
        path = path or self.cwd / "helix.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, config: Path | None = None, *, flags: dict[str, object] | None = None, **env: str) -> Loaded:
        return load(config, environ=self.environ | env, cwd=self.cwd, flags=flags)

    def complaint(self, text: str, **env: str) -> str:
        """What is said of a file with this text."""
        self.write(text)
        with pytest.raises(SettingsError) as caught:
            self.load(**env)
        return str(caught.value)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
