"""The commands that the README and the pages of docs/ show exist, with their options; what they link to is there."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"^(?:\$ )?helix [a-z].*$|(?<=`)helix [a-z][^`]*(?=`)", re.MULTILINE)
LINKED = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")
GROUPS = {"cache", "budget", "keys", "config", "spend", "pii", "privacy", "bench"}


@cache
def help_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "helix_cli", *command, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"helix {' '.join(command)}: {done.stderr}"
    return done.stdout


def command_of(words: list[str]) -> list[str]:
    """`cache stats` of `cache stats --json`: a group's second word is a command, not an option or an argument."""
    is_nested = words[0] in GROUPS and len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1].strip(",")) is not None
    return words[: 2 if is_nested and not words[1].startswith("-") else 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_is_shown_exists(page):
    for line in sorted(set(SHOWN.findall(page.read_text()))):
        words = re.split(r" -- |\s#|\|", line.removeprefix("$ "))[0].replace(",", "").split()[1:]
        text = help_of(*command_of(words))
        for option in (word for word in words if word.startswith("-") and len(word) > 1):
            assert option.split("=")[0] in text, line


def test_the_readme_shows_the_commands():
    assert len(set(SHOWN.findall(PAGES[0].read_text()))) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_linked_is_there(page):
    for target in LINKED.findall(page.read_text()):
        assert (page.parent / target).exists(), target
