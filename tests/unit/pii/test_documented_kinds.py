"""The page on privacy names every kind that is looked for, and none besides."""

import re
from pathlib import Path

from daemon.settings import OFF_BY_DEFAULT, ON_BY_DEFAULT

PAGE = Path(__file__).parents[3] / "docs" / "privacy.md"


def test_each_kind_is_named_once():
    section = PAGE.read_text(encoding="utf-8").split("## What is looked for")[1].split("\n\n")[1]
    named = re.findall(r"`([A-Z][A-Z_]+)`", section)

    assert sorted(ON_BY_DEFAULT | OFF_BY_DEFAULT) == sorted(named)
