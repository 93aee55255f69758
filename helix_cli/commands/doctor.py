"""`helix doctor`: what is wrong on this machine, and the next step for each."""

from __future__ import annotations

import os
from dataclasses import asdict

import typer

from .. import checkup, output
from ..diagnostics import ExitCode
from ..options import Config, Json


def doctor(*, config: Config = None, as_json: Json = False) -> None:
    """Say what is wrong on this machine, and the next step for each. Exit code 1 when something is."""
    findings = list(checkup.examine(config, os.environ))
    is_well = not any(finding.state == "wrong" for finding in findings)
    if as_json:
        output.json_document({"ok": is_well, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            output.line(f"{finding.state:5}  {finding.check:9}  {finding.says}")
            if finding.next_step:
                output.line(f"{'':16}  → {finding.next_step}")
    raise typer.Exit(ExitCode.OK if is_well else ExitCode.FAILURE)
