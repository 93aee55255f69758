"""One look-up from its key to its verdict: exact, then near.

scope -> exact -> eligible? -> candidates -> age, threshold, placeholders, guards -> verifier -> bound -> hit
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..dialects.dialect import Dialect, Items, Question
from ..errors import EmbedderUnavailable, PartUnavailable, StoreUnavailable
from ..exchange import Ask, CacheEntry, Caller, JsonObject, Target, Vector, Verdict
from ..ports.caching import Embedder
from ..ports.clock import Clock
from ..settings import CacheSettings
from .admission import INDEX_ERROR, Admission, Asked, Found, similarity
from .embedding import SharedEmbedder
from .entries import Entries
from .itemwise import together
from .keys import KeyParts, Keys, scope_of
from .lookup import Candidate, Lookup, Outcome, Slot, Step, Tally, Trial
from .placeholders import why_exact_only
from .time_bound import why_time_bound
from .trouble import Trouble
from .verifier import Odds

logger = logging.getLogger(__name__)

CANDIDATES = 3
"""The fourth was never the right one."""

NEAR_WAIT_S = 1.0
"""A near look-up that takes longer is given up; the request goes on as a miss."""
MAX_EMBEDDING = 32
"""Texts that wait for the embedder, 6 ms each; beyond that look-ups are exact only, so that it cannot pile up."""

KEYS_HELD = 1_024
"""Digests begun for as many combinations of caller, model and policy, 1 kB each."""

EXACT_HIT = Step("exact", "hit")
SWITCHED_OFF = Step("scope", "stop", "the cache is off for this request")


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
    odds: Odds | None = None
    store_failed: bool = False

    def note(self, step: str, outcome: Outcome, detail: str = "") -> None:
        self.steps.append(Step(step, outcome, detail))


class Searcher:
    """Climbs the ladder for one request after another, under the settings of the moment."""

    def __init__(
        self,
        *,
        entries: Entries,
        embedder: Embedder,
        admission: Admission,
        tally: Tally,
        trouble: Trouble,
        clock: Clock,
        model: str,
        settings: CacheSettings,
        policy: Callable[[], str],
    ) -> None:
        """`model` names what makes the vectors; `policy` the PII policy in force."""
        self._entries = entries
        self._embedder = embedder
        self._embeddings = SharedEmbedder(embedder)
        self._admission = admission
        self._tally = tally
        self._trouble = trouble
        self._clock = clock
        self._model = model
        self._settings = settings
        self._policy = policy
        self._keys = lru_cache(KEYS_HELD)(self._make_keys)

    def configure(self, settings: CacheSettings, policy: Callable[[], str]) -> None:
        self._settings = settings
        self._policy = policy
        self._keys.cache_clear()

    async def find(self, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Lookup:
        """Most hits end here, before anything is made that only a longer look needs."""
        keys = self._keys_of(ask, target)
        key = keys.exact(dialect.keyed(body))
        made_after = self._made_after(ask)
        entry = self._entries.remembered(key) if ask.directives.look else None
        if entry is None or entry.scope != keys.scope or entry.created_at < made_after or ask.directives.stale_s:
            return await self._look(_Search(ask, dialect, body, keys, key, made_after, self._entries.generation))
        steps = (Step("scope", "pass", keys.scope), EXACT_HIT)
        return Lookup(Verdict.EXACT, key, entry, steps=steps, tally=self._tally)

    async def find_items(self, ask: Ask, dialect: Dialect, items: Items, body: JsonObject, target: Target) -> Lookup:
        """The same for each item of a request that consists of several, which is one look-up all the same."""
        bodies = items.apart(body)
        if len(bodies) == 1:
            return await self.find(ask, dialect, body, target)
        lookups = [await self.find(ask, dialect, one, target) for one in bodies]
        whole_key = self._keys_of(ask, target).exact(dialect.keyed(body))
        return together(items, lookups, whole_key=whole_key, tally=self._tally)

    async def explain(self, ask: Ask, dialect: Dialect, body: JsonObject, target: Target) -> Lookup:
        """The same by every step, with candidates that are too far away to be admitted."""
        keys = self._keys_of(ask, target)
        key = keys.exact(dialect.keyed(body))
        generation = self._entries.generation
        return await self._look(
            _Search(ask, dialect, body, keys, key, self._made_after(ask), generation, explains=True)
        )

    def _made_after(self, ask: Ask) -> float:
        """Older entries are not given, stale ones neither."""
        max_age_s = ask.directives.max_age_s
        return 0.0 if max_age_s is None else self._clock.now().timestamp() - max_age_s - _stale_s(ask)

    def _too_old_by_s(self, ask: Ask, entry: CacheEntry) -> float:
        max_age_s = ask.directives.max_age_s
        return 0.0 if max_age_s is None else max(0.0, self._clock.now().timestamp() - max_age_s - entry.created_at)

    def _keys_of(self, ask: Ask, target: Target) -> Keys:
        caller, beta = ask.caller, ask.forward_headers.get("anthropic-beta", "")
        names = (ask.directives.namespace, ask.dialect, target.provider, target.model, beta, self._policy())
        return self._keys(caller.key, caller.team, caller.org, *names)

    def _make_keys(self, key: str, team: str | None, org: str | None, *names: Any) -> Keys:
        scope = scope_of(Caller(key, team=team, org=org), self._settings.scope)
        parts = KeyParts(scope, *names)
        ttl_s = self._settings.ttl_of(scope, parts.provider, parts.model)
        return Keys(parts, embedder=self._model, ttl_s=ttl_s)

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
        entry = self._entries.remembered(search.key) or await self._from_store(search)
        if entry is None:
            search.note("exact", "stop", "the store cannot be asked" if search.store_failed else "not kept")
        elif entry.scope != search.keys.scope:  # the key holds the scope; who writes the store may not have made it
            search.note("exact", "stop", "kept for another scope")
            return None
        elif entry.created_at < search.made_after:
            search.note("exact", "stop", "older than max-age")
            return None
        else:
            search.note("exact", "hit")
        return entry

    async def _from_store(self, search: _Search) -> CacheEntry | None:
        try:
            return await self._entries.get(search.key)
        except StoreUnavailable:
            search.store_failed = True
            return self._entries.remembered(search.key, however_old=True)

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
        return search.keys.ttl_s if wanted_s is None else min(wanted_s, search.keys.ttl_s)

    async def _nearly(self, search: _Search) -> Found | None:
        """The nearest candidate that passes every check. Near look-ups are a convenience: no failure of theirs
        goes further than here."""
        try:
            async with asyncio.timeout(NEAR_WAIT_S):
                return await self._admitted(search)
        except EmbedderUnavailable as error:
            self._trouble.begins("embedder", error)
            search.note("candidates", "stop", str(error))
        except (PartUnavailable, TimeoutError) as error:
            search.note("candidates", "stop", str(error) or f"took longer than {NEAR_WAIT_S} s")
        except Exception as error:  # the index is outside code
            logger.exception("a near look-up failed")
            search.note("candidates", "stop", f"failed: {type(error).__name__}")
        return None

    async def _admitted(self, search: _Search) -> Found | None:
        if search.question is None or not self._embedder.is_ready or self._embeddings.texts >= MAX_EMBEDDING:
            search.note("candidates", "stop", "the embedder is not ready")
            return None
        vector = search.vector = await self._embeddings.embed(search.question.text)
        self._trouble.ends("embedder")
        asked = Asked(search.question.text, search.key, search.keys.scope, search.partition, vector, search.made_after)
        return self._first_admitted(search, asked, await self._candidates(search, asked))

    async def _candidates(self, search: _Search, asked: Asked) -> list[Found]:
        """The nearest entries, nearest first, by the vectors that the store has."""
        min_similarity = -1.0 if search.explains else self._admission.min_similarity - INDEX_ERROR
        near = await self._entries.nearest(asked.vector, asked.partition, min_similarity=min_similarity)
        found = [Found(entry, similarity(asked.vector, entry)) for entry in near]
        return sorted(found, key=lambda one: one.similarity, reverse=True)[:CANDIDATES]

    def _first_admitted(self, search: _Search, asked: Asked, candidates: list[Found]) -> Found | None:
        """The search notes the steps of the one that is admitted, or else of the nearest."""
        search.note("candidates", "pass" if candidates else "stop", _counted(candidates))
        refused = []
        for found in candidates:
            judgement = self._admission.judge(asked, found, self._settings.max_error)
            last = judgement.steps[-1]
            verdict = "hit" if judgement.is_hit else f"{last.step}: {last.detail}"
            search.candidates.append(Candidate(found.entry.id, found.similarity, found.entry.question, verdict))
            if judgement.is_hit:
                search.steps += judgement.steps
                search.odds = judgement.doubtful_odds
                if not search.explains:
                    self._admission.note_served(asked, judgement)
                return found
            refused.append((found, judgement))
        compared = self._admission.compared(asked, refused, self._settings.max_error)
        if compared is not None:
            search.trial = Trial(search.dialect, compared[0].entry.answer, compared[1])
        search.steps += refused[0][1].steps if refused else ()
        return None

    def _hit(self, search: _Search, verdict: Verdict, entry: CacheEntry, found: Found | None = None) -> Lookup:
        if stale_s := self._too_old_by_s(search.ask, entry):
            search.note("age", "pass", f"stale for {stale_s:.0f} s: given, and asked anew")
            if search.question is None:
                self._is_eligible(search)
        return Lookup(
            verdict,
            search.key,
            entry,
            similarity=None if found is None else found.similarity,
            slot=self._slot(search) if stale_s else None,
            stale_s=stale_s,
            steps=tuple(search.steps),
            candidates=tuple(search.candidates),
            odds=search.odds,
            tally=self._tally,
        )

    def _missed(self, search: _Search) -> Lookup:
        """Requests that want a fresh answer get their own call; a store that is away keeps nothing,
        but for a shared one, whose place this process's memory takes."""
        directives = search.ask.directives
        keeps = directives.keep and (self._entries.is_shared or not search.store_failed)
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
            namespace=search.keys.namespace,
            tags=search.ask.tags,
            generation=search.generation,
            trial=search.trial,
        )


def _stale_s(ask: Ask) -> float:
    """Stale entries are for requests whose fresh answer may be asked for and kept."""
    directives = ask.directives
    return (directives.stale_s or 0.0) if directives.keep and not directives.only else 0.0


def _counted(candidates: list[Found]) -> str:
    return f"{len(candidates)} near" if candidates else "none is near"
