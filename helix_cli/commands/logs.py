"""`helix logs`: the requests, as they happen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from .. import output
from ..diagnostics import DaemonUnreachable
from ..options import Config, Json, connect

if TYPE_CHECKING:
    from daemon.control_api.logs import LogRow

    from ..control_client import ControlClient

HEADER = f"{'time':8}  {'model':26}  {'cache':9}  {'code':>4}  {'cost':>11}  {'tokens':>13}  {'took':>7}  pii"
STYLES = {"exact": "green", "semantic": "green", "coalesced": "green"}


def logs(
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as they happen.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="How many of the past.")] = 20,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """The requests, as they happen; the newest comes last."""
    client = connect(config)
    rows = _followed(client, limit) if follow else iter(client.logs(limit))
    if as_json:
        for row in rows:
            output.json_line(row)
    else:
        _show(rows)


def _followed(client: ControlClient, limit: int) -> Iterator[LogRow]:
    yield from (row for row in client.follow_logs(limit) if row is not None)
    raise DaemonUnreachable("the daemon has stopped")


def _show(rows: Iterable[LogRow]) -> None:
    from rich.text import Text

    console = output.console()
    console.print(Text(HEADER, style="bold"), no_wrap=True, overflow="crop")
    for row in rows:
        console.print(Text(log_line(row), style=_style(row)), no_wrap=True, overflow="crop")


def log_line(row: LogRow) -> str:
    """One request on one line, in the columns of HEADER."""
    tokens = f"{output.count(row['input_tokens'])}/{output.count(row['output_tokens'])}"
    return output.printable(
        f"{output.local_time(row['at'], '%H:%M:%S'):8}  {row['model'][:26]:26}  {row['cache'] or row['kind']:9}  "
        f"{row['status']:>4}  {output.usd(row['cost_usd']):>11}  {tokens:>13}  "
        f"{output.milliseconds(row['total_ms']):>7}  {row['pii']}"
    ).rstrip()


def _style(row: LogRow) -> str:
    return "red" if row["status"] >= 400 else STYLES.get(row["cache"], "")
