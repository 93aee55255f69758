"""A core file would hold every secret and every text in memory."""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> None:
    """For this process, and for those that it starts as far as the limit reaches: a started one has to call it too.

    Where Linux hands cores to a program (`kernel.core_pattern` with a pipe, as systemd and Apport have it) the limit
    does not count, see core(5). Only a process that is not dumpable leaves nothing there either.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
