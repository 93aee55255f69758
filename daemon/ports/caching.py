"""What the cache needs from outside: vectors of texts, the nearest of them, and a place for entries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..exchange import EVERYTHING, CacheEntry, Selection, Vector


class Embedder(Protocol):
    """Text to a unit vector."""

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded; `embed` before that raises."""
        ...

    async def warm(self) -> None:
        """Load the model, off the event loop; safe to call twice.

        Raises:
            EmbedderUnavailable: a model file is missing, damaged or not what the manifest says.
        """
        ...

    async def embed(self, text: str) -> Vector:
        """The text's unit vector, float32, shape (384,), computed off the event loop.

        One text at a time, unpadded: dynamic int8 is not batch-invariant. Text beyond 256 tokens is cut.

        Raises:
            EmbedderUnavailable: not loaded, or the model failed.
        """
        ...

    async def aclose(self) -> None: ...


VectorPage = tuple[NDArray[np.uint64], NDArray[np.float16]]
"""Ids in rising order, and a row for each."""


class IndexSaving(Protocol):
    """A new file of an index in the making."""

    last_id: int
    """The newest entry that the file has been offered; before `write`, that of the file which it continues, or 0."""

    async def write(self, pages: AsyncIterator[VectorPage], store_epoch: str) -> None:
        """Add the pages, all of entries after `last_id`, and wait until the whole file is on the disk, on the event
        loop. `store_epoch` names the store that they are from.

        Raises:
            StoreUnavailable: it could not be written, as on a full disk. Then, as when it is cancelled, nothing of it
                is left, and the file in use is as it was.
        """
        ...


class VectorIndex(Protocol):
    """Approximate nearest neighbours by cosine; derived from the store, never the truth.

    Most are in a file that never changes, and only what came since is held in memory alone. All methods are called
    from one worker thread at a time.
    """

    @property
    def size(self) -> int: ...

    @property
    def unsaved(self) -> int:
        """How many of these are in no file."""
        ...

    @property
    def has_file(self) -> bool: ...

    @property
    def needs_rebuild(self) -> bool:
        """Whether removed vectors slow its searches so much that making it anew pays."""
        ...

    def add(self, ids: Sequence[int], vectors: Sequence[Vector]) -> None:
        """Each id once; an id already there is ignored."""
        ...

    def remove(self, ids: Iterable[int]) -> None:
        """Ids that are not there are ignored."""
        ...

    def search(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """Up to `count` (id, cosine similarity), nearest first."""
        ...

    def begin_saving(self, *, anew: bool) -> IndexSaving | None:
        """A file that continues the one in use, or begins `anew`; None where vectors may not be written. One at a
        time; everything else goes on meanwhile."""
        ...

    def adopt(self) -> None:
        """Use what was written since `begin_saving` in place of the file before, by one rename: a crash leaves
        the old file or the new one. What it has is no longer held in memory; what was removed meanwhile stays removed.

        Raises:
            StoreUnavailable: it could not take the other's place.
        """
        ...

    def remove_file(self) -> None:
        """Of what it has nothing stays on the disk; it serves until another takes its place, which is begun anew."""
        ...

    def load(self, store_epoch: str) -> int | None:
        """Use the file there is and return its `last_id`; None where there is nothing usable (absent, damaged, of
        another store or another model), and the index is empty then."""
        ...

    def clear(self) -> None: ...


@dataclass(frozen=True, slots=True)
class VectorRow:
    """What the index needs of an entry. `vector` is as CacheEntry has it: float16, 384 values."""

    id: int
    partition: bytes
    vector: bytes
    expires_at: float


@dataclass(frozen=True, slots=True)
class StoreStats:
    entries: int
    bytes: int


class EntryStore(Protocol):
    """Where cached answers live. Expired entries are never returned."""

    async def epoch(self) -> str:
        """A name given at the store's creation and anew by a `clear` of all: an index of another epoch is stale."""
        ...

    async def get(self, key: bytes) -> CacheEntry | None: ...

    async def get_by_ids(self, ids: Sequence[int]) -> dict[int, CacheEntry]:
        """Those that still exist and have not expired."""
        ...

    async def put(self, entry: CacheEntry) -> int:
        """Keep it and return its id; an entry of the same key is replaced under a new id.
        When this returns, the entry survives the death of this process."""
        ...

    async def vectors_after(self, entry_id: int, limit: int) -> list[VectorRow]:
        """Entries that have a vector, with id > `entry_id`, in rising order: what an index catches up with."""
        ...

    async def entries_after(self, entry_id: int, limit: int) -> list[CacheEntry]:
        """Up to `limit` with id > `entry_id`, in rising order; none only where there are no more."""
        ...

    async def touch(self, hits: Mapping[int, int]) -> None:
        """Add the counted hits to the worth of the entries; unknown ids are ignored."""
        ...

    async def clear(self, selection: Selection = EVERYTHING) -> int:
        """Remove what is selected; how many there were."""
        ...

    async def evict(self, max_entries: int) -> list[int]:
        """Remove expired entries, then those that are worth least until at most `max_entries` are left; their ids.

        An entry is worth the sum of its uses, its making and each hit: what the call had cost, halved for every day
        since then."""
        ...

    async def stats(self) -> StoreStats: ...
