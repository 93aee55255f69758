"""The file that settings are read from: which one it is, whether it may be trusted, and what it says."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import platformdirs

from ..errors import SettingsError
from . import sentences
from .draft import Environ, Tree, leaves
from .trusted_files import TrustedFiles

CONFIG_VARIABLE = "HELIX_CONFIG"
MASTER_KEY_DEFAULT = "env:HELIX_MASTER_KEY"


def trust(file: Path, *, environ: Environ = os.environ) -> None:
    """Let this file, as it is now, read the environment's secrets.

    Raises:
        SettingsError: it cannot be read, or the list of trusted files cannot be written.
    """
    _trusted_files(environ).trust(file, _read(file, str(file)))


def user_config_file(environ: Environ = os.environ) -> Path:
    """`helix.toml` in the user's own configuration directory."""
    return _xdg(environ, "XDG_CONFIG_HOME", platformdirs.user_config_path("helix")) / "helix.toml"


def user_data_dir(environ: Environ = os.environ) -> Path:
    return _xdg(environ, "XDG_DATA_HOME", platformdirs.user_data_path("helix"))


def _xdg(environ: Environ, variable: str, default: Path) -> Path:
    """platformdirs reads XDG variables on Linux only; here they hold everywhere, and from `environ`."""
    base = environ.get(variable, "")
    return Path(base) / "helix" if Path(base).is_absolute() else default


@dataclass(frozen=True, slots=True)
class ConfigFile:
    path: Path
    name: str
    """As messages name it."""
    content: bytes
    may_read_environment: bool

    def tree(self) -> Tree:
        tree = _parse(self.content, self.name)
        if not self.may_read_environment:
            self._refuse_references(tree)
        return tree

    def _refuse_references(self, tree: Tree) -> None:
        for path, value in leaves(tree):
            is_the_default = path == ("server", "master_key") and value == MASTER_KEY_DEFAULT
            if sentences.is_reference(value) and not is_the_default:
                raise SettingsError(
                    f'{self.name}: {sentences.dotted(path)} = "{value}": a file found in the working directory '
                    "may not read the environment; if you trust this one, run: helix config trust"
                )


def find_file(config: Path | None, environ: Environ, cwd: Path) -> ConfigFile | None:
    """The first of --config, HELIX_CONFIG, ./helix.toml and the user's own file.

    Only ./helix.toml may be the work of somebody else, so only it needs trust.
    """
    if config is None and environ.get(CONFIG_VARIABLE):
        config = Path(environ[CONFIG_VARIABLE])
    if config is not None:
        return _config_file(cwd / config.expanduser(), str(config), trusted=True)
    local, own = cwd / "helix.toml", user_config_file(environ)
    if _exists(local) and not (_exists(own) and local.samefile(own)):
        found = _config_file(local, "helix.toml", trusted=False)
        trusted = _trusted_files(environ).trusts(local, found.content)
        return ConfigFile(found.path, found.name, found.content, may_read_environment=trusted)
    return _config_file(own, str(own), trusted=True) if _exists(own) else None


def _exists(path: Path) -> bool:
    """Path.exists raises where a directory above may not be entered, as with HOME=/root under another user."""
    try:
        return path.exists()
    except OSError:
        return False


def _config_file(path: Path, name: str, *, trusted: bool) -> ConfigFile:
    return ConfigFile(path.resolve(), name, _read(path, name), may_read_environment=trusted)


def _trusted_files(environ: Environ) -> TrustedFiles:
    return TrustedFiles(user_data_dir(environ) / "trusted_files.json")


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name}: cannot be read: {error.strerror}") from error


def _parse(content: bytes, name: str) -> Tree:
    try:
        return tomllib.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{name}: not UTF-8 (at line {line})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{name}: not valid TOML: {error}") from None
    except (ValueError, ArithmeticError):
        raise SettingsError(f"{name}: a number in it has too many digits") from None
    except RecursionError:
        raise SettingsError(f"{name}: nested too deeply") from None
