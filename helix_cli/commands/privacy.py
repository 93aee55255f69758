"""`helix privacy`: a person's data, and the key that stored data rests under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .. import output
from ..options import Config, Json, Yes, confirm, connect, group

if TYPE_CHECKING:
    from daemon.control_api import Erased

app = group("A person's data, and the key that stored data rests under.")


@app.command()
def erase(
    *,
    user: Annotated[str, typer.Option(metavar="USER", help="As `helix spend --by user` names them.")],
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Remove all that is stored of a person.

    Cached answers that were made for them, vaults, virtual keys and budgets go; in the ledger a pseudonym takes their
    place, so every sum stays as it was.
    """
    client = connect(config)
    confirm(f"Remove all that is stored of {user}, their keys included? There is no way back.", yes=yes)
    erased = client.erase_user(user)
    if as_json:
        output.json_document(erased)
    else:
        _show(erased)


@app.command()
def rotate_key(
    *,
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="Destroy the old keys: what they sealed is lost.")
    ] = False,
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Seal stored data with a new key; old keys still open what they sealed, which is sealed anew when it is read."""
    client = connect(config)
    if forget_old:
        confirm("Destroy the old keys? Encrypted answers and the vaults of stateful calls are lost with them.", yes=yes)
    file, keys = client.rotate_storage_key(forget_old=forget_old)
    if as_json:
        output.json_document({"file": file, "keys": keys})
    else:
        output.line(f"a new key is in use; {file} holds {keys}")


@app.command()
def new_key(
    *,
    keyring: Annotated[
        str, typer.Option(metavar="NAME", help="Put it into the system's keyring, for `keyring:NAME`, instead.")
    ] = "",
) -> None:
    """Print a key for `storage.encryption_key`, as the environment or a file may hold it."""
    if keyring:
        from daemon.wiring import make_key_in_keyring

        make_key_in_keyring(keyring)
        output.line(f'made; in helix.toml: encryption_key = "keyring:{keyring}"')
    else:
        from daemon.storage_keys import new_key as made

        output.line(made())


def _show(erased: Erased) -> None:
    output.table(
        ["what", "removed>"],
        [
            ("cached answers", output.count(erased["cache_entries"])),
            ("vaults of stateful calls", output.count(erased["vaults"])),
            ("virtual keys", output.count(len(erased["keys"]))),
            ("lines of the audit", output.count(erased["findings"])),
            ("budgets", output.count(len(erased["budgets"]))),
        ],
    )
    output.line()
    output.line(f"{output.count(erased['ledger_rows'])} rows of the ledger are now {erased['pseudonym']}'s")
    for sentence in erased["left"]:
        output.line(sentence)
