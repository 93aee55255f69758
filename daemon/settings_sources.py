"""Where settings come from: file, then environment, then flags, each over the one before."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, get_origin
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import platformdirs
from pydantic import ValidationError

from . import settings_sentences as sentences
from .errors import SettingsError
from .settings import Settings
from .trusted_files import TrustedFiles

ENV_PREFIX = "HELIX_"
CONFIG_VARIABLE = "HELIX_CONFIG"
MASTER_KEY_DEFAULT = "env:HELIX_MASTER_KEY"
STORAGE_SCHEMES = ("redis", "rediss", "redis+cluster", "unix")

Tree = dict[str, Any]
"""Settings before they are checked: tables in tables, as TOML has them."""
Environ = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings that can be used, and where they came from."""

    settings: Settings
    origin: Mapping[str, str]
    """Each dotted key (`cache.ttl_s`, `budgets[0].scope`) to its source: `default`, a path, a variable, a flag."""
    file: Path | None
    """The file in use, absolute; None: there is none."""
    data_dir: Path
    """Absolute; it need not exist."""
    warnings: tuple[str, ...] = ()
    """Sentences for the owner: what was left out, and why."""
    disabled_providers: Mapping[str, str] = field(default_factory=dict)
    """Providers of the file that lack their key, left out of `settings`: name to sentence."""

    def values(self) -> dict[str, object]:
        """Every dotted key and its value, as JSON may have it; secrets are covered."""
        leaves = _leaves(self.settings.model_dump(by_alias=True))
        return {sentences.dotted(path): sentences.covered(path, value) for path, value in leaves}


def load(
    config: Path | None = None,
    *,
    environ: Environ = os.environ,
    cwd: Path | None = None,
    flags: Mapping[str, object] | None = None,
) -> Loaded:
    """Find, read, merge and check the settings.

    Args:
        config: the file of `--config`; must exist.
        flags: dotted key to value (`{"server.port": 4400}`); None values are flags that were not given.

    Raises:
        SettingsError: one sentence a line, each naming the source, the key and what was expected.
    """
    cwd = cwd or Path.cwd()
    source = _find_file(config, environ, cwd)
    draft = _Draft()
    draft.put(("server", "master_key"), MASTER_KEY_DEFAULT, "default")
    if source is not None:
        draft.put_tree((), source.tree(), source.name)
    for name, path in _settings_in(environ):
        draft.put(path, _from_text(path, environ[name]), name)
    for key, value in (flags or {}).items():
        if value is not None:
            draft.put(tuple(key.split(".")), value, "--" + key.rsplit(".", 1)[-1].replace("_", "-"))

    checked = _Check(draft, environ).run()
    return Loaded(
        settings=checked.settings,
        origin=_origins(checked.settings, draft),
        file=source.path if source else None,
        data_dir=_data_dir(checked.settings, draft, source, environ, cwd),
        warnings=tuple(checked.disabled.values()),
        disabled_providers=checked.disabled,
    )


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
class _ConfigFile:
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
        for path, value in _leaves(tree):
            is_the_default = path == ("server", "master_key") and value == MASTER_KEY_DEFAULT
            if sentences.is_reference(value) and not is_the_default:
                raise SettingsError(
                    f'{self.name}: {sentences.dotted(path)} = "{value}": a file found in the working directory '
                    "may not read the environment; if you trust this one, run: helix config trust"
                )


def _find_file(config: Path | None, environ: Environ, cwd: Path) -> _ConfigFile | None:
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
        return _ConfigFile(found.path, found.name, found.content, may_read_environment=trusted)
    return _config_file(own, str(own), trusted=True) if _exists(own) else None


def _exists(path: Path) -> bool:
    """Path.exists raises where a directory above may not be entered, as with HOME=/root under another user."""
    try:
        return path.exists()
    except OSError:
        return False


def _config_file(path: Path, name: str, *, trusted: bool) -> _ConfigFile:
    return _ConfigFile(path.resolve(), name, _read(path, name), may_read_environment=trusted)


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


def _settings_in(environ: Environ) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each `HELIX_SECTION__KEY` and the path it stands for; outer ones first, so that inner ones add to them.

    A third step (`HELIX_PII__ENTITIES__US_SSN`) keeps its case. `HELIX_BUDGETS` is a whole list;
    other variables without a double underscore are not settings.
    """
    for name in sorted(environ):
        section, *steps = name.removeprefix(ENV_PREFIX).split("__")
        is_list = get_origin(_annotation((section.lower(),))) is tuple
        if name.startswith(ENV_PREFIX) and (steps or is_list):
            yield name, (section.lower(), *(step.lower() for step in steps[:1]), *steps[1:])


def _from_text(path: tuple[str, ...], text: str) -> object:
    """A variable's value: lists and tables as TOML or JSON, all else as it stands (pydantic reads numbers)."""
    if get_origin(_annotation(path)) not in (tuple, dict):
        return text
    try:
        return tomllib.loads(f"value = {text}", parse_float=Decimal)["value"]
    except (ValueError, ArithmeticError, RecursionError):
        pass
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return text


def _annotation(path: tuple[str, ...]) -> Any:
    known = sentences.fields_of(sentences.section_at(path[:-1])).get(path[-1])
    return known.annotation if known else None


class _Draft:
    """Settings as they were written, each with its source; not checked yet."""

    def __init__(self) -> None:
        self.tree: Tree = {}
        self._sources: dict[sentences.Path, str] = {}

    def put_tree(self, path: tuple[str, ...], tree: Tree, source: str) -> None:
        for key, value in tree.items():
            if isinstance(value, dict) and value:
                self.put_tree((*path, key), value, source)
            else:
                self.put((*path, key), value, source)

    def put(self, path: tuple[str, ...], value: object, source: str) -> None:
        """Set one value. Where something that is no table stands in the way, that stays, for the check to name."""
        node = self.tree
        for step in path[:-1]:
            node = node.setdefault(step, {})
            if not isinstance(node, dict):
                return
        node[path[-1]] = value
        self._sources[path] = source

    def at(self, path: sentences.Path) -> object:
        """The value as it was written; None where there is none."""
        node: Any = self.tree
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def source(self, path: sentences.Path) -> str:
        """Who set the value, or the list that holds it, or (a key that is missing) another of its table."""
        for length in range(len(path), 0, -1):
            if found := self._sources.get(tuple(path[:length])):
                return found
        below = (source for known, source in self._sources.items() if known[: len(path)] == tuple(path))
        return next(below, "default")


@dataclass(slots=True)
class _Check:
    """Turns a draft into settings, or into all that is wrong with it."""

    draft: _Draft
    environ: Environ
    settings: Settings = field(default_factory=Settings)
    disabled: dict[str, str] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)
    _keyless: dict[int, str] = field(default_factory=dict)
    """Providers by position whose key is not in the environment, and the variable that was asked."""

    def run(self) -> _Check:
        tree = self._resolve(self.draft.tree, ())
        try:
            self.settings = Settings.model_validate(tree)
        except ValidationError as error:
            self._problems += [self._sentence(one) for one in error.errors(include_url=False)]
        self._check_across_fields()
        if self._problems:
            raise SettingsError("\n".join(self._problems))
        self._disable_keyless_providers()
        return self

    def _resolve(self, node: Any, path: tuple[str | int, ...]) -> Any:
        """The same with references read and empty or unset secrets left out."""
        if isinstance(node, dict):
            pairs = ((key, self._resolve(value, (*path, key))) for key, value in node.items())
            return {key: value for key, value in pairs if value is not None}
        if isinstance(node, list):
            return [self._resolve(value, (*path, at)) for at, value in enumerate(node)]
        value = self._referenced(node, path) if sentences.is_reference(node) else node
        return None if value == "" and path[-1] in sentences.SECRET_KEYS else value

    def _referenced(self, reference: str, path: tuple[str | int, ...]) -> str | None:
        name = reference.removeprefix("env:")
        value = self.environ.get(name) or None
        if value is None:
            match path:
                case ("server", "master_key"):
                    pass
                case ("providers", int(position), "api_key") | ("providers", int(position), "options", _):
                    self._keyless[position] = name
                case _:
                    self._report(path, f"the environment variable {name} is not set")
                    # An empty text keeps "is missing" from being said about the same key.
                    return ""
        return value

    def _sentence(self, error: Any) -> str:
        path = sentences.setting_path(error)
        return sentences.from_pydantic(error, self.draft.source(path), self.draft.at(path))

    def _report(self, path: sentences.Path, expected: str) -> None:
        self._problems.append(sentences.problem(self.draft.source(path), path, self.draft.at(path), expected))

    def _check_across_fields(self) -> None:
        settings = self.settings
        if not _is_time_zone(settings.server.timezone):
            self._report(("server", "timezone"), 'expected a time zone such as "Europe/Berlin"')
        if settings.storage.url != "embedded" and urlsplit(settings.storage.url).scheme not in STORAGE_SCHEMES:
            self._report(("storage", "url"), f'expected "embedded" or a URL of {", ".join(STORAGE_SCHEMES)}')
        if settings.storage.encrypt and settings.storage.url != "embedded" and settings.storage.encryption_key is None:
            sources = '"env:NAME", "file:/path" or "keyring:NAME"'
            expected = f"expected {sources}, the same on each node: what one encrypts the others read"
            self._report(("storage", "encryption_key"), expected)
        for position, provider in enumerate(settings.providers):
            if provider.base_url and urlsplit(provider.base_url).scheme not in ("http", "https"):
                self._report(("providers", position, "base_url"), "expected a URL of http or https")
        self._refuse_repeated("providers", "name", [provider.name for provider in settings.providers])
        self._refuse_repeated("models", "name", [model.name for model in settings.models])
        self._refuse_repeated("budgets", "scope", [f"{one.scope}, {one.window}" for one in settings.budgets])

    def _refuse_repeated(self, section: str, key: str, identities: list[str]) -> None:
        for position, identity in enumerate(identities):
            if (first := identities.index(identity)) < position:
                self._report((section, position, key), f"{section}[{first}] has it already ({identity})")

    def _disable_keyless_providers(self) -> None:
        for position, variable in self._keyless.items():
            provider = self.settings.providers[position]
            source = self.draft.source(("providers", position))
            self.disabled[provider.name] = (
                f"{source}: the provider {provider.name} is disabled, for {variable} is not set in the environment"
            )
        providers = self.settings.providers
        enabled = [position for position in range(len(providers)) if position not in self._keyless]
        self.settings = self.settings.model_copy(update={"providers": tuple(providers[at] for at in enabled)})
        # The draft loses them too, for positions in it name the origins of what is left.
        written = self.draft.tree.get("providers", [])
        self.draft.tree["providers"] = [written[at] for at in enabled]


def _is_time_zone(name: str) -> bool:
    """UTC needs no time zone database, which a slim container may lack."""
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _origins(settings: Settings, draft: _Draft) -> dict[str, str]:
    return {
        sentences.dotted(path): draft.source(path) if draft.at(path) is not None else "default"
        for path, _ in _leaves(settings.model_dump(by_alias=True))
    }


def _leaves(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value that holds no further settings, and its path; an empty table or list is one."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, (*path, key))
    elif isinstance(node, list | tuple) and node:
        for position, value in enumerate(node):
            yield from _leaves(value, (*path, position))
    else:
        yield path, node


def _data_dir(settings: Settings, draft: _Draft, source: _ConfigFile | None, environ: Environ, cwd: Path) -> Path:
    """A relative one in a file is seen from the file, so that every command finds the same from anywhere."""
    if not settings.server.data_dir:
        return user_data_dir(environ)
    from_file = source is not None and draft.source(("server", "data_dir")) == source.name
    base = source.path.parent if source is not None and from_file else cwd
    return (base / Path(settings.server.data_dir).expanduser()).resolve()
