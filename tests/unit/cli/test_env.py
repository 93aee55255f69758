"""`helix env`: what it prints is what a shell takes in, in the shell's own syntax."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from helix_cli.commands.env import Shell, export_line

NASTY = 'http://[::1]:4354/it\'s $HOME `x` "y"'

SHOW = {
    Shell.SH: "printf %s \"$A\"",
    Shell.BASH: "printf %s \"$A\"",
    Shell.ZSH: "printf %s \"$A\"",
    Shell.FISH: "printf %s \"$A\"",
    Shell.POWERSHELL: "[Console]::Write($env:A)",
}  # fmt: skip


@pytest.mark.parametrize("shell", SHOW)
def test_a_shell_takes_a_value_as_it_is(shell):
    program = shutil.which("pwsh" if shell is Shell.POWERSHELL else shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")

    script = f"{export_line(shell, 'A', NASTY)}\n{SHOW[shell]}"
    assert NASTY == subprocess.run([program, "-c", script], capture_output=True, text=True, check=True).stdout


def test_powershells_quote_is_doubled():
    assert "$env:A = 'it''s'" == export_line(Shell.POWERSHELL, "A", "it's")


@pytest.mark.parametrize(("own", "line"), [("/usr/bin/fish", "set -gx "), ("/bin/zsh", "export "), ("", "export ")])
def test_without_a_shell_named_it_is_the_users_own(helix, daemon, monkeypatch, own, line):
    monkeypatch.setenv("SHELL", own)

    assert all(printed.startswith(line) for printed in helix("env").out.splitlines())


def test_json_is_for_programs(helix, daemon):
    exports = json.loads(helix("env", "--json").out)

    assert {"OPENAI_BASE_URL": f"{daemon.url}/v1", "ANTHROPIC_BASE_URL": daemon.url}.items() <= exports.items()
