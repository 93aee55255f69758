"""Asks the daemon in two threads, for as long as it takes: sums every few seconds, requests as they happen."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from textual.message import Message

from daemon.errors import HelixError

from ..control_client import ControlClient
from .messages import DaemonGone, OverviewArrived, RequestsArrived

if TYPE_CHECKING:
    from daemon.control_api.logs import LogRow

INTERVAL_S = 2.0
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 8.0
KEPT_REQUESTS = 500
"""A burst beyond this loses its oldest rows on the screen, not in the ledger."""


class Feed:
    """Survives the daemon's going away: each thread reads the runtime file anew and tries again, more and more rarely.

    The threads are daemon threads: one that waits for the next request must not keep the program from ending.
    """

    def __init__(self, data_dir: Path, tell: Callable[[Message], object]) -> None:
        """`tell` is called in the feed's threads."""
        self._data_dir = data_dir
        self._tell = tell
        self._stopped = Event()
        self._asked = Event()
        self._lock = Lock()
        self._waiting: deque[LogRow] = deque(maxlen=KEPT_REQUESTS)

    def start(self) -> None:
        for work in (self._watch_overview, self._watch_requests):
            Thread(target=work, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._asked.set()

    def refresh(self) -> None:
        """Ask for the sums now."""
        self._asked.set()

    def take(self) -> list[LogRow]:
        """The requests that arrived since the last call, oldest first. After a pause of the daemon, some may be
        known already."""
        with self._lock:
            rows = list(self._waiting)
            self._waiting.clear()
        return rows

    def _watch_overview(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopped.is_set():
            try:
                self._tell(OverviewArrived(ControlClient.of(self._data_dir, or_demo=True).overview()))
                pause_s, retry_s = INTERVAL_S, FIRST_RETRY_S
            except HelixError as error:
                pause_s, retry_s = retry_s, min(2 * retry_s, LAST_RETRY_S)
                self._tell(DaemonGone(str(error), pause_s))
            self._asked.wait(pause_s)
            self._asked.clear()

    def _watch_requests(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._stopped.is_set():
            try:
                for row in ControlClient.of(self._data_dir, or_demo=True).follow_logs(KEPT_REQUESTS):
                    retry_s = FIRST_RETRY_S
                    if row is not None:
                        self._arrived(row)
                    if self._stopped.is_set():
                        return
            except HelixError:
                # The other thread says so: one banner is enough.
                retry_s = min(2 * retry_s, LAST_RETRY_S)
            self._stopped.wait(retry_s)

    def _arrived(self, row: LogRow) -> None:
        """Told once for all that wait, so a burst does not flood the app with messages."""
        with self._lock:
            is_first = not self._waiting
            self._waiting.append(row)
        if is_first:
            self._tell(RequestsArrived())
