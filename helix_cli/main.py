"""The command tree. A command's module is imported when the command is chosen, so `helix --help` stays light."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from daemon.errors import HelixError

from . import diagnostics

HELP = """Helix: every LLM request private, cheaper and accounted for, on your own machine.

Start it with `helix serve`, point a client at it with `helix env`, watch it with `helix tui`."""

COMMANDS = {
    "Run": {
        "serve": "Run the gateway until it is told to stop.",
        "run": "Start a client through the gateway; one line of what it cost.",
        "env": "Print the exports that point clients at the gateway.",
        "status": "Is it up, since when, in which mode?",
        "tui": "Watch it: requests, savings and budgets, live.",
    },
    "Look": {
        "spend": "What was spent, and what was saved.",
        "logs": "The requests, as they happen.",
        "cache": "What is kept, and why something was a hit or a miss.",
        "bench": "How right the cache would be on labelled questions of yours.",
        "redact": "Replace the PII in a text; works without a daemon.",
        "restore": "Put back what `helix redact --map` replaced, or encrypted.",
        "pii": "What was found, and what became of it.",
    },
    "Set": {
        "budget": "Limits per org, team, user, key, model or tag.",
        "keys": "Virtual keys: who may ask what, and how much.",
        "privacy": "Erase a person; a new key for what is stored.",
        "doctor": "What is wrong on this machine, and the next step for each.",
        "configure": "Point an agent's own settings file to the gateway, and back.",
        "config": "Check the settings; show where each came from; import LiteLLM's.",
    },
}
"""Command to its line in the help, by group. A command's module has its name, and holds `app` or a function."""


class LazyGroup(TyperGroup):
    """A group that knows its commands' names and imports one when it is chosen.

    Typer carries click's classes with it in some versions and borrows them in others, hence the `Any`.
    """

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for group in COMMANDS.values() for name in group]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f".commands.{cmd_name}", __package__)
        return typer.main.get_command(getattr(module, "app", None) or _app_of(getattr(module, cmd_name)))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, commands in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # Typer suggests the nearest of `commands`, which holds nothing here until it is asked for names.
        self.commands = dict.fromkeys(self.list_commands(ctx))  # type: ignore[assignment]
        return super().resolve_command(ctx, args)


def _app_of(function: Any) -> typer.Typer:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(function)
    return app


app = typer.Typer(
    cls=LazyGroup,
    help=HELP,
    add_completion=False,
    no_args_is_help=True,
    # Plain help: Rich would double the time that `helix --help` takes.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"helix {version('helix-gateway')}\n")
        raise typer.Exit


@app.callback()
def helix(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The options of `helix` itself."""


def main() -> int:
    """Run the command line of this process; the exit code of CONTRACT.

    Raises:
        SystemExit: typer leaves in this way, with 0, with a command's own code, or with 2 for a wrong command line.
    """
    try:
        app(prog_name="helix")
    except HelixError as error:
        return diagnostics.report(error)
    return diagnostics.ExitCode.OK
