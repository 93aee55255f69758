"""The cache as the rest of the gateway sees it: look up, keep, and what its owner asks.

Everything here is about hidden texts: placeholders stand where PII stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..control_api.cache import CacheStats, Why
from ..dialects.dialect import Dialect
from ..errors import CacheMiss
from ..exchange import EVERYTHING, Ask, CacheEntry, JsonObject, Selection, Target
from ..ports.caching import Embedder, EntryStore, VectorIndex
from ..ports.clock import Clock
from ..ports.storage import RecordStore
from ..settings import CacheSettings
from .admission import Admission
from .entries import Entries
from .entry_lines import line_of
from .error_bound import ErrorBounds
from .keeping import Keeper
from .lookup import Lookup, Origin, Tally
from .report import scopes_of, stats_of, why_of
from .searching import Searcher
from .trouble import Trouble, state_of
from .upkeep import Upkeep
from .verifier import Odds, Verifier

__all__ = ["Cache", "Lookup"]


class Cache:
    """Looks answers up and keeps them. One instance serves all requests, on the event loop.

    Whatever of it fails, requests go on: without the embedder or the index hits are exact only, without the
    store nothing is looked up. `parts` says so.
    """

    def __init__(
        self,
        *,
        store: EntryStore,
        index: VectorIndex,
        embedder: Embedder,
        settings: CacheSettings,
        clock: Clock,
        policy: Callable[[], str],
        model: str = "",
        verifier: Verifier | None = None,
        records: RecordStore | None = None,
        is_shared: bool = False,
        on_cleared: Callable[[Selection], object] = lambda _: None,
    ) -> None:
        """`policy` names the PII policy in force, `model` what makes the vectors. `records`: where it is kept how
        right the cache was. `is_shared`: other processes write the store as well. `on_cleared` hears what its owner
        has removed."""
        self._on_cleared = on_cleared
        self._settings = settings
        self._clock = clock
        self._model = model
        self._tally = Tally()
        self._trouble = Trouble()
        self._entries = Entries(
            store, index, clock, self._trouble, records=records, memory_bytes=settings.memory_bytes, is_shared=is_shared
        )
        self._bounds = ErrorBounds(records)
        self._searcher = Searcher(
            entries=self._entries,
            embedder=embedder,
            admission=Admission(verifier, self._bounds),
            tally=self._tally,
            trouble=self._trouble,
            clock=clock,
            model=model,
            settings=settings,
            policy=policy,
        )
        self._keeper = Keeper(self._entries, embedder, clock, self._count_check)
        self._upkeep = Upkeep(self._entries, self._bounds, clock, max_entries=settings.max_entries)

    # --- life

    async def start(self) -> None:
        """Begin the work in the background: loading the index, following the store, eviction."""
        if not self._upkeep.is_running:
            self._upkeep.start()
            self._keeper.start()
        if self._settings.mode == "semantic":
            self._entries.near.start()

    async def caught_up(self) -> None:
        """Until near look-ups see all that the store has now; only after `start`."""
        await self._entries.near.caught_up()

    async def aclose(self) -> None:
        """Write what is only counted. The store must still be open."""
        await self._upkeep.stop()
        await self._keeper.aclose()
        await self._upkeep.write()
        await self._entries.aclose()

    def configure(self, settings: CacheSettings, *, policy: Callable[[], str]) -> None:
        """Rule by these from the next look-up on. The size of the memory stays as it was at the start."""
        self._settings = settings
        self._searcher.configure(settings, policy)
        self._upkeep.max_entries = settings.max_entries
        if self._upkeep.is_running and settings.mode == "semantic":
            self._entries.near.start()

    def parts(self) -> dict[str, tuple[str, str]]:
        """Status and reason of what the cache stands on, for /health/ready."""
        index = self._entries.near.trouble if self._settings.mode == "semantic" else ""
        states = {"store": self._trouble.state("store"), "index": state_of(index)}
        if "embedder" in self._trouble:
            states["embedder"] = self._trouble.state("embedder")
        return states

    # --- one request

    async def find(self, *, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Lookup:
        """The answer that may be given to a hidden request, or where its answer is to be kept.

        Raises:
            CacheMiss: there is none, and the request wants no other.
        """
        if dialect.items is None:
            lookup = await self._searcher.find(ask, dialect, body, target)
        else:
            lookup = await self._searcher.find_items(ask, dialect, dialect.items, body, target)
        self._tally.count(lookup.verdict, lookup.entry)
        for entry in lookup.given:
            self._upkeep.touch(entry.id)
        if lookup.entry is None and ask.directives.only:
            raise CacheMiss("nothing is kept for this request, and x-helix-cache: only forbids to ask the provider")
        return lookup

    async def why(self, *, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Why:
        """What `find` would say and by which steps; nothing is counted."""
        return why_of(await self._searcher.explain(ask, dialect, body, target), ask.model)

    async def keep(self, lookup: Lookup, answer: bytes, origin: Origin) -> None:
        """Keep a whole, normal answer for requests like this one. When it returns, the entry survives the death
        of this process, or could not be kept, which is no error of the request's. What was asked for before
        `clear` is not kept after it."""
        if lookup.parts is None:
            is_kept = await self._keeper.keep(lookup, answer, origin)
        else:
            is_kept = await self._keeper.keep_items(lookup.parts, answer, origin)
        if is_kept:
            self._upkeep.entry_kept()

    def count_audited(self, scope: str, odds: Odds, *, is_right: bool) -> None:
        """A near hit that was given turned out to be right or wrong."""
        self._bounds.count_audited(scope, odds, self._settings.max_error, is_right=is_right)

    def _count_check(self, scope: str, odds: Odds, is_right: bool) -> None:
        self._bounds.count(scope, odds, self._settings.max_error, is_right=is_right)

    # --- what the owner asks

    async def clear(self, selection: Selection = EVERYTHING) -> int | None:
        """Remove what is selected. From here on nobody gets any of it.

        What was learned of a scope that is cleared, or of all, is forgotten: it begins in shadow again.

        Returns:
            How many entries were removed; None where there are so many that it goes on in the background.

        Raises:
            StoreUnavailable: some may be removed already.
        """
        await self._forget(selection)
        return await self._entries.clear(selection)

    async def remove(self, selection: Selection) -> int:
        """The same, but back only when all of it has left the store, however long that takes."""
        await self._forget(selection)
        return await self._entries.remove(selection)

    async def _forget(self, selection: Selection) -> None:
        self._on_cleared(selection)
        if selection == Selection(scope=selection.scope):
            await self._bounds.forget(selection.scope)

    async def lines_after(self, entry_id: int, limit: int) -> tuple[int, list[JsonObject]]:
        """The next entries as an export has them, and the last one's id; none only where there are no more.

        Raises:
            StoreUnavailable
        """
        entries = await self._entries.all_after(entry_id, limit)
        lines = [line_of(entry, embedder=self._model) for entry in entries]
        return (entries[-1].id if entries else entry_id), lines

    async def still_kept(self, entries: Sequence[CacheEntry]) -> set[int]:
        """The ids of those that could be given.

        Raises:
            StoreUnavailable
        """
        return await self._entries.still_kept(entries)

    @property
    def embedder_name(self) -> str:
        """What makes the vectors."""
        return self._model

    async def take_over(self, entry: CacheEntry, target: Target) -> bool:
        """Keep an entry of elsewhere, no longer than an answer of `target`; not where it has ended or its place is
        taken.

        Raises:
            StoreUnavailable
        """
        now = self._clock.now().timestamp()
        ttl_s = self._settings.ttl_of(entry.scope, target.provider, target.model)
        expires_at = min(entry.expires_at, entry.created_at + ttl_s)
        if entry.created_at > now or expires_at <= now or await self._entries.get(entry.key) is not None:
            return False
        is_kept = await self._entries.put(replace(entry, expires_at=expires_at))
        self._upkeep.entry_kept()
        return is_kept

    async def stats(self) -> CacheStats:
        """Entries as they are, everything else since the start.

        Raises:
            StoreUnavailable: the store could not be asked.
        """
        scopes = scopes_of(self._bounds, self._settings.max_error)
        return stats_of(self._tally, await self._entries.stats(), scopes)
