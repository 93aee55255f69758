"""What `.pre-commit-hooks.yaml` offers, run as pre-commit runs it: the entry, and the names of the staged files."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
HOOKS = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text())
COMMANDS = {" ".join([hook["entry"], *hook.get("args", [])]) for hook in HOOKS}


@pytest.fixture
def repository(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "clean.py").write_text("total = sum(prices) * 1.19\n")
    (tmp_path / "two words.md").write_text("Nothing to see here.\n")
    return tmp_path


def run(command, repository):
    """All staged files at once, as `require_serial` wants it."""
    git = ["git", "-C", str(repository)]
    subprocess.run([*git, "add", "-A"], check=True)
    staged = subprocess.run([*git, "diff", "--staged", "--name-only", "-z"], check=True, capture_output=True, text=True)
    names = staged.stdout.strip("\0").split("\0")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "HOME": str(repository / ".git")}
    return subprocess.run(
        [*shlex.split(command), *names], cwd=repository, env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_clean_may_be_committed(command, repository):
    done = run(command, repository)

    assert (0, "") == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_what_holds_pii_stops_the_commit_and_is_not_repeated(command, repository):
    (repository / "two words.md").write_text("first line\nwrite to ann.lee@example.com\n")
    done = run(command, repository)

    assert 8 == done.returncode
    assert "two words.md:2:10" in done.stdout and "EMAIL_ADDRESS" in done.stdout
    assert "ann.lee" not in done.stdout + done.stderr


def test_pre_commit_can_read_what_is_offered():
    """The fields that its manifest wants, and how it makes an environment: this repository is a Python package."""
    assert [{"id", "name", "entry", "language"} <= hook.keys() for hook in HOOKS] == [True] * len(HOOKS)
    assert {"python", "system"} == {hook["language"] for hook in HOOKS}
    assert all(hook["require_serial"] and ["text"] == hook["types"] for hook in HOOKS)
    assert (REPOSITORY / "pyproject.toml").exists()
