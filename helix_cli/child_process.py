"""Running somebody else's command as if it had been started directly: its signals, its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

CANNOT_RUN = 126
NO_SUCH_COMMAND = 127
"""As shells say it."""

_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGQUIT)
_FROM_KEYBOARD = frozenset({signal.SIGINT, signal.SIGQUIT})


def run_child(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command to its end, on this process's own terminal and streams.

    Returns:
        Its exit code; 128 + n where signal n ended it.

    Raises:
        OSError: it could not be started.
    """
    child = subprocess.Popen(command, env=environ)  # noqa: S603 — running it is what was asked for
    with _signals_go_to(child):
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _signals_go_to(child: subprocess.Popen[bytes]) -> Iterator[None]:
    def forward(number: int, _frame: FrameType | None) -> None:
        if number not in _FROM_KEYBOARD or not _terminal_tells_the_child():
            child.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _terminal_tells_the_child() -> bool:
    """Ctrl-C goes to the whole foreground group: forwarded as well, the child would get it twice."""
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
