"""`helix spend`: what was spent and what was saved."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from .. import output
from ..control_client import ControlClient
from ..diagnostics import CommandFailed, ExitCode, UsageMistake
from ..invoice import read_invoice
from ..options import Config, Json, connect, settings
from ..periods import start_of
from ..spend_view import show_attempt, show_reconciliation, show_spend

if TYPE_CHECKING:
    from daemon.control_api import BudgetRow

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

CSV_ROWS = "a row for each day, model, caller, tags and class of token"


class Group(StrEnum):
    MODEL = "model"
    KEY = "key"
    USER = "user"
    TEAM = "team"
    ORG = "org"
    TAG = "tag"
    DAY = "day"
    SESSION = "session"
    CLIENT = "client"


@app.callback(invoke_without_command=True)
def spend(
    context: typer.Context,
    *,
    by: Annotated[Group, typer.Option(help="One row for each.")] = Group.MODEL,
    since: Annotated[str, typer.Option(help="7d, 24h, today, month, all or a date.")] = "7d",
    as_csv: Annotated[bool, typer.Option("--csv", help=f"Charges as FOCUS 1.2 has them: {CSV_ROWS}.")] = False,
    parquet: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the raw rows.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What was spent, and what the cache saved."""
    if context.invoked_subcommand is not None:
        return
    if as_json + as_csv + (parquet is not None) > 1:
        raise UsageMistake("choose one of --json, --csv and --parquet")
    loaded = settings(config)
    now = datetime.now(ZoneInfo(loaded.settings.server.timezone))
    start = start_of(since, now).astimezone(UTC).isoformat()
    client = ControlClient.of(loaded.data_dir, or_demo=True)
    if parquet is not None:
        rows = client.export_spend(parquet.resolve(), since=start, until=now.astimezone(UTC).isoformat())
        output.line(f"{output.count(rows)} rows in {parquet}")
        return
    if as_csv:
        output.raw(client.focus_spend(since=start, until=now.astimezone(UTC).isoformat()))
        return
    found = client.spend(by=by, since=start)
    review = client.review_spend(since=start)
    if as_json:
        output.json_document({**found, **review})
    else:
        show_spend(found, review, _budgets(client), by)


def _budgets(client: ControlClient) -> list[BudgetRow]:
    """None where the store does not answer: the ledger does."""
    try:
        return client.budgets()
    except CommandFailed:
        return []


@app.command()
def explain(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="As x-helix-request-id and helix logs name it.")],
    *,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Why a request cost what it did: each class of tokens with its rate, and where the price is from."""
    attempts = connect(config).explain_spend(request_id)
    if as_json:
        output.json_document(attempts)
        return
    for attempt in attempts:
        show_attempt(attempt)


@app.command()
def reconcile(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="An invoice or cost export; - is stdin.")],
    *,
    columns: Annotated[
        str | None, typer.Option(metavar="date=…,model=…,cost=…", help="Of a file whose header is not known.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Whose invoice it is; else whose models it names.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when anything differs.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """What a provider's invoice has and the ledger has not, or otherwise, and why that may be."""
    found = connect(config).reconcile_spend(read_invoice(file, columns), provider)
    if as_json:
        output.json_document(found)
    else:
        show_reconciliation(found)
    if check and found["differences"]:
        raise typer.Exit(ExitCode.FAILURE)
