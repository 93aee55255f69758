"""`helix budget`: limits per org, team, user, key, model or tag."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.window_names import EXPECTED, in_words, is_window

from .. import output
from ..diagnostics import CommandFailed, ExitCode, UsageMistake
from ..options import Config, Json, Yes, confirm, connect, group, seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daemon.control_api import BudgetRow

app = group("Limits per org, team, user, key, model or tag. Those of helix.toml are changed there.")

MOST_USD = 9_000_000
"""Counters hold whole nano-dollars in 64 bits."""
COLUMNS = ["scope", "window", "limit>", "spent>", "reserved>", "used>", "resets", "from"]


def checked_window(name: str | None) -> str | None:
    if name is not None and not is_window(name):
        raise UsageMistake(f"--window {name}: expected {EXPECTED}")
    return name


Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="org:X team:X user:X key:X model:X tag:X or all")]
WindowOption = Annotated[
    str,
    typer.Option("--window", callback=checked_window, help="hour, day, week, month, total, or rolling:24h as any 24h."),
]


@app.command("set")
def set_(
    scope: Scope,
    limit_usd: Annotated[str, typer.Argument(metavar="USD", help="The most that may be spent.")],
    *,
    window: WindowOption = "month",
    soft_pct: Annotated[int | None, typer.Option(min=1, max=100, help="Warn from this share on.")] = None,
    fallback: Annotated[
        str | None, typer.Option("--fallback", metavar="MODEL", help="Answers what does not fit, instead of a refusal.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Set a limit, or change the one of this scope and window."""
    budget = connect(config).set_budget(scope, window, _decimal(limit_usd), soft_pct, fallback)
    if as_json:
        output.json_document(budget)
    else:
        _show([budget])


@app.command("list")
def list_(*, config: Config = None, as_json: Json = False) -> None:
    """Show every budget and what is left of it."""
    budgets = connect(config).budgets()
    if as_json:
        output.json_document(budgets)
    else:
        _show(budgets)


@app.command()
def remove(scope: Scope, *, window: WindowOption = "month", yes: Yes = False, config: Config = None) -> None:
    """Remove a budget that `helix budget set` made."""
    client = connect(config)
    confirm(f"Remove the budget of {scope} {in_words(window)}?", yes=yes)
    if not client.remove_budget(scope, window):
        raise CommandFailed(f"there is no budget of {scope} {in_words(window)}", ExitCode.NOT_FOUND)


@app.command("raise")
def raise_(
    scope: Scope,
    *,
    by_usd: Annotated[str, typer.Option("--by", metavar="USD", help="How much more may be spent.")],
    duration: Annotated[str, typer.Option("--for", metavar="TIME", help="30m, 2h, 1d: how long.")],
    window: Annotated[
        str | None, typer.Option("--window", callback=checked_window, help="Which of several budgets.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Raise a limit for a while, one of helix.toml, too. Raising it again replaces the raise before."""
    budget = connect(config).raise_budget(scope, window, _decimal(by_usd), seconds_of("--for", duration))
    if as_json:
        output.json_document(budget)
    else:
        _show([budget])


@app.command()
def why(scope: Scope, *, config: Config = None, as_json: Json = False) -> None:
    """Show which budgets a scope meets, and the requests they refused."""
    budgets, refusals = connect(config).why_budget(scope)
    if as_json:
        output.json_document({"budgets": budgets, "refusals": refusals})
        return
    _show(budgets)
    output.line()
    output.table(
        ["refused at", "model", "key", "reason"],
        [(output.local_time(one["at"]), one["model"], one["key"], one["reason"]) for one in refusals],
        empty="no request was refused",
    )


def _show(budgets: Sequence[BudgetRow]) -> None:
    output.table(COLUMNS, [_row(budget) for budget in budgets], empty="no budgets: helix budget set all 50")


def _row(budget: BudgetRow) -> tuple[str, ...]:
    limit, spent = Decimal(budget["limit_usd"]), Decimal(budget["spent_usd"])
    resets_at, until = budget["resets_at"], budget.get("raised_until")
    return (
        budget["scope"],
        budget["window"],
        output.usd(budget["limit_usd"]),
        output.usd(budget["spent_usd"]),
        output.usd(budget["reserved_usd"]),
        f"{100 * spent / limit:.0f}%" if limit else "–",
        output.local_time(resets_at) if resets_at else "never",
        budget["origin"] if until is None else f"{budget['origin']}, raised until {output.local_time(until)}",
    )


def _decimal(text: str) -> str:
    """The amount, exactly as it was written; the daemon knows the limits.

    Not put in full digits: 1e999999999 would be a gigabyte of them.
    """
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount >= MOST_USD:
        raise UsageMistake(f"USD = {text}: expected an amount in US dollars, such as 50 or 0.25")
    return str(amount)
