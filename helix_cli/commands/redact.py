"""`helix redact`: text in, redacted text out; works without a daemon."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Annotated, Protocol, TextIO

import typer

from ..diagnostics import CommandFailed, ExitCode, UsageMistake
from ..options import Config, Json, settings

if TYPE_CHECKING:
    from daemon.exchange import Span
    from daemon.pii.redacting import Redacted, Redactor
    from daemon.settings import PiiSettings

PART_CHARS = 65_536
STDIN = "-"


class RedactOperator(StrEnum):
    REPLACE = "replace"
    MASK = "mask"
    HASH = "hash"
    ENCRYPT = "encrypt"
    BLOCK = "block"


def redact(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="The text; - is stdin.")] = STDIN,
    *,
    check: Annotated[bool, typer.Option("--check", help="Print where PII stands; exit 8 when there is any.")] = False,
    jsonl: Annotated[
        str | None, typer.Option(metavar="FIELD", help="Each line is JSON with the text in FIELD.")
    ] = None,
    entities: Annotated[str | None, typer.Option(metavar="A,B", help="Look for these kinds only.")] = None,
    operator: Annotated[RedactOperator | None, typer.Option(help="What becomes of a value.")] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Replace the PII in a text. Exits 8 where --check finds any, or a kind is blocked."""
    loaded = settings(config)
    policy = narrowed(loaded.settings.pii, entities, operator)
    with _opened(file) as source:
        from daemon.wiring import build_redactor

        redactor = build_redactor(policy, loaded.data_dir)
        texts = _json_texts(source, jsonl, file) if jsonl else [_Input(_parts(source))]
        writer = _Json() if as_json else _Locations(file) if check else _JsonLines(jsonl) if jsonl else _Text()
        found = _show(texts, redactor, writer)
    if found and check:
        raise typer.Exit(ExitCode.PII)
    if blocked := sorted(kind for kind in found if policy.operator_of(kind) == "block"):
        raise CommandFailed(f"the text holds {', '.join(blocked)}, which is blocked", ExitCode.PII)


def _show(texts: Iterable[_Input], redactor: Redactor, writer: _Writer) -> set[str]:
    """Write every text redacted; the kinds that were found."""
    found: set[str] = set()
    _write_utf8()
    for text in texts:
        writer.show(text, _noting(redacted_pieces(redactor, text.parts), found))
    return found


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


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    """The text as it is: line ends stay, and bytes that are no UTF-8 come out as they went in."""
    try:
        binary = sys.stdin.buffer if file == STDIN else Path(file).open("rb")  # noqa: SIM115 (closed below)
    except FileNotFoundError:
        raise CommandFailed(f"{file}: there is no such file", ExitCode.NOT_FOUND) from None
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None
    with io.TextIOWrapper(binary, "utf-8", "surrogateescape", newline="") as source:
        yield source


def _write_utf8() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class _Input:
    """One text to redact: a whole file, or one field of `holder`, a line of JSON."""

    parts: Iterable[str]
    line: int = 1
    holder: Mapping[str, object] | None = None


def _parts(source: TextIO) -> Iterator[str]:
    return iter(lambda: source.read(PART_CHARS), "")


def _json_texts(source: TextIO, field: str, file: str) -> Iterator[_Input]:
    """The field of each line.

    Raises:
        CommandFailed: a line is not a JSON object with a text there; what was before it is done.
    """
    for number, line in enumerate(source, start=1):
        try:
            holder = json.loads(line)
            text = holder[field]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CommandFailed(f"{file}:{number}: expected a JSON object with a field {field}") from None
        if not isinstance(text, str):
            raise CommandFailed(f"{file}:{number}: the field {field} is not a text")
        yield _Input([text], number, holder)


def redacted_pieces(redactor: Redactor, parts: Iterable[str]) -> Iterator[Redacted]:
    for part in parts:
        yield redactor.feed(part)
    yield redactor.finish()


def _noting(pieces: Iterable[Redacted], found: set[str]) -> Iterator[Redacted]:
    """Pass the pieces on, and note which kinds were found."""
    for piece in pieces:
        found.update(span.entity_type for span in piece.findings)
        yield piece


class _Writer(Protocol):
    def show(self, text: _Input, pieces: Iterable[Redacted]) -> None: ...


class _Text:
    """The redacted text itself."""

    def show(self, text: _Input, pieces: Iterable[Redacted]) -> None:
        for piece in pieces:
            sys.stdout.write(piece.text)


class _JsonLines:
    """Each line as it was, but for the field."""

    def __init__(self, field: str) -> None:
        self._field = field

    def show(self, text: _Input, pieces: Iterable[Redacted]) -> None:
        redacted = "".join(piece.text for piece in pieces)
        sys.stdout.write(json.dumps({**(text.holder or {}), self._field: redacted}, ensure_ascii=False) + "\n")


class _Json:
    """`{"text", "findings"}` on one line. Findings wait in a file, for the text goes out before them."""

    def show(self, text: _Input, pieces: Iterable[Redacted]) -> None:
        with SpooledTemporaryFile(max_size=PART_CHARS * 16, mode="w+", encoding="ascii") as findings:
            sys.stdout.write('{"text": "')
            for piece in pieces:
                sys.stdout.write(json.dumps(piece.text)[1:-1])
                for span in piece.findings:
                    findings.write(f"{', ' if findings.tell() else ''}{json.dumps(_finding(span))}")
            sys.stdout.write('", "findings": [')
            findings.seek(0)
            sys.stdout.writelines(iter(lambda: findings.read(PART_CHARS), ""))
            sys.stdout.write("]}\n")


def _finding(span: Span) -> dict[str, object]:
    return {"entity_type": span.entity_type, "start": span.start, "end": span.end, "score": round(span.score, 4)}


class _Locations:
    """`file:line:column KIND score` for each finding; never the value. Columns count code points from 1."""

    def __init__(self, file: str) -> None:
        self._file = file

    def show(self, text: _Input, pieces: Iterable[Redacted]) -> None:
        cursor = _Cursor()
        for piece in pieces:
            for span in piece.findings:
                cursor.move_to(span.start, piece.source)
                # A field of a line of JSON stands on that line, whatever line ends are in it.
                line, column = (text.line, span.start + 1) if text.holder else (cursor.line, cursor.column)
                sys.stdout.write(f"{self._file}:{line}:{column} {span.entity_type} {span.score:.2f}\n")
            cursor.pass_over(piece.source)


class _Cursor:
    """Counts lines and columns through a text that comes in pieces."""

    def __init__(self) -> None:
        self.line = self.column = 1
        self._piece_start = self._at = 0

    def move_to(self, offset: int, piece: str) -> None:
        """Go to an offset of the whole text that lies in this piece."""
        between = piece[self._at - self._piece_start : offset - self._piece_start]
        self._at = offset
        self.line += between.count("\n")
        self.column = len(between) - between.rfind("\n") if "\n" in between else self.column + len(between)

    def pass_over(self, piece: str) -> None:
        """Go to the end of the piece; the next one begins there."""
        self.move_to(self._piece_start + len(piece), piece)
        self._piece_start = self._at
