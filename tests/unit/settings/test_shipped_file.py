"""The repository's helix.toml shows every setting with its default."""

from __future__ import annotations

import re
from pathlib import Path

from daemon.settings import Settings
from daemon.settings.sentences import known_keys

from .conftest import Place

REPOSITORY = Path(__file__).parents[3]


def test_the_repositorys_file_is_the_defaults(place: Place) -> None:
    loaded = place.load(REPOSITORY / "helix.toml")

    assert Settings() == loaded.settings


def test_the_repositorys_file_needs_no_trust(place: Place) -> None:
    place.write((REPOSITORY / "helix.toml").read_text())

    assert Settings() == place.load().settings


def test_the_repositorys_file_mentions_every_setting() -> None:
    text = (REPOSITORY / "helix.toml").read_text()
    mentioned = set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE))

    assert {key.rsplit(".", 1)[-1] for key in known_keys()} == mentioned


def test_the_commented_examples_are_valid(place: Place) -> None:
    text = (REPOSITORY / "helix.toml").read_text()
    examples = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)

    settings = place.load(place.write(examples, place.cwd / "all.toml"), OPENAI_API_KEY="sk-1").settings

    lists = (settings.providers, settings.models, settings.budgets, settings.optimize, settings.pii.recognizers)
    assert (1, 2, 1, 1, 1) == tuple(map(len, lists))
