"""A period looked at as a whole: its course, the period before, the month, what stands out, what would save money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ..control_api import spend as api
from ..ports.cost import SpendLog, SpendQuery
from ..spend_sums import HourSum, PromptCacheSum
from .advice import Advice, advice_on
from .money import usd_text
from .outlook import LEARNED_FROM, MonthOutlook, Step, course, first_hour_needed, month_outlook
from .prices import Prices
from .reports import spend
from .unusual import LEAST_HOURS, LEAST_SESSIONS, Unusual, stand_out

MOST_SHOWN = 10
"""Of what stands out, of each kind."""


async def review_of(
    spend_log: SpendLog, prices: Prices, query: SpendQuery, now: datetime, *, is_bounded: bool
) -> api.Review:
    """Look at a period that ends at `query.until`. `is_bounded`: it has a beginning that was asked for, so there is
    a period before it."""
    zone = ZoneInfo(query.timezone)
    since, until, local_now = (_local(moment, zone) for moment in (query.since, query.until, now))
    hours = await spend_log.hours(replace(query, since=_first_needed(query, local_now, zone)))
    prompt_caches = await spend_log.prompt_caches(query)
    return api.Review(
        previous=await _previous(spend_log, query) if is_bounded else None,
        course=[_step(step) for step in course(await spend_log.hours(query), since, until)],
        month=_month(month_outlook(hours, local_now)),
        prompt_cache=_prompt_cache(prompt_caches),
        unusual=[
            *_unusual("hour", _unusual_hours(hours, since)),
            *_unusual("session", await _unusual_sessions(spend_log, query)),
        ],
        advice=[_advice(advice) for advice in await advice_on(spend_log, query, prices, prompt_caches)],
    )


async def _previous(spend_log: SpendLog, query: SpendQuery) -> api.Spend:
    """The totals of as long a time right before."""
    length = query.until - query.since
    before = SpendQuery(query.since - length, query.since, timezone=query.timezone)
    return spend(await spend_log.report(before))


def _first_needed(query: SpendQuery, local_now: datetime, zone: ZoneInfo) -> datetime:
    needed = first_hour_needed(local_now).replace(tzinfo=zone)
    return min(query.since, query.until - LEARNED_FROM, needed)


def _unusual_hours(hours: Sequence[HourSum], since: datetime) -> list[Unusual]:
    """Those of the period, measured by it and by the weeks before."""
    costs = {f"{each.hour:%Y-%m-%dT%H}": each.cost_usd for each in hours}
    return [one for one in stand_out(costs, LEAST_HOURS) if datetime.fromisoformat(f"{one.name}:00") >= since]


async def _unusual_sessions(spend_log: SpendLog, query: SpendQuery) -> list[Unusual]:
    rows = (await spend_log.report(replace(query, by="session")))["rows"]
    return stand_out({row["session"]: row["cost_usd"] for row in rows if row["session"]}, LEAST_SESSIONS)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _step(step: Step) -> api.SpendStep:
    return api.SpendStep(at=step.label, cost_usd=usd_text(step.cost_usd), saved_usd=usd_text(step.saved_usd))


def _month(outlook: MonthOutlook | None) -> api.MonthOutlook | None:
    if outlook is None:
        return None
    return api.MonthOutlook(
        month=outlook.month,
        spent_usd=usd_text(outlook.spent_usd),
        projected_usd=usd_text(outlook.projected_usd),
        days_known=outlook.days_known,
    )


def _prompt_cache(found: Iterable[PromptCacheSum]) -> api.PromptCache:
    rows = [(one, one.uncached_usd - one.cost_usd) for one in found]
    return api.PromptCache(
        read_tokens=sum(one.read_tokens for one, _ in rows),
        written_tokens=sum(one.written_tokens for one, _ in rows),
        saved_usd=usd_text(sum((saved_usd for _, saved_usd in rows), Decimal(0))),
        rows=[
            api.PromptCacheRow(
                provider=one.provider,
                model=one.model,
                read_tokens=one.read_tokens,
                written_tokens=one.written_tokens,
                saved_usd=usd_text(saved_usd),
            )
            for one, saved_usd in rows
        ],
    )


def _unusual(kind: str, found: Sequence[Unusual]) -> list[api.UnusualSpend]:
    return [
        api.UnusualSpend(
            kind=kind,
            name=one.name,
            cost_usd=usd_text(one.cost_usd),
            usual_usd=usd_text(one.usual_usd),
            z=one.z,
        )
        for one in found[:MOST_SHOWN]
    ]


def _advice(advice: Advice) -> api.Advice:
    return api.Advice(
        kind=advice.kind,
        saving_usd=usd_text(advice.saving_usd),
        calls=advice.calls,
        text=advice.text,
        step=advice.step,
    )
