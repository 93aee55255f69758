"""How far it is: a bar on stderr, where a person sits and it takes a while."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from .sources import Source

# Some seconds of work; less than that is over before anybody has read the bar.
_WORTH_A_BAR_BYTES = 8 * 2**20

OnRead = Callable[[int], object]


@contextmanager
def shown(sources: Sequence[Source]) -> Iterator[Callable[[Source], OnRead | None]]:
    """For each source what is to be told how many bytes of it were read."""
    total = sum(source.size_bytes for source in sources)
    if total < _WORTH_A_BAR_BYTES or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda source: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        done = 0

        def begin(source: Source) -> OnRead:
            nonlocal done
            before, done = done, done + source.size_bytes
            progress.update(task, description=source.name)
            return lambda read_bytes: progress.update(task, completed=before + read_bytes)

        yield begin
