"""A person taken out of the spend log; what was spent stays."""

# ruff: noqa: S608  (SQL is put together from names of columns; values are parameters)

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

_EMPTIED = ("session", "prompt_print")
"""What else tells of a person: the conversation, and a print by which equal prompts are known."""


def erase_user(connection: Any, user: str, pseudonym: str) -> int:
    """How many rows were the user's. A refusal's reason names the budget that refused, which may be the user's."""
    columns = {name for (name,) in connection.execute("SELECT column_name FROM (DESCRIBE ledger)").fetchall()}
    emptied = "".join(f", {name} = ''" for name in _EMPTIED if name in columns)
    ((count,),) = connection.execute(
        f"""UPDATE ledger SET "user" = $pseudonym, reason = replace(reason, 'user:' || $user, 'user:' || $pseudonym)
            {emptied} WHERE "user" = $user""",
        {"user": user, "pseudonym": pseudonym},
    ).fetchall()
    return int(count)


def rewrite(path: Path, connect: Callable[[Path], Any]) -> None:
    """Write the file anew with what is in it, and nothing that was."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    with closing(connect(draft)) as fresh:
        quoted = str(path).replace("'", "''")
        fresh.execute(f"ATTACH '{quoted}' AS old (READ_ONLY)")
        fresh.execute(f'COPY FROM DATABASE old TO "{_name_of(fresh)}"')
    draft.replace(path)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def _name_of(connection: Any) -> str:
    return str(connection.execute("SELECT current_database()").fetchone()[0])
