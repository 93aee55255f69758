"""Sums over the spend log's rows, as SQL."""

# ruff: noqa: S608  (SQL is put together from this file's constants only; values are parameters)

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..exchange import JsonObject
from ..ports import SpendQuery

Rows = Callable[[str, dict[str, Any]], list[dict[str, Any]]]
"""Answers SQL with its named parameters, a dict for each row."""

BETWEEN = '"at" >= $since AND "at" < $until'

MAX_GROUPS = 10_000
"""Of one report. Sessions and users can be as many as calls, and a report is held in memory."""

SUMS = """
count(*) FILTER (kind = 'call') AS calls,
count(*) FILTER (kind = 'hit') AS hits,
count(*) FILTER (kind = 'refused') AS refused,
count(*) FILTER (outcome = 'unknown') AS unknown,
count(*) FILTER (outcome = 'unpriced') AS unpriced,
count(*) FILTER (outcome = 'estimated') AS estimated,
coalesce(sum(cost_usd), 0)::DECIMAL(38,12) AS cost_usd,
coalesce(sum(saved_usd), 0)::DECIMAL(38,12) AS saved_usd,
coalesce(round(sum(saved_ms) / 1000, 3), 0) AS saved_s,
coalesce(sum(input_tokens) FILTER (kind = 'call'), 0)::BIGINT AS input_tokens,
coalesce(sum(output_tokens) FILTER (kind = 'call'), 0)::BIGINT AS output_tokens,
coalesce(sum(cached_read_tokens), 0)::BIGINT AS cached_read_tokens,
coalesce(sum(cache_write_tokens), 0)::BIGINT AS cache_write_tokens
"""

_LOCAL = """timezone($zone, timezone('UTC', "at"))"""

GROUPS = {
    "model": "model",
    "key": '"key"',
    "user": "coalesce(\"user\", '')",
    "team": "coalesce(team, '')",
    "org": "coalesce(org, '')",
    "tag": "unnest(CASE WHEN len(tags) = 0 THEN [''] ELSE list_distinct(tags) END)",
    "day": f"strftime({_LOCAL}, '%Y-%m-%d')",
    "session": "session",
    "client": "client",
}
"""What each `by` groups on; a row without it is in the group `''`, one with several tags in each of theirs."""

SCOPES = {
    "all": "true",
    "org": "org = $name",
    "team": "team = $name",
    "user": '"user" = $name',
    "key": '"key" = $name',
    "model": "$name IN (model, upstream_model, provider || '/' || upstream_model)",
    "tag": "list_contains(tags, $name)",
}
"""Which rows count against a budget's scope."""

SPENT_NANOS = "coalesce(sum(ceil(coalesce(cost_usd, bound_usd, 0) * 1000000000)::HUGEINT), 0)"


def report(rows: Rows, query: SpendQuery) -> JsonObject:
    """The totals of a period, and those of each group: dearest first, days in order."""
    values = period(query)
    totals = rows(f"SELECT {SUMS} FROM ledger WHERE {BETWEEN}", values)[0]
    if query.by is None:
        return {**totals, "rows": []}
    if query.by == "day":
        values["zone"] = query.timezone
    keyed = f'SELECT *, {GROUPS[query.by]} AS "group" FROM ledger WHERE {BETWEEN}'
    order = '"group"' if query.by == "day" else 'cost_usd DESC, calls DESC, "group"'
    grouped = f'SELECT "group", {SUMS} FROM ({keyed}) GROUP BY "group" ORDER BY {order} LIMIT {MAX_GROUPS}'
    return {**totals, "rows": [{query.by: row.pop("group"), **row} for row in rows(grouped, values)]}


def period(query: SpendQuery) -> dict[str, Any]:
    """The parameters of `BETWEEN`."""
    return {"since": stored(query.since), "until": stored(query.until)}


def stored(moment: datetime) -> datetime:
    """As the table has it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
