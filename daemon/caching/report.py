"""The cache's own account of itself, in the shapes of the control API."""

from __future__ import annotations

from decimal import Decimal

from ..control_api.cache import CacheScope, CacheStats, Why
from ..exchange import Verdict
from ..ports.caching import StoreStats
from .error_bound import ErrorBounds, interval
from .lookup import Lookup, Tally

_VERDICTS = {Verdict.EXACT: "exact", Verdict.SEMANTIC: "semantic"}


def stats_of(tally: Tally, store: StoreStats, scopes: list[CacheScope]) -> CacheStats:
    checks, wrong = sum(one["checks"] for one in scopes), sum(one["wrong"] for one in scopes)
    low, high = interval(wrong, checks)
    return {
        "entries": store.entries,
        "bytes": store.bytes,
        "hits": {"exact": tally.exact, "semantic": tally.semantic, "coalesced": tally.coalesced},
        "misses": tally.misses,
        "saved_usd": f"{Decimal(tally.saved_nanos).scaleb(-9):f}",
        "saved_s": tally.saved_ms / 1e3,
        "checks": checks,
        "wrong": wrong,
        "error_low": round(low, 4),
        "error_high": round(high, 4),
        "scopes": scopes,
    }


def scopes_of(bounds: ErrorBounds, max_error: float) -> list[CacheScope]:
    return [_scope_of(bounds, scope, max_error) for scope in bounds.scopes()]


def _scope_of(bounds: ErrorBounds, scope: str, max_error: float) -> CacheScope:
    checks, wrong = bounds.checks(scope, max_error)
    low, high = interval(wrong, checks)
    threshold = bounds.threshold(scope, max_error)
    return {
        "scope": scope,
        "mode": bounds.mode(scope, max_error),
        "threshold": None if threshold is None else threshold.probability,
        "reading": None if threshold is None else threshold.reading,
        "checks": checks,
        "wrong": wrong,
        "error_low": round(low, 4),
        "error_high": round(high, 4),
    }


def why_of(lookup: Lookup, model: str) -> Why:
    return {
        "verdict": _VERDICTS.get(lookup.verdict, "miss"),
        "steps": [{"step": step, "outcome": outcome, "detail": detail} for step, outcome, detail in lookup.steps],
        "candidates": [
            {"id": one.id, "similarity": round(one.similarity, 4), "question": one.question, "verdict": one.verdict}
            for one in lookup.candidates
        ],
        "model": model,
        "key": "" if lookup.key is None else lookup.key.hex(),
    }
