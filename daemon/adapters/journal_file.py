"""The journal: JSON lines in a row of files, `<first sequence number>.jsonl`.

A line is handed to the operating system before `append` returns, so it survives the death of this process;
`sync` makes it survive that of the machine. Each start begins a new file: a line that a crash tore is then the
last of its file for ever, and nothing is ever written behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from ..errors import CannotStart, JournalUnavailable

log = logging.getLogger(__name__)

FILE_BYTES = 16 * 2**20


class FileJournal:
    """Journal over a directory of its own. `append` is called from one thread, that of the event loop; `replay`
    and `sync` may run beside it."""

    def __init__(self, directory: Path, *, fsync_always: bool = False, file_bytes: int = FILE_BYTES) -> None:
        """Open the directory and continue its numbering.

        Raises:
            CannotStart: the directory cannot be made, read or written.
        """
        self._directory = directory
        self._fsync_always = fsync_always
        self._file_bytes = file_bytes
        self._fd: int | None = None
        self._size = 0
        self._full: list[int] = []
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._files = sorted(int(path.stem) for path in directory.glob("*.jsonl"))
            self._seq = self._last_seq_on_disk()
        except (OSError, ValueError) as error:
            raise CannotStart(f"the journal in {directory} cannot be opened: {error}") from error

    def append(self, record: dict[str, Any]) -> int:
        self._seq += 1
        self._write(orjson.dumps({"seq": self._seq, **record}, default=str, option=orjson.OPT_APPEND_NEWLINE))
        return self._seq

    def replay(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for first in tuple(self._files):
            yield from _records(self._path(first))

    async def sync(self) -> None:
        full, self._full = self._full, []
        # A descriptor of its own: the file may be full and closed before the disk is done.
        open_now = [os.dup(self._fd)] if self._fd is not None else []
        await asyncio.to_thread(_sync_and_close, [*full, *open_now])

    def start_after(self, seq: int) -> None:
        self._seq = max(self._seq, seq)

    def forget_through(self, seq: int) -> None:
        """The newest file stays even where all of it may go, since its name carries the numbering on."""
        while len(self._files) > 1 and self._files[1] <= seq + 1:
            self._path(self._files.pop(0)).unlink(missing_ok=True)

    def begin_file(self) -> None:
        try:
            self._begin_file(self._seq + 1)
        except OSError as error:
            raise JournalUnavailable(f"the journal cannot be written: {error.strerror}") from error

    def close(self) -> None:
        open_now = [self._fd] if self._fd is not None else []
        self._fd = None
        _sync_and_close([*self._full, *open_now])
        self._full = []

    def _write(self, line: bytes) -> None:
        """On failure the file is cut back to where it was.

        Raises:
            JournalUnavailable: nothing was written.
        """
        try:
            fd = self._open_file()
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, "the disk is full")
            if self._fsync_always:
                os.fsync(fd)
        except OSError as error:
            self._cut_back()
            raise JournalUnavailable(f"the journal cannot be written: {error.strerror}") from error
        self._size += len(line)

    def _cut_back(self) -> None:
        """Take away what a failed write left, so that later lines stay readable."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)

    def _open_file(self) -> int:
        """The descriptor to append to; a new file at the start and when the last one is full."""
        if self._fd is not None and self._size < self._file_bytes:
            return self._fd
        return self._begin_file(self._seq)

    def _begin_file(self, first_seq: int) -> int:
        fd = os.open(self._path(first_seq), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._fd is not None:
            self._full.append(self._fd)  # synced and closed by the next `sync`, off the event loop
        self._fd, self._size = fd, 0
        if first_seq not in self._files[-1:]:
            self._files.append(first_seq)
        return fd

    def _last_seq_on_disk(self) -> int:
        if not self._files:
            return 0
        newest = self._files[-1]
        return max((seq for seq, _ in _records(self._path(newest))), default=newest)

    def _path(self, first_seq: int) -> Path:
        return self._directory / f"{first_seq:020d}.jsonl"


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n"):
                return  # torn: never acknowledged
            try:
                record = orjson.loads(line)
                yield record.pop("seq"), record
            except (ValueError, KeyError, TypeError, AttributeError):
                log.warning("%s holds a line that is no record; it is left out", path)


def _sync_and_close(fds: list[int]) -> None:
    for fd in fds:
        try:
            os.fsync(fd)
        except OSError as error:
            log.warning("the journal's disk did not take what was written: %s", error.strerror)
        finally:
            os.close(fd)
