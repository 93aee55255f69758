"""What becomes of an answer that was not found: it is kept, compared with what might have been given instead, and
has its vector made where no near look-up made it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ..dialects.shares import even_shares
from ..exchange import CacheEntry
from ..json_text import to_json
from ..ports.caching import Embedder
from ..ports.clock import Clock
from .comparisons import Comparisons, Count
from .entries import Entries
from .late_vectors import LateVectors
from .lookup import Lookup, Origin, Parts

MAX_ANSWER_BYTES = 4 * 2**20


class Keeper:
    """Keeps answers where their look-ups said."""

    def __init__(self, entries: Entries, embedder: Embedder, clock: Clock, count_check: Count) -> None:
        """`count_check` hears of each kept answer that was compared with a fresh one."""
        self.comparisons = Comparisons(embedder, count_check)
        self._entries = entries
        self._clock = clock
        self._late = LateVectors(embedder, entries.put_with_vector)

    def start(self) -> None:
        self._late.start()
        self.comparisons.start()

    async def aclose(self) -> None:
        """What still waits is neither embedded nor compared."""
        await self._late.aclose()
        await self.comparisons.aclose()

    async def keep_items(self, parts: Parts, answer: bytes, origin: Origin) -> bool:
        """The same for an answer to several items: each is kept by itself, with its share of what all cost."""
        answered = parts.answered(answer)
        totals = (origin.cost_nanos, origin.input_tokens, origin.output_tokens)
        counts = (even_shares(total, len(answered)) for total in totals)
        kept = [
            self.keep(lookup, to_json(item), replace(origin, cost_nanos=nanos, input_tokens=read, output_tokens=wrote))
            for (lookup, item), nanos, read, wrote in zip(answered, *counts, strict=True)
        ]
        return any(await asyncio.gather(*kept))

    async def keep(self, lookup: Lookup, answer: bytes, origin: Origin) -> bool:
        """Whether the store has it now; see `Cache.keep`."""
        slot = lookup.slot
        if slot is None or len(answer) > MAX_ANSWER_BYTES or slot.generation != self._entries.generation:
            return False
        if slot.trial is not None:
            self.comparisons.add(slot.scope, slot.trial, answer)
        now = self._clock.now().timestamp()
        entry = CacheEntry(
            key=slot.key,
            partition=slot.partition,
            scope=slot.scope,
            dialect=slot.dialect,
            model=origin.model,
            question=slot.question,
            answer=answer,
            vector=None if slot.vector is None else slot.vector.astype("<f2").tobytes(),
            cost_nanos=origin.cost_nanos,
            input_tokens=origin.input_tokens,
            output_tokens=origin.output_tokens,
            made_in_ms=origin.made_in_ms,
            created_at=now,
            expires_at=now + slot.ttl_s,
            user=origin.user,
            namespace=slot.namespace,
            tags=slot.tags,
        )
        is_kept = await self._entries.put(entry)
        if is_kept and slot.is_near and entry.vector is None:
            self._late.add(entry)
        return is_kept
