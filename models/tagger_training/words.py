"""The lists of words.toml, streets.toml, names.toml and records.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))


WORDS: dict[str, list[str]] = _read("words.toml")
STREETS: dict[str, list[str]] = _read("streets.toml")
NAMES = _read("names.toml")
RECORDS = _read("records.toml")
