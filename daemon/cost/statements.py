"""What the owner asks of the ledger: reports, exports, one request explained."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ..control_api.logs import ExplainedRow
from ..control_api.spend import Reconciliation, Review, Spend
from ..errors import BadRequest, NotFound
from ..exchange import JsonObject, LedgerRow
from ..ports.clock import Clock
from ..ports.cost import SpendQuery
from ..settings import Settings
from . import focus
from .ledger import Ledger
from .prices import Prices
from .reconciling import read_lines, reconcile
from .reports import explained, reconciliation, spend
from .review import review_of
from .windows import window_at

GROUPS = ("model", "key", "user", "team", "org", "tag", "day", "session", "client")

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Statements:
    """Answers from the ledger, rows of this moment included where the spend log can be written."""

    def __init__(self, ledger: Ledger, prices: Prices, settings: Settings, clock: Clock) -> None:
        self._ledger = ledger
        self._prices = prices
        self._clock = clock
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Take the time zone of new settings."""
        self._timezone = settings.server.timezone

    async def report(
        self, *, since: datetime | None = None, until: datetime | None = None, by: str | None = None
    ) -> Spend:
        """What was spent and saved.

        Raises:
            BadRequest: there is no such grouping.
            SpendLogUnavailable: there is no answer now.
        """
        if by is not None and by not in GROUPS:
            raise BadRequest(f'by = "{by}": expected one of {", ".join(GROUPS)}', param="by")
        spend_log = await self._ledger.up_to_date()
        return spend(await spend_log.report(self._query(since, until, by)))

    async def review(self, *, since: datetime | None = None, until: datetime | None = None) -> Review:
        """A period as a whole; without `until` it ends now.

        Raises:
            SpendLogUnavailable: there is no answer now.
        """
        now = self._clock.now()
        query, spend_log = self._query(since, until or now, None), await self._ledger.up_to_date()
        is_bounded = since is not None and since > _BEGINNING
        return await review_of(spend_log, self._prices, query, now, is_bounded=is_bounded)

    async def reconcile(self, body: JsonObject) -> Reconciliation:
        """An invoice's lines beside the ledger; `body` is that of `SPEND_RECONCILE`.

        Raises:
            BadRequest: it holds no lines, or what is none.
        """
        lines, provider = read_lines(body), body.get("provider")
        if provider is not None and not isinstance(provider, str):
            raise BadRequest("provider must be a string", param="provider")
        days = [line.day for line in lines]
        since, until = _utc_midnight(min(days)), _utc_midnight(max(days) + timedelta(days=1))
        billed = await (await self._ledger.up_to_date()).billed_days(self._query(since, until, None))
        return reconciliation(reconcile(lines, billed, provider))

    async def focus_csv(
        self, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The charges as FOCUS has them, in CSV, some lines at a time."""
        spend_log = await self._ledger.up_to_date()
        yield focus.header()
        async with aclosing(spend_log.charges(self._query(since, until, None))) as batches:
            async for charges in batches:
                yield focus.lines(charges)

    async def export_parquet(self, path: str, *, since: datetime | None = None, until: datetime | None = None) -> int:
        """Write the rows to a file; how many."""
        spend_log = await self._ledger.up_to_date()
        return await spend_log.export_parquet(self._query(since, until, None), path)

    async def explain(self, request_id: str) -> list[ExplainedRow]:
        """Why a request cost what it did: each attempt with its classes of tokens and their rates, oldest first.

        Raises:
            NotFound: the ledger has no such request.
        """
        rows = await (await self._ledger.up_to_date()).of_request(request_id)
        if not rows:
            raise NotFound(f"the ledger has no request {request_id}")
        return [explained(row) for row in rows]

    async def erase_user(self, user: str, pseudonym: str) -> int:
        """Put a pseudonym in the place of a user; the money stays. How many rows there were.

        Raises:
            SpendLogUnavailable: nothing may be assumed done.
        """
        return await self._ledger.erase_user(user, pseudonym)

    async def recent(self, limit: int) -> list[LedgerRow]:
        """The newest rows, newest last."""
        return await self._ledger.recent(limit)

    def midnight(self) -> datetime:
        """When today began in the configured time zone."""
        today = window_at("day", self._clock.now(), ZoneInfo(self._timezone))
        return today.starts_at or _BEGINNING

    def _query(self, since: datetime | None, until: datetime | None, by: str | None) -> SpendQuery:
        """Without `until`, all that there is: rows of this moment are part of it. No row is older than the beginning
        or younger than tomorrow, and calendars end somewhere."""
        tomorrow = self._clock.now() + timedelta(days=1)
        since, until = max(since or _BEGINNING, _BEGINNING), min(until or tomorrow, tomorrow)
        return SpendQuery(since=since, until=until, by=by, timezone=self._timezone)


def _utc_midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
