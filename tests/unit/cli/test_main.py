"""The command tree: light, polite, and with the exit codes of the contract."""

from __future__ import annotations

import subprocess
import sys

import pytest

from daemon import errors
from helix_cli import diagnostics
from helix_cli.diagnostics import CommandFailed, DaemonUnreachable, ExitCode
from helix_cli.main import COMMANDS

HEAVY = [
    *["litellm", "presidio_analyzer", "presidio_anonymizer", "redis", "duckdb", "usearch", "onnxruntime"],
    *["textual", "aiohttp", "pydantic", "numpy", "rich"],
]


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument):
    program = f"""
import sys
from helix_cli.main import main
sys.argv = ["helix", {argument!r}]
try:
    main()
finally:
    print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert "[]" == ran.stderr.splitlines()[-1]


def test_help_names_every_command(helix):
    ran = helix("--help")

    assert 0 == ran.code
    for group in COMMANDS.values():
        for name, line in group.items():
            assert f"  {name} " in ran.out and line in ran.out


@pytest.mark.parametrize("name", [name for group in COMMANDS.values() for name in group])
def test_every_command_has_its_own_help(helix, name):
    assert 0 == helix(name, "--help").code


def test_a_mistyped_command_is_answered_with_the_nearest(helix):
    ran = helix("bugdet")

    assert 2 == ran.code
    assert "Did you mean 'budget'?" in ran.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (CommandFailed("x"), 1),
        (errors.SettingsError("x"), 1),
        (diagnostics.UsageMistake("x"), 2),
        (errors.Unauthorized("x"), 3),
        (errors.Forbidden("x"), 3),
        (errors.UnknownModel("x"), 4),
        (DaemonUnreachable("x"), 6),
        (errors.PiiBlocked({"PERSON": 1}), 8),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    assert code == diagnostics.exit_code(error)


def test_an_exhausted_budget_is_seven():
    assert ExitCode.BUDGET_EXHAUSTED == 7


def test_an_error_is_one_sentence_on_stderr(helix):
    ran = helix("status")

    assert 6 == ran.code
    assert "" == ran.out
    assert ran.err.startswith("helix: no daemon runs on ")
    assert ran.err.endswith("; start it with: helix serve\n")


def test_a_reader_that_leaves_early_is_no_error_worth_a_word(home, daemon):
    """`helix logs --json | head -0`"""
    daemon.past += [{"id": "x" * 1000}] * 1000
    program = "from helix_cli.main import main; main()"

    ran = subprocess.Popen(
        [sys.executable, "-c", program, "logs", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert ran.stdout is not None and ran.stderr is not None
    ran.stdout.close()

    assert b"" == ran.stderr.read()
    ran.stderr.close()
    ran.wait()
