"""Sums over the spend log's rows, as SQL."""

# ruff: noqa: S608  (SQL is put together from this file's constants only; values are parameters)

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ..exchange import JsonObject
from ..ports.cost import SpendQuery
from ..spend_sums import BilledDay, Charge, HourSum, PromptCacheSum, Repeats, SmallCalls

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


# Every zone is off by whole quarters of an hour, and there are far fewer of these to convert than rows.
_HOURS = f"""
WITH quarters AS (
    SELECT time_bucket(INTERVAL 15 MINUTES, "at") AS "at",
        count(*) FILTER (kind = 'call') AS calls,
        count(*) FILTER (kind = 'hit') AS hits,
        sum(cost_usd) AS cost_usd,
        sum(saved_usd) AS saved_usd
    FROM ledger WHERE {BETWEEN} GROUP BY 1
)
SELECT date_trunc('hour', {_LOCAL}) AS hour, sum(calls)::BIGINT AS calls, sum(hits)::BIGINT AS hits,
    coalesce(sum(cost_usd), 0)::DECIMAL(38,12) AS cost_usd,
    coalesce(sum(saved_usd), 0)::DECIMAL(38,12) AS saved_usd
FROM quarters GROUP BY hour ORDER BY hour
"""


def hours(rows: Rows, query: SpendQuery) -> list[HourSum]:
    """Those in which something was asked, in order."""
    return [HourSum(**row) for row in rows(_HOURS, {**period(query), "zone": query.timezone})]


# Rates are few, so tokens are added up by class and rate before anything is reckoned. What was read from a cache or
# written to it would have cost what other input did by the same price: a source names model, tier and step.
_PROMPT_CACHE = f"""
WITH parts AS (
    SELECT provider, upstream_model AS model, price_source, unnest(string_split(price_parts, ',')) AS part
    FROM ledger
    WHERE {BETWEEN} AND kind = 'call' AND price_parts <> '' AND (cached_read_tokens > 0 OR cache_write_tokens > 0)
), classes AS (
    SELECT provider, model, price_source, split_part(part, '=', 1) AS class,
        split_part(part, '@', 2)::DECIMAL(20,15) AS usd,
        sum(split_part(split_part(part, '=', 2), '@', 1)::BIGINT)::BIGINT AS tokens
    FROM parts GROUP BY provider, model, price_source, class, usd
), priced AS (
    SELECT provider, model,
        max(usd) FILTER (class = 'input') AS plain_usd,
        coalesce(sum(tokens) FILTER (class = 'cached_read'), 0)::BIGINT AS read_tokens,
        coalesce(sum(tokens) FILTER (class LIKE 'cache_write%'), 0)::BIGINT AS written_tokens,
        sum(tokens * usd) FILTER (class LIKE 'cache%') AS cost_usd
    FROM classes GROUP BY provider, model, price_source
)
SELECT provider, model,
    sum(read_tokens)::BIGINT AS read_tokens,
    sum(written_tokens)::BIGINT AS written_tokens,
    sum(cost_usd)::DECIMAL(38,12) AS cost_usd,
    sum((read_tokens + written_tokens) * plain_usd)::DECIMAL(38,12) AS uncached_usd
FROM priced WHERE plain_usd IS NOT NULL GROUP BY provider, model ORDER BY uncached_usd DESC
"""


def prompt_caches(rows: Rows, query: SpendQuery) -> list[PromptCacheSum]:
    return [PromptCacheSum(**row) for row in rows(_PROMPT_CACHE, period(query))]


_SMALL_CALLS = f"""
SELECT provider, upstream_model AS model, count(*) AS calls, sum(cost_usd)::DECIMAL(38,12) AS cost_usd,
    sum(input_tokens - cached_read_tokens - cache_write_tokens)::BIGINT AS input_tokens,
    sum(cached_read_tokens)::BIGINT AS cached_read_tokens,
    sum(cache_write_tokens)::BIGINT AS cache_write_tokens,
    sum(output_tokens)::BIGINT AS output_tokens
FROM ledger
WHERE {BETWEEN} AND kind = 'call' AND outcome = 'settled' AND status = 200 AND cost_usd > 0
    AND NOT with_tools AND reasoning_tokens = 0
    AND input_tokens <= $max_input_tokens AND output_tokens BETWEEN 1 AND $max_output_tokens
GROUP BY provider, upstream_model
"""


def small_calls(rows: Rows, query: SpendQuery, max_input_tokens: int, max_output_tokens: int) -> list[SmallCalls]:
    limits = {"max_input_tokens": max_input_tokens, "max_output_tokens": max_output_tokens}
    return [SmallCalls(**row) for row in rows(_SMALL_CALLS, {**period(query), **limits})]


_ANSWERED = "kind = 'call' AND status = 200 AND cost_usd > 0 AND prompt_print <> ''"

# Of each prompt all but the first call could have been a hit: of calls past the cache, those of one key; of calls
# that missed, those that are the first of their key, but not of all.
_REPEATS = f"""
WITH past AS (
    SELECT count(*) - 1 AS calls, sum(cost_usd) - arg_min(cost_usd, "at") AS cost_usd
    FROM ledger WHERE {BETWEEN} AND {_ANSWERED} AND cache = 'bypass' GROUP BY prompt_print, "key" HAVING count(*) > 1
), firsts AS (
    SELECT prompt_print, min("at") AS first_at, arg_min(cost_usd, "at") AS cost_usd
    FROM ledger WHERE {BETWEEN} AND {_ANSWERED} AND cache = 'miss' GROUP BY prompt_print, "key"
), apart AS (
    SELECT count(*) - 1 AS calls, sum(cost_usd) - arg_min(cost_usd, first_at) AS cost_usd
    FROM firsts GROUP BY prompt_print HAVING count(*) > 1
)
SELECT 'off' AS why, sum(calls)::BIGINT AS calls, sum(cost_usd)::DECIMAL(38,12) AS cost_usd
FROM past HAVING count(*) > 0
UNION ALL
SELECT 'apart', sum(calls)::BIGINT, sum(cost_usd)::DECIMAL(38,12) FROM apart HAVING count(*) > 0
"""


def repeats(rows: Rows, query: SpendQuery) -> list[Repeats]:
    return [Repeats(**row) for row in rows(_REPEATS, period(query))]


# What a failed call cost is nothing, and no charge.
_CHARGES = f"""
WITH calls AS (
    SELECT "at"::DATE AS day, provider, upstream_model, model, "key", "user", team, org, tags, price_source, outcome,
        unnest(string_split(price_parts, ',')) AS part, price_parts = '' AS is_whole,
        input_tokens + output_tokens AS tokens, cost_usd
    FROM ledger WHERE {BETWEEN} AND kind = 'call' AND (price_parts <> '' OR cost_usd IS NULL OR cost_usd > 0)
), parts AS (
    SELECT * EXCLUDE (part, tokens, cost_usd, is_whole), split_part(part, '=', 1) AS token_class,
        CASE WHEN is_whole THEN NULL ELSE split_part(part, '@', 2)::DECIMAL(20,15) END AS usd_per_token,
        CASE WHEN is_whole THEN tokens ELSE split_part(split_part(part, '=', 2), '@', 1)::BIGINT END AS tokens,
        CASE WHEN is_whole THEN cost_usd END AS whole_usd
    FROM calls
)
SELECT day, provider, upstream_model, model, "key", "user", team, org, tags, price_source, outcome, token_class,
    usd_per_token, sum(tokens)::BIGINT,
    coalesce(sum(whole_usd), sum(tokens * usd_per_token))::DECIMAL(38,12)
FROM parts GROUP BY ALL ORDER BY ALL
"""


def open_charges(cursor: Any, query: SpendQuery) -> None:
    cursor.execute(_CHARGES, period(query))


def next_charges(cursor: Any, count: int) -> list[Charge]:
    """Up to `count` more; none at the end."""
    return [Charge(*map(_frozen, row)) for row in cursor.fetchmany(count)]


_BILLED_DAYS = f"""
SELECT "at"::DATE AS day, provider, upstream_model AS model, count(*) AS calls,
    coalesce(sum(cost_usd), 0)::DECIMAL(38,12) AS cost_usd,
    count(*) FILTER (outcome = 'unpriced') AS unpriced,
    count(*) FILTER (outcome = 'unknown') AS unknown,
    count(*) FILTER (outcome = 'estimated') AS estimated,
    coalesce(sum(bound_usd) FILTER (outcome = 'unknown'), 0)::DECIMAL(38,12) AS bound_usd
FROM ledger WHERE {BETWEEN} AND kind = 'call' AND outcome <> 'failed' GROUP BY 1, 2, 3
"""


def billed_days(rows: Rows, query: SpendQuery) -> list[BilledDay]:
    return [BilledDay(**row) for row in rows(_BILLED_DAYS, period(query))]


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def period(query: SpendQuery) -> dict[str, Any]:
    """The parameters of `BETWEEN`."""
    return {"since": stored(query.since), "until": stored(query.until)}


def stored(moment: datetime) -> datetime:
    """As the table has it: UTC, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None)
