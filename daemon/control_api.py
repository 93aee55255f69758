"""Shapes and paths shared by the daemon's control API and the command line.

Money is a decimal string, a moment is ISO 8601 in UTC. Every route wants
`Authorization: Bearer <token>` with the token of `<data_dir>/daemon.json`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

PREFIX = "/control/v1"

STATUS = f"{PREFIX}/status"
"""GET -> Status"""
CACHE_STATS = f"{PREFIX}/cache/stats"
"""GET -> CacheStats"""
CACHE_CLEAR = f"{PREFIX}/cache/clear"
"""POST {"id"?, "scope"?, "namespace"?, "model"?, "tag"?, "older_than_s"?} -> {"cleared": int | None}; None: so many
that they are still being removed, though nobody gets them any more"""
CACHE_LINES = f"{PREFIX}/cache/lines"
"""GET ?after=&limit= -> {"last": int, "lines": [an entry, see caching/entry_lines.py]}, none at the end;
POST {"lines": [...], "scope"?} -> Imported"""
CACHE_AUDIT = f"{PREFIX}/cache/audit"
"""POST {"sample", "max_usd"} -> CacheAudit"""
CACHE_WHY = f"{PREFIX}/cache/why"
"""POST {"text", "model"?, "system"?, "key"?} -> Why"""
BUDGETS = f"{PREFIX}/budgets"
"""GET -> {"budgets": [BudgetRow]}; PUT {"scope", "window", "limit_usd", "soft_pct"?, "fallback_model"?} -> BudgetRow;
DELETE ?scope=&window= -> {"removed": bool}"""
BUDGET_RAISE = f"{PREFIX}/budgets/raise"
"""POST {"scope", "window"?, "by_usd", "for_s"} -> BudgetRow"""
BUDGET_WHY = f"{PREFIX}/budgets/why"
"""GET ?scope= -> {"budgets": [BudgetRow], "refusals": [LogRow]}"""
KEYS = f"{PREFIX}/keys"
"""GET -> {"keys": [KeyRow]}, oldest first; POST {"name"?, "user"?, "team"?, "org"?, "role"?, "models"?, "rpm"?, "tpm"?,
"parallel"?, "expires_s"?, "budget"?: {"limit_usd", "window"}} -> KeyMade; DELETE ?id= -> {"revoked": str}"""
KEY_ROTATE = f"{PREFIX}/keys/rotate"
"""POST {"id", "grace_s"?} -> KeyMade"""
SPEND = f"{PREFIX}/spend"
"""GET ?by=&since=&until= (ISO 8601) -> Spend"""
SPEND_REVIEW = f"{PREFIX}/spend/review"
"""GET ?since=&until= (ISO 8601) -> Review"""
SPEND_EXPLAIN = f"{PREFIX}/spend/explain"
"""GET ?id= -> {"rows": [ExplainedRow]}, oldest first; 404 where the ledger has no such request"""
SPEND_RECONCILE = f"{PREFIX}/spend/reconcile"
"""POST {"lines": [InvoiceLine], "provider"?} -> Reconciliation"""
SPEND_FOCUS = f"{PREFIX}/spend/focus"
"""GET ?since=&until= (ISO 8601) -> text/csv: charges with the columns of FOCUS 1.2"""
SPEND_PARQUET = f"{PREFIX}/spend/parquet"
"""POST {"path", "since", "until"} -> {"rows": int}"""
PII_REPORT = f"{PREFIX}/pii/report"
"""GET ?by=type|key|day&since=&until= (ISO 8601) -> PiiReport"""
ERASE = f"{PREFIX}/privacy/erase"
"""POST {"user"} -> Erased"""
ROTATE_KEY = f"{PREFIX}/privacy/rotate-key"
"""POST {"forget_old"?} -> {"file": str, "keys": int}"""
LOGS = f"{PREFIX}/logs"
"""GET ?limit= -> {"rows": [LogRow]}, oldest first"""
LOGS_FOLLOW = f"{PREFIX}/logs/follow"
"""GET ?limit= -> application/x-ndjson: LogRow a line, the last `limit` first, then as they happen;
an empty line every few seconds while nothing happens."""
OVERVIEW = f"{PREFIX}/overview"
"""GET -> Overview: what the dashboard shows, in one call."""
RELOAD = f"{PREFIX}/reload"
"""POST -> {"reloaded": bool, "message": str}"""


def demo_dir() -> Path:
    """Where `helix serve --demo` of this user keeps its throw-away data, so that `helix tui` finds it."""
    return Path(tempfile.gettempdir(), f"helix-demo-{os.geteuid()}")


TAGGED = "/tagged/{tags}"
"""Before any route for clients: what is asked there has these tags, `a,b`, whatever headers a client can send."""


def tagged_url(url: str, tags: Sequence[str]) -> str:
    """The gateway's address for a client whose requests are to have these tags."""
    return url + TAGGED.format(tags=",".join(tags))


class RuntimeFile(TypedDict):
    """`<data_dir>/daemon.json`, mode 0600."""

    url: str
    pid: int
    version: str
    token: str


class Status(TypedDict):
    url: str
    pid: int
    version: str
    mode: str
    """`ok`, `degraded` or `starting`, as /health/ready says."""
    since: str
    parts: dict[str, dict[str, str]]
    unwell_providers: dict[str, float]
    """Those whose circuit breaker is open, and in how many seconds a call probes them."""


class CacheHits(TypedDict):
    exact: int
    semantic: int
    coalesced: int


class CacheScope(TypedDict):
    """How right near hits of one scope are, by answers that were asked all the same and compared."""

    scope: str
    mode: str
    """`shadow`, `serving` or `stopped`; what is proven is served in each of them."""
    threshold: float | None
    """The least probability that is served; None where none is."""
    reading: str | None
    """`specific` or `topical`: what the probability is of, see models/verifier/."""
    checks: int
    wrong: int
    error_low: float
    """Of the 95% interval of the share of wrong ones."""
    error_high: float


class CacheStats(TypedDict):
    """`checks` to `error_high` are those of all scopes together."""

    entries: int
    bytes: int
    hits: CacheHits
    misses: int
    saved_usd: str
    saved_s: float
    checks: int
    wrong: int
    error_low: float
    error_high: float
    scopes: list[CacheScope]


class BenchRow(TypedDict):
    """What one rule did with a labelled file, over all seeds."""

    rule: str
    """`helix` with a `max_error`, or `cosine` with a threshold."""
    setting: float
    asked: int
    answerable: int
    """How many had a right answer in the cache."""
    hits: int
    wrong: int
    hit_rate: float
    """Of all that were asked."""
    wrong_of_hits: float
    wrong_low: float
    """Of its 95% interval (Wilson)."""
    wrong_high: float


class BenchTable(TypedDict):
    """`helix bench cache`, for one file."""

    file: str
    kind: str
    """`stream` or `pairs`."""
    rows: list[BenchRow]


class RefusedLine(TypedDict):
    place: int
    """In the list that was sent, from 0 on."""
    reason: str


class Imported(TypedDict):
    kept: int
    passed_over: int
    """They had ended, their places were taken, or they are of another scope than was asked for."""
    with_pii: int
    """In whose question or answer PII was found, so that they are not kept."""
    refused: list[RefusedLine]
    """What is no line of an export."""


class CacheAudit(TypedDict):
    checks: int
    """Near hits that were asked again and compared."""
    wrong: int
    failed: int
    """They could not be: the provider refused, the price is not known, or there was no text."""
    error_low: float
    """Of the 95% interval of the share of wrong ones."""
    error_high: float
    cost_usd: str


class WhyStep(TypedDict):
    step: str
    """scope, exact, eligible, candidates, age, threshold, placeholders, guards, verifier, bound"""
    outcome: str
    """pass, stop or hit"""
    detail: str


class WhyCandidate(TypedDict):
    id: int
    similarity: float
    question: str
    verdict: str
    """`hit`, or which check refused it"""


class Why(TypedDict):
    verdict: str
    """exact, semantic or miss"""
    steps: list[WhyStep]
    candidates: list[WhyCandidate]
    model: str
    key: str


class BudgetRow(TypedDict):
    scope: str
    window: str
    limit_usd: str
    spent_usd: str
    reserved_usd: str
    resets_at: str | None
    soft_pct: int
    fallback_model: str
    """Who answers where there is no room; empty: nobody."""
    origin: str
    """`helix.toml` or `helix budget`"""
    raised_until: str | None
    """Until when the limit is higher than the budget's own; None: it is not."""


class KeyRow(TypedDict):
    """A virtual key; None: it leaves that open."""

    id: str
    """What ledger, logs and budgets name it by."""
    name: str
    user: str | None
    team: str | None
    org: str | None
    role: str
    """`admin`, `member` or `viewer`"""
    models: list[str]
    rpm: int | None
    tpm: int | None
    parallel: int | None
    created_at: str
    expires_at: str | None


class KeyMade(KeyRow):
    key: str
    """The secret, which is shown this once."""


class SpendRow(TypedDict, total=False):
    calls: int
    hits: int
    refused: int
    unknown: int
    unpriced: int
    estimated: int
    cost_usd: str
    saved_usd: str
    saved_s: float
    """How long the providers took to make the answers that came from the cache."""
    input_tokens: int
    output_tokens: int
    cached_read_tokens: int
    """Of the input: read from, and written to, the providers' own prompt caches."""
    cache_write_tokens: int
    # beside these the group's own column: "model", "key", "user", "team", "org", "tag", "day", "session" or "client"


class Spend(TypedDict):
    cost_usd: str
    saved_usd: str
    calls: int
    hits: int
    refused: int
    unknown: int
    unpriced: int
    estimated: int
    saved_s: float
    rows: list[SpendRow]


class SpendStep(TypedDict):
    at: str
    """`2026-11-25`, or `2026-11-25T14` for an hour, on the configured clock."""
    cost_usd: str
    saved_usd: str


class MonthOutlook(TypedDict):
    month: str
    """`2026-11`"""
    spent_usd: str
    projected_usd: str
    days_known: int
    """Whole days that the pace was learned from: 28 at most."""


class PromptCacheRow(TypedDict):
    provider: str
    model: str
    read_tokens: int
    written_tokens: int
    saved_usd: str
    """Beside what the same tokens would have cost as plain input; negative where the cache cost more."""


class PromptCache(TypedDict):
    """The providers' own prompt caches; their sums, then by model."""

    read_tokens: int
    written_tokens: int
    saved_usd: str
    rows: list[PromptCacheRow]


class UnusualSpend(TypedDict):
    kind: str
    """`hour` or `session`"""
    name: str
    cost_usd: str
    usual_usd: str
    """The median of its kind."""
    z: float


class Advice(TypedDict):
    kind: str
    """cheaper_model, cache_off, cache_scope or prompt_cache"""
    saving_usd: str
    calls: int
    text: str
    step: str
    """What to write or change."""


class Review(TypedDict):
    previous: Spend | None
    """As long a time right before; None where the period has no beginning."""
    course: list[SpendStep]
    """Hour by hour up to 48 hours, else day by day."""
    month: MonthOutlook | None
    """None while less than three whole days are known."""
    prompt_cache: PromptCache
    unusual: list[UnusualSpend]
    advice: list[Advice]


class PiiRow(TypedDict):
    """One kind with one operator, and one key or day where that was asked for."""

    type: str
    operator: str
    """replace, mask, hash, encrypt, block, or detect: found and let through"""
    findings: int
    requests: int
    key: NotRequired[str]
    day: NotRequired[str]


class PiiReport(TypedDict):
    findings: int
    requests: int
    rows: list[PiiRow]


class InvoiceLine(TypedDict):
    """What a provider's invoice has for one day (UTC) and model."""

    day: str
    model: str
    """Empty where the invoice names none."""
    cost_usd: str
    tolerance_usd: str
    """How far the amount was rounded."""


class InvoiceDifference(TypedDict):
    day: str
    model: str
    invoice_usd: str | None
    ledger_usd: str | None
    difference_usd: str
    """Invoice less ledger."""
    reason: str
    """outside, not_invoiced, other_day, unpriced, unknown, estimated, price, higher or lower"""
    text: str
    """The likely reason in words."""


class Reconciliation(TypedDict):
    invoice_usd: str
    ledger_usd: str
    difference_usd: str
    equal: int
    """How many days of models agree."""
    differences: list[InvoiceDifference]
    providers: list[str]
    """Whose calls were compared: the provider asked for, or those of which the invoice names a model."""


class Erased(TypedDict):
    """What was removed of a user."""

    pseudonym: str
    """Who stands for them in the ledger now."""
    cache_entries: int
    vaults: int
    keys: list[str]
    """Virtual keys of theirs, which open nothing any more."""
    findings: int
    """Lines of the audit, of these keys."""
    budgets: list[str]
    ledger_rows: int
    """How many have the pseudonym; their amounts are as they were."""
    left: list[str]
    """What only the owner can remove, a sentence each."""


class LogRow(TypedDict):
    id: str
    at: str
    kind: str
    outcome: str
    dialect: str
    provider: str
    model: str
    key: str
    cache: str
    similarity: float | None
    status: int
    cost_usd: str | None
    saved_usd: str | None
    input_tokens: int
    output_tokens: int
    ttft_ms: float | None
    total_ms: float | None
    pii: str
    reason: str
    tags: list[str]
    user: str | None
    team: str | None
    org: str | None
    session: str
    client: str


class PricePart(TypedDict):
    """Tokens of one class."""

    name: str
    """input, input_audio, input_image, cached_read, cache_write_5m, cache_write_1h, output, reasoning, output_audio
    or output_image"""
    tokens: int
    usd_per_mtok: str
    cost_usd: str


class ExplainedRow(LogRow):
    request_id: str
    upstream_model: str
    swapped_from: str
    """The model that would have answered, had no rule of `[[optimize]]` chosen a cheaper one; else empty."""
    price_source: str
    bound_usd: str | None
    """The most that it can have cost, where `cost_usd` is not known."""
    parts: list[PricePart]
    """These add up to `cost_usd`."""


class Overview(TypedDict):
    status: Status
    today: Spend
    """Since midnight of the configured time zone, by model."""
    cache: CacheStats
    budgets: list[BudgetRow]
