"""`helix status`: is it up, since when, in which mode."""

from __future__ import annotations

from .. import output
from ..options import Config, Json, connect


def status(*, config: Config = None, as_json: Json = False) -> None:
    """Is it up, since when, in which mode? Exit code 6 when it is not."""
    found = connect(config).status()
    if as_json:
        output.json_document(found)
        return
    output.line(f"{found['url']}  {found['mode']}  since {output.local_time(found['since'])}")
    output.line(f"pid {found['pid']}, version {found['version']}")
    output.line()
    parts = sorted(found["parts"].items())
    output.table(
        ["part", "mode", "reason"],
        [(name, part.get("status", ""), part.get("reason", "")) for name, part in parts],
    )
