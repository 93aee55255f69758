"""`helix keys`: virtual keys, each bound to whom it is for and to what it may do."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from daemon.window_names import EXPECTED, is_window

from .. import output
from ..diagnostics import UsageMistake, say
from ..options import Config, Json, Yes, confirm, connect, group, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daemon.control_api import KeyMade, KeyRow

app = group("Virtual keys: whom a caller is, which models it may ask, how much and until when.")

COLUMNS = ["id", "name", "role", "bound to", "models", "limits", "made", "expires"]


class Role(StrEnum):
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `helix keys list` shows it.")]


@app.command()
def create(
    *,
    name: Annotated[str | None, typer.Option(help="What it is for.")] = None,
    user: Annotated[str | None, typer.Option(help="Whom its requests are from, whatever they say.")] = None,
    team: Annotated[str | None, typer.Option(help="The team that they count for.")] = None,
    org: Annotated[str | None, typer.Option(help="The organisation that they count for.")] = None,
    role: Annotated[
        Role, typer.Option(help="member asks models, viewer reads metrics, admin does both.")
    ] = Role.MEMBER,
    models: Annotated[list[str] | None, typer.Option(help="Patterns, as 'gpt-4o*,o3'; else all. Repeatable.")] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="USD/WINDOW", help="As 10/day, 50/month, 5/rolling:24h, 100/total.")
    ] = None,
    rpm: Annotated[int | None, typer.Option(min=1, help="Requests in any minute.")] = None,
    tpm: Annotated[int | None, typer.Option(min=1, help="Tokens in any minute.")] = None,
    parallel: Annotated[int | None, typer.Option(min=1, help="Requests at the same time.")] = None,
    expires: Annotated[str | None, typer.Option(metavar="TIME", help="12h, 30d: when it ends.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, this once."""
    wanted = {
        "name": name,
        "user": user,
        "team": team,
        "org": org,
        "role": role.value,
        "models": [pattern.strip() for each in models or () for pattern in each.split(",")],
        "budget": _budget(budget) if budget is not None else None,
        "rpm": rpm,
        "tpm": tpm,
        "parallel": parallel,
        "expires_s": seconds_of("--expires", expires) if expires is not None else None,
    }
    _show_secret(connect(config).create_key(wanted), as_json=as_json)


@app.command("list")
def list_(*, config: Config = None, as_json: Json = False) -> None:
    """Show every key, never its secret."""
    keys = connect(config).keys()
    if as_json:
        output.json_document(keys)
    else:
        output.table(COLUMNS, [_row(key) for key in keys], empty="no keys: helix keys create --name mine")


@app.command()
def rotate(
    key_id: KeyId,
    *,
    grace: Annotated[str, typer.Option(metavar="TIME", help="30m, 24h: how long the old secret still works.")] = "0h",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a key a new secret and print it, this once; id, budget and limits stay."""
    _show_secret(connect(config).rotate_key(key_id, seconds_of("--grace", grace)), as_json=as_json)


@app.command()
def revoke(key_id: KeyId, *, yes: Yes = False, config: Config = None) -> None:
    """End a key at once, and the budget that it was made with."""
    client = connect(config)
    confirm(f"Revoke {key_id}?", yes=yes)
    client.revoke_key(key_id)


def _show_secret(made: KeyMade, *, as_json: bool) -> None:
    """The key alone on stdout, so that `KEY=$(helix keys create)` works."""
    if as_json:
        output.json_document(made)
        return
    output.line(made["key"])
    say(f"this is {made['id']}, and it is not shown again")


def _row(key: KeyRow) -> tuple[str, ...]:
    return (
        key["id"],
        key["name"],
        key["role"],
        " ".join(f"{kind}:{name}" for kind, name in _bound_to(key)) or "–",
        " ".join(key["models"]) or "all",
        " ".join(_limits(key)) or "–",
        output.local_time(key["created_at"]),
        output.local_time(key["expires_at"]) if key["expires_at"] else "never",
    )


def _bound_to(key: KeyRow) -> Iterator[tuple[str, str]]:
    for kind, name in (("user", key["user"]), ("team", key["team"]), ("org", key["org"])):
        if name is not None:
            yield kind, name


def _limits(key: KeyRow) -> Iterator[str]:
    for unit, limit in (("rpm", key["rpm"]), ("tpm", key["tpm"]), ("parallel", key["parallel"])):
        if limit is not None:
            yield f"{output.count(limit)} {unit}"


def _budget(text: str) -> dict[str, str]:
    """`10/day`; the amount stays as it was written."""
    limit_usd, slash, window = text.partition("/")
    if not re.fullmatch(r"\$?\d+(\.\d+)?", limit_usd) or not slash or not is_window(window):
        raise UsageMistake(f"--budget {text}: expected an amount and a window, such as 10/day ({EXPECTED})")
    return {"limit_usd": limit_usd.removeprefix("$"), "window": window}
