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

from . import Settings, sentences
from .check import Check
from .config_file import MASTER_KEY_DEFAULT, ConfigFile, find_file, user_data_dir
from .draft import Draft, Environ, leaves

ENV_PREFIX = "HELIX_"


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
        found = leaves(self.settings.model_dump(by_alias=True))
        return {sentences.dotted(path): sentences.covered(path, value) for path, value in found}


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
    source = find_file(config, environ, cwd)
    draft = Draft()
    draft.put(("server", "master_key"), MASTER_KEY_DEFAULT, "default")
    if source is not None:
        draft.put_tree((), source.tree(), source.name)
    for name, path in _settings_in(environ):
        draft.put(path, _from_text(path, environ[name]), name)
    for key, value in (flags or {}).items():
        if value is not None:
            draft.put(tuple(key.split(".")), value, "--" + key.rsplit(".", 1)[-1].replace("_", "-"))

    checked = Check(draft, environ).run()
    return Loaded(
        settings=checked.settings,
        origin=_origins(checked.settings, draft),
        file=source.path if source else None,
        data_dir=_data_dir(checked.settings, draft, source, environ, cwd),
        warnings=tuple(checked.disabled.values()),
        disabled_providers=checked.disabled,
    )


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


def _origins(settings: Settings, draft: Draft) -> dict[str, str]:
    return {
        sentences.dotted(path): draft.source(path) if draft.at(path) is not None else "default"
        for path, _ in leaves(settings.model_dump(by_alias=True))
    }


def _data_dir(settings: Settings, draft: Draft, source: ConfigFile | None, environ: Environ, cwd: Path) -> Path:
    """A relative one in a file is seen from the file, so that every command finds the same from anywhere."""
    if not settings.server.data_dir:
        return user_data_dir(environ)
    from_file = source is not None and draft.source(("server", "data_dir")) == source.name
    base = source.path.parent if source is not None and from_file else cwd
    return (base / Path(settings.server.data_dir).expanduser()).resolve()
