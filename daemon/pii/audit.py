"""The audit: what kind of PII was found, how often, what became of it, for which key and when. Never a value."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

from ..control_api import PiiReport
from ..errors import BadRequest, StoreUnavailable
from ..exchange import Ask
from ..ports.clock import Clock
from ..ports.pii import AuditGroup, AuditLog, AuditQuery, AuditRow, AuditSide

log = logging.getLogger(__name__)

GROUPS: tuple[AuditGroup, ...] = ("type", "key", "day")

_WRITE_EVERY_S = 1.0
_REMOVE_EVERY_S = 3600.0
# What waits while the disk is away: some 10 MB. Beyond it rows are lost, and that is logged.
_MOST_WAITING = 50_000

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Audit:
    """Takes what was found and writes it down within a second; a crash may take the last one with it."""

    def __init__(self, audit_log: AuditLog, clock: Clock, *, days: int, timezone: str) -> None:
        """`days`: how long it is kept; 0: nothing is written down."""
        self._log = audit_log
        self._clock = clock
        self._waiting: list[AuditRow] = []
        self._task: asyncio.Task[None] | None = None
        self._removed_s = 0.0
        self.configure(days=days, timezone=timezone)

    def configure(self, *, days: int, timezone: str) -> None:
        self._days = days
        self._timezone = timezone

    async def start(self) -> None:
        """Open the log; while it is not there findings are not written down, which is logged."""
        try:
            await self._log.open()
        except StoreUnavailable as error:
            log.warning("what is found is not written down: %s", error)
        else:
            await self._remove_old()
        self._task = asyncio.create_task(self._write_forever())

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self._try_to_write()
        await self._log.aclose()

    def note(self, ask: Ask, side: AuditSide, counts: Mapping[str, int], operators: Mapping[str, str]) -> None:
        """Write down what was found in a request or its answer, by kind, and the operator of each kind."""
        if not self._days or len(self._waiting) > _MOST_WAITING:
            return
        self._waiting += [
            AuditRow(ask.received_at, ask.id, ask.caller.key, side, kind, operators[kind], count)
            for kind, count in counts.items()
        ]

    async def report(self, *, by: str, since: datetime | None, until: datetime | None) -> PiiReport:
        """
        Raises:
            BadRequest: there is no such grouping.
            StoreUnavailable: there is no answer now.
        """
        group = next((group for group in GROUPS if group == by), None)
        if group is None:
            raise BadRequest(f'by = "{by}": expected one of {", ".join(GROUPS)}', param="by")
        await self._write()
        tomorrow = self._clock.now() + timedelta(days=1)
        query = AuditQuery(since or _BEGINNING, until or tomorrow, group, ZoneInfo(self._timezone))
        return cast(PiiReport, await self._log.report(query))

    async def erase(self, keys: list[str]) -> int:
        """Remove what was found in the requests of these keys; how many rows."""
        await self._write()
        return await self._log.remove_of(keys)

    async def _write_forever(self) -> None:
        while True:
            await asyncio.sleep(_WRITE_EVERY_S)
            await self._try_to_write()
            if self._clock.monotonic_s() - self._removed_s >= _REMOVE_EVERY_S:
                await self._remove_old()

    async def _try_to_write(self) -> None:
        try:
            await self._write()
        except StoreUnavailable as error:
            log.warning("%d findings wait to be written down: %s", len(self._waiting), error)

    async def _write(self) -> None:
        """Others note, and may write, while this writes: each row is taken by one of them."""
        rows, self._waiting = self._waiting, []
        if not rows:
            return
        try:
            await self._log.write(rows)
        except BaseException:
            self._waiting = rows + self._waiting
            raise

    async def _remove_old(self) -> None:
        self._removed_s = self._clock.monotonic_s()
        try:
            await self._log.remove_before(self._clock.now() - timedelta(days=self._days))
        except StoreUnavailable as error:
            log.warning("old findings are not removed yet: %s", error)
