"""`helix redact`: text in, redacted text out; works without a daemon."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from .. import diagnostics
from ..diagnostics import CommandFailed, ExitCode, UsageMistake
from ..options import Config, Json, settings
from ..redaction import progress, sources, targets, writers
from ..redaction.passphrases import passphrase
from ..redaction.sources import STDIN, Source, TextInput

if TYPE_CHECKING:
    from daemon.pii.map_file import MapWriter
    from daemon.pii.redacting import Redacted, Redactor
    from daemon.settings import PiiSettings


class RedactOperator(StrEnum):
    REPLACE = "replace"
    MASK = "mask"
    HASH = "hash"
    ENCRYPT = "encrypt"
    BLOCK = "block"


def redact(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE|FOLDER|-]...", help="The texts; - is stdin.")
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Print where PII stands; exit 8 when there is any.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write each file below it, under its own name.")
    ] = None,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Each line is JSON with the text in FIELD.")
    ] = None,
    entities: Annotated[str | None, typer.Option(metavar="A,B", help="Look for these kinds only.")] = None,
    operator: Annotated[RedactOperator | None, typer.Option(help="What becomes of a value.")] = None,
    map_file: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Keep the originals there, encrypted, for restore.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Of the map; else HELIX_MAP_PASSPHRASE, else a key of yours.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Replace the PII in texts. Exits 8 where --check finds any, or a kind is blocked."""
    loaded = settings(config)
    policy = narrowed(loaded.settings.pii, entities, operator)
    found = sources.sources_of(files or [STDIN], leave_out=out)
    if out is not None or not (check or as_json):
        targets.refuse_to_mix(found, out)
    with _map_writer(map_file, passphrase_file, loaded.data_dir) as names:
        from daemon.wiring import build_redactor

        redactor = build_redactor(policy, loaded.data_dir, None if names is None else names.add)
        run = _Run(
            redactor, jsonl, _writer_for(check=check, jsonl=jsonl, as_json=as_json, are_several=len(found) > 1), out
        )
        run.redact_each(found)
    if run.kinds and check:
        raise typer.Exit(ExitCode.PII)
    if blocked := sorted(kind for kind in run.kinds if policy.operator_of(kind) == "block"):
        raise CommandFailed(f"the text holds {', '.join(blocked)}, which is blocked", ExitCode.PII)


@dataclass(slots=True)
class _Run:
    """Redacts one source after the other; placeholders are numbered through all of them."""

    redactor: Redactor
    jsonl: str | None
    writer_for: Callable[[str], writers.Writer]
    out: Path | None
    kinds: set[str] = field(default_factory=set)
    """What was found so far."""

    def redact_each(self, found: Sequence[Source]) -> None:
        with progress.shown(found) as begin:
            for source in found:
                if source.is_left_out:
                    diagnostics.say(f"{source.name}: not a text, left out")
                    continue
                with targets.target_of(source, self.out) as out, sources.opened(source, begin(source)) as text:
                    self._redact(source, text, out)

    def _redact(self, source: Source, text: TextIO, out: TextIO) -> None:
        writer = self.writer_for(source.name)
        for one in sources.texts_in(text, self.jsonl, source.name):
            writer.show(one, self._pieces(one), out)

    def _pieces(self, text: TextInput) -> Iterator[Redacted]:
        for piece in redacted_pieces(self.redactor, text.parts):
            self.kinds.update(span.entity_type for span in piece.findings)
            yield piece


def _map_writer(
    file: Path | None, passphrase_file: Path | None, data_dir: Path
) -> AbstractContextManager[MapWriter | None]:
    if file is None:
        return nullcontext()
    from daemon.pii.map_file import MapWriter
    from daemon.wiring import map_key

    secret = passphrase(passphrase_file)
    return MapWriter(file, passphrase=secret, installation_key=b"" if secret else map_key(data_dir))


def _writer_for(*, check: bool, jsonl: str | None, as_json: bool, are_several: bool) -> Callable[[str], writers.Writer]:
    if as_json:
        return lambda name: writers.Json(name if are_several else None)
    if check:
        return writers.Locations
    return lambda name: writers.JsonLines(jsonl) if jsonl else writers.PlainText()


def narrowed(policy: PiiSettings, entities: str | None, operator: RedactOperator | None) -> PiiSettings:
    """The settings of the file, with the kinds and the operator of the command line.

    Raises:
        UsageMistake: a kind is not known.
    """
    from daemon.settings import OFF_BY_DEFAULT, ON_BY_DEFAULT

    known = ON_BY_DEFAULT | OFF_BY_DEFAULT | policy.entities.keys() | {own.name for own in policy.recognizers}
    wanted = _names(entities) if entities is not None else {k for k in known if policy.operator_of(k) != "allow"}
    if unknown := sorted(wanted - known):
        raise UsageMistake(
            f"--entities: nothing here is called {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )
    kept = {kind: policy.operator_of(kind) for kind in wanted}
    chosen = {kind: operator or ("replace" if kept[kind] == "allow" else kept[kind]) for kind in wanted}
    return policy.model_copy(update={"entities": dict.fromkeys(known, "allow") | chosen})


def _names(listed: str) -> set[str]:
    return {name.strip().upper() for name in listed.split(",") if name.strip()}


def redacted_pieces(redactor: Redactor, parts: Iterable[str]) -> Iterator[Redacted]:
    for part in parts:
        yield redactor.feed(part)
    yield redactor.finish()
