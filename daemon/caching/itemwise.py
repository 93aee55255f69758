"""Requests that consist of items: each item is looked up and kept by itself, as if it had been asked for alone."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from ..dialects.dialect import Items
from ..exchange import CacheEntry, Verdict
from ..json_text import canonical
from .lookup import Lookup, Parts, Tally


def together(items: Items, lookups: Sequence[Lookup], *, whole_key: bytes, tally: Tally) -> Lookup:
    """What the look-ups of all items come to. One that is stale is asked for with those that are missing."""
    parts = Parts(items, tuple(lookup.without_hit() if lookup.stale_s else lookup for lookup in lookups))
    missing = parts.missing
    first = parts.lookups[missing[0] if missing else 0]
    if not missing:
        return Lookup(Verdict.EXACT, whole_key, _entry_of_all(parts), steps=first.steps, parts=parts, tally=tally)
    shares_call = all(parts.lookups[position].key is not None for position in missing)
    key = hashlib.sha256(whole_key + canonical(missing)).digest() if shares_call else None
    return Lookup(first.verdict, key, steps=first.steps, parts=parts, tally=tally)


def _entry_of_all(parts: Parts) -> CacheEntry:
    """The entry that a call for all items would have left."""
    entries = [lookup.entry for lookup in parts.lookups if lookup.entry is not None]
    return replace(
        entries[0],
        id=0,
        answer=parts.kept(),
        cost_nanos=sum(entry.cost_nanos for entry in entries),
        input_tokens=sum(entry.input_tokens for entry in entries),
        output_tokens=sum(entry.output_tokens for entry in entries),
        made_in_ms=max(entry.made_in_ms for entry in entries),
    )
