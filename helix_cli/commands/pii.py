"""`helix pii`: what was found, and what became of it; never a value."""

from __future__ import annotations

import csv
import sys
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from .. import output
from ..control_client import ControlClient
from ..diagnostics import UsageMistake
from ..options import Config, Json, group, settings
from ..periods import start_of

if TYPE_CHECKING:
    from daemon.control_api import PiiReport

app = group("What was found, and what became of it; never a value.")


@app.callback()
def pii() -> None:
    """A group of one command would be that command, without its name."""


class Group(StrEnum):
    TYPE = "type"
    KEY = "key"
    DAY = "day"


@app.command()
def report(
    *,
    by: Annotated[Group, typer.Option(help="One row for each, by kind and operator.")] = Group.TYPE,
    since: Annotated[str, typer.Option(help="7d, 24h, today, month, all or a date.")] = "7d",
    as_csv: Annotated[bool, typer.Option("--csv", help="For spreadsheets.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say which kinds of PII were found in requests and answers, how often, and what became of them."""
    if as_json and as_csv:
        raise UsageMistake("choose one of --json and --csv")
    loaded = settings(config)
    now = datetime.now(ZoneInfo(loaded.settings.server.timezone))
    start = start_of(since, now).astimezone(UTC).isoformat()
    found = ControlClient.of(loaded.data_dir, or_demo=True).pii_report(by=by, since=start)
    if as_json:
        output.json_document(found)
    elif as_csv:
        _write_csv(found, by)
    else:
        _show(found, by)


def _columns(by: Group) -> list[str]:
    return list(dict.fromkeys((by.value, "type", "operator", "findings", "requests")))


def _show(found: PiiReport, by: Group) -> None:
    output.line(f"{output.count(found['findings'])} values found in {output.count(found['requests'])} requests")
    output.line()
    columns = _columns(by)
    headings = [f"{column}>" if column in ("findings", "requests") else column for column in columns]
    rows = [[str(row.get(column, "")) for column in columns] for row in found["rows"]]
    output.table(headings, rows, empty="nothing was found")


def _write_csv(found: PiiReport, by: Group) -> None:
    writer = csv.DictWriter(sys.stdout, _columns(by), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(found["rows"])
