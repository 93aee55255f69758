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
    rows = [(name, part.get("status", ""), part.get("reason", "")) for name, part in sorted(found["parts"].items())]
    for name, probed_in_s in sorted(found.get("unwell_providers", {}).items()):
        rows.append((f"provider {name}", "unwell", f"others are asked first; probed in {probed_in_s:.0f} s"))
    output.table(["part", "mode", "reason"], rows)
