"""A file of cached answers: one JSON object a line, a page at a time, so that its size is no matter."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .diagnostics import CommandFailed

if TYPE_CHECKING:
    from daemon.control_api import Imported

    from .control_client import ControlClient

PAGE_LINES, PAGE_CHARACTERS = 100, 2 * 2**20
MAX_LINE_CHARACTERS = 12 * 2**20
"""An answer has at most 4 MiB, which its quotes may double."""


def export_cache(client: ControlClient, path: Path) -> int:
    """How many entries were written."""
    count = 0
    with _written(path) as file:
        for lines in client.cache_lines():
            file.writelines(json.dumps(line) + "\n" for line in lines)
            count += len(lines)
    return count


def import_cache(client: ControlClient, path: Path) -> Imported:
    """
    Raises:
        CommandFailed: a line is not one of an export; what stands before its page is kept.
    """
    taken: Imported = {"kept": 0, "passed_over": 0, "with_pii": 0}
    for first, page in _pages(path):
        try:
            done = client.take_cache_lines(page)
        except CommandFailed as error:
            raise CommandFailed(f"{path}, from line {first} on: {error}", error.exit_code) from error
        taken = {
            "kept": taken["kept"] + done["kept"],
            "passed_over": taken["passed_over"] + done["passed_over"],
            "with_pii": taken["with_pii"] + done["with_pii"],
        }
    return taken


def _pages(path: Path) -> Iterator[tuple[int, list[Any]]]:
    """Each with the number of its first line."""
    first, characters, page = 1, 0, []
    for number, text in enumerate(_lines(path), 1):
        try:
            page.append(json.loads(text))
        except ValueError:
            raise CommandFailed(f"{path}, line {number}: not JSON") from None
        characters += len(text)
        if len(page) == PAGE_LINES or characters >= PAGE_CHARACTERS:
            yield first, page
            first, characters, page = number + 1, 0, []
    if page:
        yield first, page


def _lines(path: Path) -> Iterator[str]:
    try:
        with sys.stdin if str(path) == "-" else path.open(encoding="utf-8") as file:
            while text := file.readline(MAX_LINE_CHARACTERS):
                yield text
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
