"""`helix spend`: what was spent and what was saved."""

from __future__ import annotations

import csv
import re
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from .. import output
from ..control_client import ControlClient
from ..diagnostics import UsageMistake
from ..options import Config, Json, connect, settings

if TYPE_CHECKING:
    from daemon.control_api import ExplainedRow, PricePart, Spend, SpendRow

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

CSV_COLUMNS = ["calls", "hits", "refused", "unknown", "cost_usd", "saved_usd", "input_tokens", "output_tokens"]
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


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
    if as_json:
        output.json_document(found)
    elif as_csv:
        _write_csv(found, by)
    else:
        _show(found, by)


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
        _show_attempt(attempt)


def start_of(text: str, now: datetime) -> datetime:
    """When `7d`, `24h`, `today`, `week`, `month`, `all` or an ISO date began, in the time zone of `now`.

    Raises:
        UsageMistake: it is none of these.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {
        "today": midnight,
        "week": midnight - timedelta(days=now.weekday()),
        "month": midnight.replace(day=1),
        "all": datetime(1970, 1, 1, tzinfo=UTC),
    }
    try:
        if text in named:
            return named[text]
        if found := re.fullmatch(r"(\d+)([mhdw])", text):
            return now - timedelta(**{UNITS[found[2]]: int(found[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageMistake(f"--since {text}: expected 7d, 24h, today, month, all or a date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)


def _show_attempt(attempt: ExplainedRow) -> None:
    asked = attempt["upstream_model"] or attempt["model"]
    said = f"{attempt['kind']} {attempt['outcome']}".strip()
    output.line(f"{attempt['id']}  {output.local_time(attempt['at'])}  {asked}  {said}, status {attempt['status']}")
    if attempt["parts"]:
        output.table(["class", "tokens>", "USD a million>", "USD>"], [_part(part) for part in attempt["parts"]])
    output.line(f"cost {attempt['cost_usd'] or 'not known'}, saved {attempt['saved_usd'] or 0} USD")
    notes = {"at most": attempt["bound_usd"], "price": attempt["price_source"], "reason": attempt["reason"]}
    for name, note in notes.items():
        if note:
            output.line(f"{name}: {output.printable(note)}")


def _part(part: PricePart) -> tuple[str, ...]:
    return part["name"], output.count(part["tokens"]), part["usd_per_mtok"], part["cost_usd"]


def _show(found: Spend, by: str) -> None:
    asked = found["calls"] + found["hits"]
    output.line(
        f"spent {output.usd(found['cost_usd'])}, saved {output.usd(found['saved_usd'])}: "
        f"{output.count(found['calls'])} calls, {output.count(found['hits'])} hits "
        f"({output.share(found['hits'], asked)}), {output.count(found['refused'])} refused"
    )
    if found["unknown"]:
        output.line(f"{output.count(found['unknown'])} calls whose outcome nobody saw are not in these sums")
    output.line()
    output.table(
        [by, "calls>", "hits>", "cost>", "saved>", "read>", "written>"], [_row(row, by) for row in found["rows"]]
    )


def _row(row: SpendRow, by: str) -> tuple[str, ...]:
    return (
        str(row.get(by) or "–"),
        output.count(row.get("calls", 0)),
        output.count(row.get("hits", 0)),
        output.usd(row.get("cost_usd")),
        output.usd(row.get("saved_usd")),
        output.count(row.get("input_tokens", 0)),
        output.count(row.get("output_tokens", 0)),
    )


def _write_csv(found: Spend, by: str) -> None:
    writer = csv.DictWriter(sys.stdout, [by, *CSV_COLUMNS], restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(found["rows"])
