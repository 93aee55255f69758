"""Exact, then near: one look-up from its key to its verdict, and what becomes of the answer that it did not find.

    scope -> exact -> eligible? -> candidates -> age, threshold, placeholders, guards -> verifier -> bound -> hit

Everything here is about hidden texts: placeholders stand where PII stood.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..control_api import CacheStats, Why
from ..dialects.dialect import Dialect, Question
from ..errors import CacheMiss, EmbedderUnavailable, PartUnavailable, StoreUnavailable
from ..exchange import Ask, CacheEntry, Caller, JsonObject, Target, Vector, Verdict
from ..ports import Clock, Embedder, EntryStore, RecordStore, VectorIndex
from ..settings import CacheSettings
from .admission import INDEX_ERROR, Admission, Asked, Found, similarity
from .comparisons import Comparisons
from .error_bound import NOTHING_CERTIFIED, ErrorBounds
from .keys import KeyParts, Keys, scope_of
from .late_vectors import LateVectors
from .lookup import Candidate, Lookup, Outcome, Slot, Step, Tally, Trial
from .memory import EntryMemory
from .near import NearIndex
from .placeholders import why_exact_only
from .report import scopes_of, stats_of, why_of
from .time_bound import why_time_bound
from .verifier import Verifier

__all__ = ["Cache", "Lookup"]

logger = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 4 * 2**20

CANDIDATES = 3
"""The fourth was never the right one. More are searched for, since some may have left the store."""
SEARCHED = 5

NEAR_WAIT_S = 1.0
"""A near look-up that takes longer is given up; the request goes on as a miss."""
MAX_EMBEDDING = 32
"""Texts that wait for the embedder, 6 ms each; beyond that look-ups are exact only, so that it cannot pile up."""

TIDY_EVERY_S = 5.0
EVICT_EVERY_S = 60.0
EVICT_AFTER_PUTS = 1_000
"""Or after a tenth of `max_entries`, where that is less: by so much it may be passed for a moment."""

KEYS_HELD = 1_024
"""Digests begun for as many combinations of caller, model and policy, 1 kB each."""

EXACT_HIT = Step("exact", "hit")
SWITCHED_OFF = Step("scope", "stop", "the cache is off for this request")

OTHERS_FOLLOWED_EVERY_S = 0.5
OTHERS_BELIEVED_S = 2.0
"""How long an entry of a shared store is taken from memory without asking: another node may clear it."""


@dataclass(slots=True)
class _Search:
    """One look-up on its way."""

    ask: Ask
    dialect: Dialect
    body: JsonObject
    keys: Keys
    key: bytes
    made_after: float
    generation: int
    explains: bool = False
    """Whether candidates are wanted that are too far away to be admitted."""
    steps: list[Step] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)
    question: Question | None = None
    partition: bytes = b""
    is_near: bool = False
    vector: Vector | None = None
    trial: Trial | None = None
    store_failed: bool = False

    def note(self, step: str, outcome: Outcome, detail: str = "") -> None:
        self.steps.append(Step(step, outcome, detail))


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
    ) -> None:
        """`policy` names the PII policy in force, `model` what makes the vectors. `records`: where it is kept how
        right the cache was. `is_shared`: other processes write the store as well."""
        self._store = store
        self._embedder = embedder
        self._settings = settings
        self._clock = clock
        self._policy = policy
        self._model = model
        self._is_shared = is_shared
        self._keys = lru_cache(KEYS_HELD)(self._make_keys)
        self._near = NearIndex(store, index, clock, follow_s=OTHERS_FOLLOWED_EVERY_S if is_shared else None)
        self._late = LateVectors(embedder, self._put_with_vector)
        self._memory = EntryMemory(
            max_bytes=settings.memory_bytes, believed_s=OTHERS_BELIEVED_S if is_shared else None, clock=clock
        )
        self._bounds = ErrorBounds(records, NOTHING_CERTIFIED if verifier is None else verifier.certified)
        self._admission = Admission(verifier, self._bounds)
        self._comparisons = Comparisons(embedder, self._count_check)
        self._tally = Tally()
        self._generation = 0
        self._touched: Counter[int] = Counter()
        self._puts = 0
        self._evicted_s = clock.monotonic_s()
        self._embedding = 0
        self._trouble: dict[str, str] = {}
        self._tidying: asyncio.Task[None] | None = None
        self._tidy_now = asyncio.Event()

    # --- life

    async def start(self) -> None:
        """Begin the work in the background: loading the index, following the store, eviction."""
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy_forever())
            self._late.start()
            self._comparisons.start()
        if self._settings.mode == "semantic":
            self._near.start()

    async def caught_up(self) -> None:
        """Until near look-ups see all that the store has now; only after `start`."""
        await self._near.caught_up()

    async def aclose(self) -> None:
        """Write what is only counted, save the index. The store must still be open."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.wait((self._tidying,))
        await self._late.aclose()
        await self._comparisons.aclose()
        await self._bounds.save()
        await self._write_touched()
        await self._near.aclose()

    def configure(self, settings: CacheSettings, *, policy: Callable[[], str]) -> None:
        """Rule by these from the next look-up on. The size of the memory stays as it was at the start."""
        self._settings = settings
        self._policy = policy
        self._keys.cache_clear()
        if self._tidying is not None and settings.mode == "semantic":
            self._near.start()

    def parts(self) -> dict[str, tuple[str, str]]:
        """Status and reason of what the cache stands on, for /health/ready."""
        states = {"store": self._state("store"), "index": self._index_state()}
        if "embedder" in self._trouble:
            states["embedder"] = self._state("embedder")
        return states

    # --- find

    async def find(self, *, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Lookup:
        """The answer that may be given to a hidden request, or where its answer is to be kept.

        Raises:
            CacheMiss: there is none, and the request wants no other.
        """
        lookup = await self._find(ask, dialect, body, target)
        self._tally.count(lookup.verdict, lookup.entry)
        if lookup.entry is not None:
            self._touched[lookup.entry.id] += 1
        elif ask.directives.only:
            raise CacheMiss("nothing is kept for this request, and x-helix-cache: only forbids to ask the provider")
        return lookup

    async def why(self, *, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Why:
        """What `find` would say and by which steps; nothing is counted."""
        keys = self._keys_of(ask, target)
        key = keys.exact(dialect.keyed(body))
        search = _Search(ask, dialect, body, keys, key, self._made_after(ask), self._generation, explains=True)
        return why_of(await self._look(search), ask.model)

    async def _find(self, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Lookup:
        """Most hits end here, before anything is made that only a longer look needs."""
        keys = self._keys_of(ask, target)
        key = keys.exact(dialect.keyed(body))
        made_after = self._made_after(ask)
        entry = self._memory.get(key) if ask.directives.look else None
        if entry is None or entry.created_at < made_after:
            return await self._look(_Search(ask, dialect, body, keys, key, made_after, self._generation))
        steps = (Step("scope", "pass", keys.scope), EXACT_HIT)
        return Lookup(Verdict.EXACT, key, entry, steps=steps, tally=self._tally)

    def _made_after(self, ask: Ask) -> float:
        max_age_s = ask.directives.max_age_s
        return 0.0 if max_age_s is None else self._now() - max_age_s

    def _keys_of(self, ask: Ask, target: Target) -> Keys:
        caller, beta = ask.caller, ask.forward_headers.get("anthropic-beta", "")
        names = (ask.directives.namespace, ask.dialect, target.provider, target.model, beta, self._policy())
        return self._keys(caller.key, caller.team, caller.org, *names)

    def _make_keys(self, key: str, team: str | None, org: str | None, *names: Any) -> Keys:
        scope = scope_of(Caller(key, team=team, org=org), self._settings.scope)
        return Keys(KeyParts(scope, *names), embedder=self._model)

    async def _look(self, search: _Search) -> Lookup:
        directives = search.ask.directives
        if not (directives.look or directives.keep):
            return Lookup(Verdict.BYPASS, None, steps=(SWITCHED_OFF,), tally=self._tally)
        search.note("scope", "pass", search.keys.scope)
        if not directives.look:
            search.note("exact", "stop", "a fresh answer was asked for")
            self._is_eligible(search)
            return self._missed(search)
        if (entry := await self._exactly(search)) is not None:
            return self._hit(search, Verdict.EXACT, entry)
        if search.store_failed or not self._is_eligible(search):
            return self._missed(search)
        found = await self._nearly(search)
        return self._missed(search) if found is None else self._hit(search, Verdict.SEMANTIC, found.entry, found)

    async def _exactly(self, search: _Search) -> CacheEntry | None:
        entry = self._memory.get(search.key) or await self._from_store(search)
        if entry is None:
            search.note("exact", "stop", "the store cannot be asked" if search.store_failed else "not kept")
        elif entry.created_at < search.made_after:
            search.note("exact", "stop", "older than max-age")
            return None
        else:
            search.note("exact", "hit")
        return entry

    async def _from_store(self, search: _Search) -> CacheEntry | None:
        try:
            entry = await self._store.get(search.key)
        except StoreUnavailable as error:
            self._fail("store", error)
            search.store_failed = True
            return self._memory.get(search.key, however_old=True)
        self._trouble.pop("store", None)
        if entry is not None:
            self._memory.put(entry)
        return entry

    def _is_eligible(self, search: _Search) -> bool:
        """Whether near look-ups have a part in this request, now and when its answer is kept."""
        search.question = search.dialect.question(search.body)
        search.partition = search.keys.partition(search.question.context)
        reason = self._why_exact_only(search, search.question)
        search.is_near = reason is None
        search.note("eligible", "pass" if reason is None else "stop", reason or "")
        return search.is_near

    def _why_exact_only(self, search: _Search, question: Question) -> str | None:
        if self._settings.mode != "semantic":
            return "cache.mode is exact"
        if not search.ask.directives.near:
            return "asked for exact hits only"
        return (
            question.exact_only or why_exact_only(question.text) or why_time_bound(question.text, self._ttl_s(search))
        )

    def _ttl_s(self, search: _Search) -> float:
        wanted_s = search.ask.directives.ttl_s
        return self._settings.ttl_s if wanted_s is None else min(wanted_s, self._settings.ttl_s)

    # --- near

    async def _nearly(self, search: _Search) -> Found | None:
        """The nearest candidate that passes every check. Near look-ups are a convenience: no failure of theirs
        goes further than here."""
        try:
            async with asyncio.timeout(NEAR_WAIT_S):
                return await self._admitted(search)
        except EmbedderUnavailable as error:
            self._fail("embedder", error)
            search.note("candidates", "stop", str(error))
        except (PartUnavailable, TimeoutError) as error:
            search.note("candidates", "stop", str(error) or f"took longer than {NEAR_WAIT_S} s")
        except Exception as error:  # the index is outside code
            logger.exception("a near look-up failed")
            search.note("candidates", "stop", f"failed: {type(error).__name__}")
        return None

    async def _admitted(self, search: _Search) -> Found | None:
        if search.question is None or not self._embedder.is_ready or self._embedding >= MAX_EMBEDDING:
            search.note("candidates", "stop", "the embedder is not ready")
            return None
        vector = search.vector = await self._embed(search.question.text)
        asked = Asked(search.question.text, search.key, search.keys.scope, search.partition, vector, search.made_after)
        return self._first_admitted(search, asked, await self._candidates(search, asked))

    async def _embed(self, text: str) -> Vector:
        self._embedding += 1
        try:
            vector = await self._embedder.embed(text)
        finally:
            self._embedding -= 1
        self._trouble.pop("embedder", None)
        return vector

    async def _candidates(self, search: _Search, asked: Asked) -> list[Found]:
        """The nearest entries that the store still has; what it has no more is forgotten."""
        min_similarity = -1.0 if search.explains else self._admission.min_similarity - INDEX_ERROR
        near = await self._near.search(asked.vector, asked.partition, SEARCHED, min_similarity=min_similarity)
        entries = await self._store.get_by_ids([entry_id for entry_id, _ in near]) if near else {}
        if gone := [entry_id for entry_id, _ in near if entry_id not in entries]:
            self._near.forget(gone)
        ours = (entry for entry in entries.values() if entry.partition == asked.partition)
        found = [Found(entry, similarity(asked.vector, entry)) for entry in ours]
        return sorted(found, key=lambda one: one.similarity, reverse=True)[:CANDIDATES]

    def _first_admitted(self, search: _Search, asked: Asked, candidates: list[Found]) -> Found | None:
        """The search notes the steps of the one that is admitted, or else of the nearest."""
        search.note("candidates", "pass" if candidates else "stop", _counted(candidates))
        ladders = []
        for found in candidates:
            judgement = self._admission.judge(asked, found, self._settings.max_error)
            last = judgement.steps[-1]
            verdict = "hit" if judgement.is_hit else f"{last.step}: {last.detail}"
            search.candidates.append(Candidate(found.entry.id, found.similarity, found.entry.question, verdict))
            if judgement.is_hit:
                search.steps += judgement.steps
                return found
            if judgement.probability is not None and search.trial is None:
                search.trial = Trial(search.dialect, found.entry.answer, judgement.probability)
            ladders.append(judgement.steps)
        search.steps += ladders[0] if ladders else ()
        return None

    # --- verdicts

    def _hit(self, search: _Search, verdict: Verdict, entry: CacheEntry, found: Found | None = None) -> Lookup:
        return Lookup(
            verdict,
            search.key,
            entry,
            similarity=None if found is None else found.similarity,
            steps=tuple(search.steps),
            candidates=tuple(search.candidates),
            tally=self._tally,
        )

    def _missed(self, search: _Search) -> Lookup:
        """Requests that want a fresh answer get their own call; a store that is away keeps nothing,
        but for a shared one, whose place this process's memory takes."""
        directives = search.ask.directives
        keeps = directives.keep and (self._is_shared or not search.store_failed)
        return Lookup(
            Verdict.BYPASS if search.store_failed else Verdict.MISS,
            search.key if directives.look else None,
            slot=self._slot(search) if keeps else None,
            steps=tuple(search.steps),
            candidates=tuple(search.candidates),
            tally=self._tally,
        )

    def _slot(self, search: _Search) -> Slot:
        return Slot(
            key=search.key,
            partition=search.partition,
            scope=search.keys.scope,
            dialect=search.keys.dialect,
            question=search.question.text if search.question is not None else "",
            is_near=search.is_near,
            vector=search.vector,
            ttl_s=self._ttl_s(search),
            generation=search.generation,
            trial=search.trial,
        )

    # --- keep

    async def keep(
        self,
        lookup: Lookup,
        answer: bytes,
        *,
        model: str,
        cost_nanos: int,
        input_tokens: int,
        output_tokens: int,
        made_in_ms: int,
        user: str = "",
    ) -> None:
        """Keep a whole, normal answer for requests like this one. When it returns, the entry survives the death
        of this process, or could not be kept, which is no error of the request's. What was asked for before
        `clear` is not kept after it."""
        slot = lookup.slot
        if slot is None or len(answer) > MAX_ANSWER_BYTES or slot.generation != self._generation:
            return
        if slot.trial is not None:
            self._comparisons.add(slot.scope, slot.trial, answer)
        now = self._now()
        entry = CacheEntry(
            key=slot.key,
            partition=slot.partition,
            scope=slot.scope,
            dialect=slot.dialect,
            model=model,
            question=slot.question,
            answer=answer,
            vector=None if slot.vector is None else slot.vector.astype("<f2").tobytes(),
            cost_nanos=cost_nanos,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            made_in_ms=made_in_ms,
            created_at=now,
            expires_at=now + slot.ttl_s,
            user=user,
        )
        if await self._put(entry) and slot.is_near and entry.vector is None:
            self._late.add(entry)

    def _count_check(self, scope: str, probability: float, is_right: bool) -> None:
        self._bounds.count(scope, probability, self._settings.max_error, is_right=is_right)

    async def _put(self, entry: CacheEntry) -> bool:
        """Whether the store has it now."""
        generation = self._generation
        try:
            entry = replace(entry, id=await self._store.put(entry))
        except StoreUnavailable as error:
            self._fail("store", error)
            if self._is_shared:
                self._memory.put(entry)
            return False
        self._trouble.pop("store", None)
        if generation != self._generation:  # cleared behind the put
            return False
        self._memory.put(entry)
        if entry.vector is not None:
            self._near.add(entry.id, entry.partition, np.frombuffer(entry.vector, "<f2").astype(np.float32))
        self._puts += 1
        if self._is_time_to_evict():
            self._tidy_now.set()
        return True

    async def _put_with_vector(self, entry: CacheEntry, vector: Vector) -> None:
        """The same entry again, now that near look-ups can find it; not where another took its place or it is gone."""
        generation = self._generation
        current = await self._store.get(entry.key)
        is_there = current is not None and current.created_at == entry.created_at
        if is_there and generation == self._generation:
            await self._put(replace(entry, vector=vector.astype("<f2").tobytes()))

    # --- what the owner asks

    async def clear(self, *, scope: str | None = None, model: str | None = None, user: str | None = None) -> int:
        """Remove the entries that match all that is given, all of them when nothing is; how many there were.

        What was learned of a scope that is cleared, or of all, is forgotten: it begins in shadow again.

        Raises:
            StoreUnavailable: some may be removed already.
        """
        self._generation += 1
        try:
            if model is None and user is None:
                await self._bounds.forget(scope)
            return await self._store.clear(scope=scope, model=model, user=user)
        finally:
            self._memory.clear(scope=scope, model=model, user=user)
            self._near.restart()

    async def stats(self) -> CacheStats:
        """Entries as they are, everything else since the start.

        Raises:
            StoreUnavailable: the store could not be asked.
        """
        scopes = scopes_of(self._bounds, self._settings.max_error)
        return stats_of(self._tally, await self._store.stats(), scopes)

    # --- in the background

    async def _tidy_forever(self) -> None:
        await self._follow_bounds()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(TIDY_EVERY_S):
                    await self._tidy_now.wait()
            self._tidy_now.clear()
            await self._look_after_store()
            await self._write_touched()
            await self._bounds.save()
            if self._is_shared:
                await self._follow_bounds()
            if self._is_time_to_evict():
                await self._evict()

    async def _look_after_store(self) -> None:
        """A shared store that was away is asked, so that its coming back is told also where no request needs it."""
        if self._is_shared and "store" in self._trouble:
            with suppress(StoreUnavailable):
                await self._store.epoch()
                self._trouble.pop("store", None)

    async def _follow_bounds(self) -> None:
        """What was learned before, and by other nodes; until it can be read every scope is in shadow."""
        with suppress(StoreUnavailable):
            await self._bounds.load()

    async def _write_touched(self) -> None:
        """Counts that cannot be written now are lost; they only order eviction."""
        touched, self._touched = self._touched, Counter()
        if touched:
            with suppress(StoreUnavailable):
                await self._store.touch(touched)

    def _is_time_to_evict(self) -> bool:
        enough = min(EVICT_AFTER_PUTS, self._settings.max_entries // 10 + 1)
        return self._puts >= enough or self._clock.monotonic_s() - self._evicted_s >= EVICT_EVERY_S

    async def _evict(self) -> None:
        self._puts, self._evicted_s = 0, self._clock.monotonic_s()
        try:
            gone = await self._store.evict(self._settings.max_entries)
        except StoreUnavailable as error:
            self._fail("store", error)
            return
        self._memory.discard(gone)
        self._near.forget(gone)

    # --- state

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _fail(self, part: str, error: PartUnavailable) -> None:
        if part not in self._trouble:
            logger.warning("%s: %s", part, error)
        self._trouble[part] = str(error)

    def _state(self, part: str) -> tuple[str, str]:
        reason = self._trouble.get(part, "")
        return ("degraded" if reason else "ok", reason)

    def _index_state(self) -> tuple[str, str]:
        reason = self._near.trouble if self._settings.mode == "semantic" else ""
        return ("degraded" if reason else "ok", reason)


def _counted(candidates: list[Found]) -> str:
    return f"{len(candidates)} near" if candidates else "none is near"
