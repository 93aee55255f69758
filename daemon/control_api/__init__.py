"""Paths and shapes shared by the daemon's control API and the command line; the larger subjects have a file each.

Money is a decimal string, a moment is ISO 8601 in UTC. Every route wants
`Authorization: Bearer <token>` with the token of `<data_dir>/daemon.json`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

from .cache import CacheStats
from .spend import Spend

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
"""GET ?sample=&scope= -> AuditPlan; POST {"sample", "max_usd", "scope"?} -> CacheAudit"""
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

    # beside these the group's own column: "model", "key", "user", "team", "org", "tag", "day", "session" or "client"


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


class Overview(TypedDict):
    status: Status
    today: Spend
    """Since midnight of the configured time zone, by model."""
    cache: CacheStats
    budgets: list[BudgetRow]
