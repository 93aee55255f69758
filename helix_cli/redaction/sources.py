"""What is read: files, the files of folders, stdin; as a whole, or a field of each line of JSON."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from ..diagnostics import CommandFailed, ExitCode, UsageMistake

STDIN = "-"
PART_CHARS = 65_536

# Git asks the first 8,000 bytes in the same way whether a file is binary.
_PROBED_BYTES = 8_000
_LEFT_ALONE = frozenset({".git", ".hg", ".svn"})


@dataclass(frozen=True, slots=True)
class Source:
    """`path` None: stdin. `relative` is where it lies below the folder that was named, else its own name."""

    name: str
    path: Path | None
    relative: Path
    is_of_folder: bool = False

    @property
    def size_bytes(self) -> int:
        return 0 if self.path is None else self.path.stat().st_size

    @property
    def is_left_out(self) -> bool:
        """Whether a folder brought it and it is no text: a NUL stands near its beginning."""
        if self.path is None or not self.is_of_folder:
            return False
        with _binary(self.name, self.path) as file:
            return b"\0" in file.read(_PROBED_BYTES)


def sources_of(named: Sequence[str], *, leave_out: Path | None = None) -> list[Source]:
    """The files that are named, and those in the folders that are, in order; links in folders are not followed.

    `leave_out` is a folder whose files are not wanted.

    Raises:
        CommandFailed: a name is neither file nor folder.
        UsageMistake: stdin is named beside others.
    """
    if STDIN in named and len(named) > 1:
        raise UsageMistake("- is stdin, and cannot be read beside files")
    return [source for name in named for source in _named(name, leave_out)]


def _named(name: str, leave_out: Path | None) -> Iterator[Source]:
    path = Path(name)
    if name == STDIN:
        yield Source(name, None, Path(name))
    elif path.is_dir():
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(one for one in folders if one not in _LEFT_ALONE and Path(folder, one) != leave_out)
            for file in sorted(Path(folder, one) for one in files):
                if file.is_file() and not file.is_symlink():
                    yield Source(str(file), file, file.relative_to(path), is_of_folder=True)
    elif path.exists():
        yield Source(name, path, Path(path.name))
    else:
        raise CommandFailed(f"{name}: there is no such file", ExitCode.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class TextInput:
    """One text: a whole file, or one field of `holder`, a line of JSON."""

    parts: Iterable[str]
    line: int = 1
    holder: Mapping[str, object] | None = None


@contextmanager
def opened(source: Source, on_read: Callable[[int], object] | None = None) -> Iterator[TextIO]:
    """The text as it is: line ends stay, and bytes that are no UTF-8 come out as they went in. `on_read` is told how
    many bytes were read so far, now and then."""
    file = sys.stdin.buffer if source.path is None else _binary(source.name, source.path)
    counted = file if on_read is None else io.BufferedReader(_Counting(file, on_read), PART_CHARS)
    with io.TextIOWrapper(counted, "utf-8", "surrogateescape", newline="") as text:
        yield text


def texts_in(text: TextIO, jsonl: str | None, name: str) -> Iterator[TextInput]:
    """The whole, or the field `jsonl` of each line.

    Raises:
        CommandFailed: a line is not a JSON object with a text there; what was before it is done.
    """
    if jsonl is None:
        yield TextInput(iter(lambda: text.read(PART_CHARS), ""))
        return
    for number, line in enumerate(text, start=1):
        try:
            holder = json.loads(line)
            value = holder[jsonl]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise CommandFailed(f"{name}:{number}: expected a JSON object with a field {jsonl}") from None
        if not isinstance(value, str):
            raise CommandFailed(f"{name}:{number}: the field {jsonl} is not a text")
        yield TextInput([value], number, holder)


def _binary(name: str, path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise CommandFailed(f"{name}: {error.strerror}") from None


class _Counting(io.RawIOBase):
    """Tells how many bytes of a file were read."""

    def __init__(self, file: BinaryIO, on_read: Callable[[int], object]) -> None:
        self._file = file
        self._on_read = on_read
        self._bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._bytes += len(data)
        self._on_read(self._bytes)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()
