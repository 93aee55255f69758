"""`helix restore`: what `helix redact` replaced, put back; works without a daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import diagnostics
from ..options import Config, settings
from ..redaction import progress, sources, targets
from ..redaction.passphrases import passphrase
from ..redaction.sources import STDIN, TextInput
from ..redaction.writers import write_line

if TYPE_CHECKING:
    from typing import TextIO

    from daemon.pii.restoring import Restorer
    from daemon.pii.vault import Vault


def restore(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|FOLDER|-]...", help="The texts; - is stdin.")
    ] = None,
    *,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="What `helix redact --map` wrote.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each file below it, under its own name.")
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Each line is JSON with the text in FIELD.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of the map; else HELIX_MAP_PASSPHRASE.")
    ] = None,
    config: Config = None,
) -> None:
    """Put the originals back into texts: those of a map, and values that this installation encrypted."""
    data_dir = settings(config).data_dir
    found = sources.sources_of(files or [STDIN], leave_out=out)
    targets.refuse_to_mix(found, out)
    vault = _vault(map_file, passphrase_file, data_dir)
    from daemon.wiring import build_restorer

    restorer = build_restorer(vault, data_dir)
    with progress.shown(found) as begin:
        for source in found:
            if source.is_left_out:
                diagnostics.say(f"{source.name}: not a text, left out")
                continue
            with targets.target_of(source, out) as target, sources.opened(source, begin(source)) as text:
                for one in sources.texts_in(text, jsonl, source.name):
                    _restore(one, restorer, jsonl, target)


def _restore(text: TextInput, restorer: Restorer, jsonl: str | None, out: TextIO) -> None:
    if jsonl is not None:
        write_line(text, jsonl, "".join([*map(restorer.feed, text.parts), restorer.finish()]), out)
        return
    for part in text.parts:
        out.write(restorer.feed(part))
    out.write(restorer.finish())


def _vault(file: Path | None, passphrase_file: Path | None, data_dir: Path) -> Vault:
    from daemon.pii.map_file import read_map
    from daemon.pii.vault import Vault
    from daemon.wiring import map_key

    if file is None:
        return Vault()
    return read_map(file, passphrase=passphrase(passphrase_file), installation_key=map_key(data_dir))
