"""A file of cached answers: one JSON object a line, a page at a time, so that its size is no matter."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from . import diagnostics
from .diagnostics import CommandFailed

if TYPE_CHECKING:
    from .control_client import ControlClient

PAGE_LINES, PAGE_CHARACTERS = 100, 2 * 2**20
MAX_LINE_CHARACTERS = 15 * 2**20
"""As it is sent. An answer has at most 4 MiB, which their escapes may treble."""
SHOWN_REFUSALS = 5
"""A file that is none of ours is wrong in each line: a few sentences are enough."""


def export_cache(client: ControlClient, path: Path) -> int:
    """How many entries were written."""
    count = 0
    with _written(path) as file:
        for lines in client.cache_lines():
            file.writelines(json.dumps(line) + "\n" for line in lines)
            count += len(lines)
    return count


@dataclass(slots=True)
class ImportResult:
    kept: int = 0
    passed_over: int = 0
    with_pii: int = 0
    refused: int = 0

    def refuse(self, path: Path, number: int, reason: str) -> None:
        self.refused += 1
        if self.refused <= SHOWN_REFUSALS:
            diagnostics.say(f"{path}, line {number}: {reason}")


@dataclass(slots=True)
class _Page:
    numbers: list[int] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    characters: int = 0

    def has_room_for(self, characters: int) -> bool:
        return not self.lines or (len(self.lines) < PAGE_LINES and self.characters + characters <= PAGE_CHARACTERS)

    def add(self, number: int, line: Any, characters: int) -> None:
        self.numbers.append(number)
        self.lines.append(line)
        self.characters += characters


def import_cache(client: ControlClient, path: Path, *, scope: str | None) -> ImportResult:
    """Have each line kept that can be; what is refused is said by its number, and the rest goes on.

    Raises:
        CommandFailed: the file cannot be read, or the daemon failed; what stands before that page is kept.
    """
    result = ImportResult()
    for page in _pages(path, result):
        taken = client.take_cache_lines(page.lines, scope=scope)
        result.kept += taken["kept"]
        result.passed_over += taken["passed_over"]
        result.with_pii += taken["with_pii"]
        for refused in taken["refused"]:
            result.refuse(path, page.numbers[refused["place"]], refused["reason"])
    return result


def _pages(path: Path, result: ImportResult) -> Iterator[_Page]:
    page = _Page()
    for number, text in _lines(path):
        if text is not None and text.isspace():
            continue
        try:
            line = json.loads(text) if text is not None else None
            characters = len(json.dumps(line))
        except (ValueError, RecursionError):
            result.refuse(path, number, "not JSON")
            continue
        if text is None or characters > MAX_LINE_CHARACTERS:
            result.refuse(path, number, f"longer than {MAX_LINE_CHARACTERS} characters")
            continue
        if not page.has_room_for(characters):
            yield page
            page = _Page()
        page.add(number, line, characters)
    if page.lines:
        yield page


def _lines(path: Path) -> Iterator[tuple[int, str | None]]:
    """Numbered from 1; None where one is too long to be read."""
    number = 0
    try:
        with sys.stdin if str(path) == "-" else path.open(encoding="utf-8") as file:
            while text := file.readline(MAX_LINE_CHARACTERS):
                number += 1
                is_whole = text.endswith("\n") or len(text) < MAX_LINE_CHARACTERS
                yield number, text if is_whole else None
                while not is_whole and (rest := file.readline(MAX_LINE_CHARACTERS)):
                    is_whole = rest.endswith("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path}: cannot be read: {error}") from error


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    if str(path) == "-":
        yield sys.stdout
        return
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            yield file
    except OSError as error:
        raise CommandFailed(f"{path}: cannot be written: {error.strerror}") from error
