"""`helix spend`: what was spent and what was saved."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from .. import output
from ..control_client import ControlClient
from ..diagnostics import UsageMistake
from ..options import Config, Json, connect, settings
from ..periods import start_of
from ..spend_view import show_attempt, show_spend

if TYPE_CHECKING:
    from daemon.control_api import Spend

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

CSV_COLUMNS = ["calls", "hits", "refused", "unknown", "cost_usd", "saved_usd", "input_tokens", "output_tokens"]


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
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
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
    client = ControlClient.of(loaded.data_dir)
    if parquet is not None:
        rows = client.export_spend(parquet.resolve(), since=start, until=now.astimezone(UTC).isoformat())
        output.line(f"{output.count(rows)} rows in {parquet}")
        return
    found = client.spend(by=by, since=start)
    if as_csv:
        _write_csv(found, by)
        return
    review = client.review_spend(since=start)
    if as_json:
        output.json_document({**found, **review})
    else:
        show_spend(found, review, by)


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


def _write_csv(found: Spend, by: str) -> None:
    writer = csv.DictWriter(sys.stdout, [by, *CSV_COLUMNS], restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(found["rows"])
