"""What is written: the redacted text, its JSON, or where findings stand."""

from __future__ import annotations

import json
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Protocol, TextIO

from .sources import PART_CHARS, TextInput

if TYPE_CHECKING:
    from daemon.exchange import Span
    from daemon.pii.redacting import Redacted


class Writer(Protocol):
    def show(self, text: TextInput, pieces: Iterable[Redacted], out: TextIO) -> None: ...


class PlainText:
    """The redacted text itself."""

    def show(self, text: TextInput, pieces: Iterable[Redacted], out: TextIO) -> None:
        for piece in pieces:
            out.write(piece.text)


class JsonLines:
    """Each line as it was, but for the field."""

    def __init__(self, field: str) -> None:
        self._field = field

    def show(self, text: TextInput, pieces: Iterable[Redacted], out: TextIO) -> None:
        write_line(text, self._field, "".join(piece.text for piece in pieces), out)


def write_line(text: TextInput, field: str, value: str, out: TextIO) -> None:
    """A line of JSON with another text in its field."""
    out.write(json.dumps({**(text.holder or {}), field: value}, ensure_ascii=False) + "\n")


class Json:
    """`{"text", "findings"}` on one line, after `"file"` where there are several. Findings wait in a file, for the
    text goes out before them."""

    def __init__(self, name: str | None) -> None:
        self._file = "" if name is None else f'"file": {json.dumps(name)}, '

    def show(self, text: TextInput, pieces: Iterable[Redacted], out: TextIO) -> None:
        with SpooledTemporaryFile(max_size=PART_CHARS * 16, mode="w+", encoding="ascii") as findings:
            out.write(f'{{{self._file}"text": "')
            for piece in pieces:
                out.write(json.dumps(piece.text)[1:-1])
                for span in piece.findings:
                    findings.write(f"{', ' if findings.tell() else ''}{json.dumps(_finding(span))}")
            out.write('", "findings": [')
            findings.seek(0)
            out.writelines(iter(lambda: findings.read(PART_CHARS), ""))
            out.write("]}\n")


def _finding(span: Span) -> dict[str, object]:
    return {"entity_type": span.entity_type, "start": span.start, "end": span.end, "score": round(span.score, 4)}


class Locations:
    """`file:line:column KIND score` for each finding; never the value. Columns count code points from 1."""

    def __init__(self, name: str) -> None:
        self._name = name

    def show(self, text: TextInput, pieces: Iterable[Redacted], out: TextIO) -> None:
        cursor = _Cursor()
        for piece in pieces:
            for span in piece.findings:
                cursor.move_to(span.start, piece.source)
                # A field of a line of JSON stands on that line, whatever line ends are in it.
                line, column = (text.line, span.start + 1) if text.holder else (cursor.line, cursor.column)
                out.write(f"{self._name}:{line}:{column} {span.entity_type} {span.score:.2f}\n")
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
