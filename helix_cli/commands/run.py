"""`helix run -- CMD`: start a client through the gateway, with its own budget, and say what it cost."""

from __future__ import annotations

import os
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from .. import child_process, clients, diagnostics
from ..daemon_start import running_or_started
from ..options import Config, settings
from ..run_account import RunAccount

if TYPE_CHECKING:
    from daemon.settings.sources import Loaded

app = typer.Typer(add_completion=False, rich_markup_mode=None)

# The gateway's own rule for tags, less what has a meaning in an address.
_TAG = re.compile(r"[\w.:-]{1,64}", re.ASCII)


# What follows CMD is CMD's, also where it looks like an option.
@app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def run(
    command: Annotated[list[str], typer.Argument(metavar="CMD ...", help="claude, codex, aider, a script.")],
    *,
    budget: Annotated[str | None, typer.Option(metavar="USD", help="What it may spend at most.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="T", help="A name for reports; may be repeated.")] = None,
    config: Config = None,
) -> None:
    """Start CMD through the gateway; its exit code, and one line of what it cost. Starts the gateway if need be."""
    tags, limit_usd = [_checked_tag(name) for name in tag or ()], _checked_budget(budget)
    loaded = settings(config)
    account = RunAccount(running_or_started(loaded, config), tags)
    try:
        if limit_usd is not None:
            account.limit(limit_usd)
        key = account.make_key() if _gateway_has_keys(loaded) else None
        code = _run_behind(account.url, command, key)
    finally:
        _say_receipt(account)
    raise typer.Exit(code)


def _gateway_has_keys(loaded: Loaded) -> bool:
    """Whether what CMD would show as its key never goes further than the gateway; else a provider needs CMD's own.
    Providers that are found by the environment have their keys from there."""
    return all(provider.api_key is not None for provider in loaded.settings.providers if provider.type != "echo")


def _run_behind(url: str, command: list[str], key: str | None) -> int:
    started = clients.behind(url, command, os.environ, key)
    if started.warning:
        diagnostics.say(started.warning)
    try:
        return child_process.run_child(started.command, started.environ)
    except FileNotFoundError:
        diagnostics.say(f"{command[0]}: there is no such command")
        return child_process.NO_SUCH_COMMAND
    except OSError as error:
        diagnostics.say(f"{command[0]}: cannot be run: {error.strerror}")
        return child_process.CANNOT_RUN


def _say_receipt(account: RunAccount) -> None:
    """What cannot be told must not change the exit code of what was run."""
    try:
        diagnostics.say(account.close().line())
    except diagnostics.CommandFailed as error:
        diagnostics.say(f"no receipt: {error}")


def _checked_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise diagnostics.UsageMistake(f"--tag {tag!r}: expected up to 64 letters, digits and any of . : _ -")
    return tag


def _checked_budget(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        usd = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        usd = Decimal("NaN")
    if not usd.is_finite() or usd <= 0:
        raise diagnostics.UsageMistake(f"--budget {text!r}: expected an amount in US dollars, such as 2 or 0.50")
    return str(usd)
