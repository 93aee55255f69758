"""The lists that mimesis keeps of many countries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import mimesis

_DATASETS = Path(mimesis.__file__).parent / "datasets"
_ENGLISH = frozenset(("en", "en-gb", "en-au", "en-ca"))


@cache
def dataset(country: str, name: str) -> dict[str, Any]:
    file = _DATASETS / country / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def countries() -> list[str]:
    return sorted(folder.name for folder in _DATASETS.iterdir() if (folder / "person.json").exists())


def people() -> Iterator[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """First and last names of each country, and whether they are English."""
    for country in countries():
        person = dataset(country, "person")
        yield _flat(person.get("names", ())), _flat(person.get("surnames", ())), country in _ENGLISH


def towns() -> list[str]:
    return [town for country in countries() for town in dataset(country, "address").get("city", ())]


def street_names(country: str) -> list[str]:
    return list(dataset(country, "address").get("street", {}).get("name", ()))


def street_kinds(country: str) -> list[str]:
    return list(dataset(country, "address").get("street", {}).get("suffix", ()))


def companies() -> list[str]:
    finance = dataset("en", "finance")
    return [*finance["company"]["name"], *finance["banks"], *dataset("en", "person")["university"]]


def occupations() -> list[str]:
    return list(dataset("en", "person")["occupation"])


def food() -> list[str]:
    return sorted({thing for things in dataset("en", "food").values() for thing in things})


def _flat(names: dict[str, list[str]] | list[str]) -> tuple[str, ...]:
    lists = names.values() if isinstance(names, dict) else [names]
    return tuple(sorted({name for some in lists for name in some}))
