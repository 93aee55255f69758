"""Daemons that stay up from one test to the next: a start costs two seconds of CPU."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.daemon_process import Daemon

AT_ONCE = 3
"""Each takes some 300 MB."""


class SharedDaemons:
    """Found again by their settings; the one that was asked for longest ago makes room for a new one."""

    def __init__(self, new_folder: Callable[[], Path]) -> None:
        self._new_folder = new_folder
        self._running: dict[tuple[object, ...], Daemon] = {}

    @asynccontextmanager
    async def visit(self, settings: str, **environ: str) -> AsyncIterator[Daemon]:
        """One with these settings, as a new caller knows it."""
        wanted = (settings, *sorted(environ.items()))
        daemon = self._running.pop(wanted, None) or await self._start(settings, environ)
        self._running[wanted] = daemon
        async with daemon.as_caller() as visited:
            yield visited

    async def _start(self, settings: str, environ: dict[str, str]) -> Daemon:
        if len(self._running) == AT_ONCE:
            self._running.pop(next(iter(self._running))).end()
        daemon = Daemon(self._new_folder(), settings, **environ)
        await daemon.start()
        return daemon

    def close(self) -> None:
        for daemon in self._running.values():
            daemon.end()
