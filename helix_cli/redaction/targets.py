"""Where it is written to: stdout, or a file below a folder, in its place once it is whole."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TextIO

from ..diagnostics import CommandFailed, UsageMistake
from .sources import Source


def refuse_to_mix(found: Sequence[Source], out: Path | None) -> None:
    """Several texts on one stdout are told apart by nobody, and no file is written over.

    Raises:
        UsageMistake: there would be.
    """
    if out is None:
        if len(found) > 1:
            raise UsageMistake("several files: say --out FOLDER, below which each is written")
        return
    seen: dict[Path, str] = {}
    for source in found:
        if source.path is not None and (out / source.relative).resolve() == source.path.resolve():
            raise UsageMistake(f"--out {out}: {source.name} would be written over")
        if (other := seen.setdefault(source.relative, source.name)) != source.name:
            raise UsageMistake(f"--out {out}: {other} and {source.name} have one name there")


def target_of(source: Source, out: Path | None) -> AbstractContextManager[TextIO]:
    """Where the text of a source goes; `out` None: to stdout."""
    return standard_output() if out is None else file_below(out, source)


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """UTF-8, whatever the terminal says; bytes that were no UTF-8 leave as they came."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    yield sys.stdout


@contextmanager
def file_below(folder: Path, source: Source) -> Iterator[TextIO]:
    """The file of the same relative name; on an error one that was there before stays.

    Raises:
        CommandFailed: it cannot be written.
    """
    path = folder / source.relative
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out:
            yield out
        if source.path is not None:
            shutil.copymode(source.path, draft)
        draft.replace(path)
    except OSError as error:
        raise CommandFailed(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)
