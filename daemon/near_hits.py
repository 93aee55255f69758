"""A sample of the near hits that were given, to be asked again: see auditing.py."""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from .exchange import CacheEntry, Selection
from .fetch import Request
from .json_text import to_json
from .pii.privacy import Hidden

MAX_REMEMBERED = 1_000
MAX_REQUEST_BYTES = 2**14
"""Longer ones are not remembered, so that all together stay below 16 MiB."""

MAX_AUDITED = 10_000
"""Requests that are not asked a third time."""


@dataclass(frozen=True, slots=True)
class NearHit:
    """As much of a request as asking it again takes, and the entry that it was given."""

    rank: int
    request: Request
    entry: CacheEntry


@dataclass(slots=True)
class _OfScope:
    hits: dict[int, NearHit] = field(default_factory=dict)
    ceiling: int = 2**64
    """Of the ranks that are remembered."""


class NearHits:
    """Of each scope those with the lowest ranks, where a request's rank is drawn by its key: so they are a fair sample
    of all different requests since the start, however often each came.

    In this process's memory only: with placeholders, without what they stand for, and without the callers' credentials.
    """

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(16)
        self._scopes: dict[str, _OfScope] = {}
        self._count = 0
        self._audited: OrderedDict[int, None] = OrderedDict()

    def note(self, request: Request, entry: CacheEntry) -> None:
        key, ask = request.lookup.key, request.ask
        if key is None or request.hidden.unscanned or len(to_json(ask.body)) + len(entry.answer) > MAX_REQUEST_BYTES:
            return
        rank, of_scope = self._rank_of(key), self._scopes.get(entry.scope, _OfScope())
        if rank in self._audited or rank >= of_scope.ceiling:
            return
        ask = replace(ask, caller=replace(ask.caller, credential=None))
        lookup = replace(request.lookup.without_hit(), key=None, slot=None)
        request = replace(request, ask=ask, hidden=Hidden(), lookup=lookup)
        self._count += rank not in of_scope.hits
        self._scopes[entry.scope] = of_scope
        of_scope.hits[rank] = NearHit(rank, request, replace(entry, vector=None))
        if self._count > MAX_REMEMBERED:
            self._make_room()

    def in_order(self, scope: str | None) -> list[NearHit]:
        """Those of one scope, or of all, as they are to be sampled: the first come first."""
        hits = [hit for name, of in self._scopes.items() if scope in (None, name) for hit in of.hits.values()]
        return sorted(hits, key=lambda hit: hit.rank)

    def audited(self, hit: NearHit) -> None:
        """Its request is known now, and not asked another time."""
        self._audited[hit.rank] = None
        if len(self._audited) > MAX_AUDITED:
            self._audited.popitem(last=False)
        self.drop((hit,))

    def forget(self, selection: Selection) -> None:
        """Its entries were removed, or a user is erased."""
        self.drop([hit for hit in self.in_order(None) if _is_of(selection, hit)])

    def drop(self, hits: Iterable[NearHit]) -> None:
        """A scope without any is forgotten, and its sample begins anew."""
        for hit in hits:
            of_scope = self._scopes.get(hit.entry.scope)
            if of_scope is not None and of_scope.hits.pop(hit.rank, None) is not None:
                self._count -= 1
                if not of_scope.hits:
                    del self._scopes[hit.entry.scope]

    def _make_room(self) -> None:
        largest = max(self._scopes.values(), key=lambda of: len(of.hits))
        largest.ceiling = max(largest.hits)
        self.drop((largest.hits[largest.ceiling],))

    def _rank_of(self, key: bytes) -> int:
        return int.from_bytes(hashlib.sha256(self._salt + key).digest()[:8], "big")


def _is_of(selection: Selection, hit: NearHit) -> bool:
    """An entry may have been made for one user and given to another."""
    asked_for = replace(hit.entry, user=hit.request.ask.caller.user or "")
    return selection.covers(hit.entry) or (selection.user is not None and selection.covers(asked_for))
