"""The README's commands exist, with the options that it shows."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

README = Path(__file__).parents[3] / "README.md"
SHOWN = sorted(set(re.findall(r"^helix [a-z].*$|(?<=`)helix [a-z][^`]*(?=`)", README.read_text(), re.MULTILINE)))
GROUPS = {"cache", "budget", "keys", "config"}


@cache
def help_of(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "helix_cli", *command, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_command_and_option_of_the_readme_exists():
    assert len(SHOWN) > 15
    for line in SHOWN:
        words = re.split(r" -- |\s#|\|", line)[0].replace(",", "").split()[1:]
        command = words[: 2 if words[0] in GROUPS and len(words) > 1 else 1]
        text = help_of(*command)
        for option in (word for word in words if word.startswith("-") and len(word) > 1):
            assert option in text, line
