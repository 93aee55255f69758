"""The cache's own account of itself, in the shapes of the control API."""

from __future__ import annotations

from decimal import Decimal

from ..control_api import CacheStats, Why
from ..exchange import Verdict
from ..ports import StoreStats
from .lookup import Lookup, Tally

_VERDICTS = {Verdict.EXACT: "exact", Verdict.SEMANTIC: "semantic"}


def stats_of(tally: Tally, store: StoreStats) -> CacheStats:
    return {
        "entries": store.entries,
        "bytes": store.bytes,
        "hits": {"exact": tally.exact, "semantic": tally.semantic, "coalesced": tally.coalesced},
        "misses": tally.misses,
        "saved_usd": f"{Decimal(tally.saved_nanos).scaleb(-9):f}",
        "saved_s": tally.saved_ms / 1e3,
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
