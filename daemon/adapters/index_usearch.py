"""VectorIndex: HNSW graphs, a large one that is mapped from its file and small ones of what came since in memory."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from ..exchange import Vector
from .index_file import SavedGraph, empty_graph, mapped_bytes, nearest_in, sync
from .index_saving import Saving, cannot_save
from .index_writer import is_unit

logger = logging.getLogger(__name__)

FILE = "vectors.usearch"
DRAFT = "vectors.usearch.draft"
REBUILD_ABOVE = 0.25  # with half of the places dead a search takes 3.3 times as long


class UsearchIndex:
    """Vectors of one model, 8 bits a value; about 0.6 kB each. So similarities are off by up to 0.012.

    The saved graph is never changed: it is mapped, so that it is there at once after a start, and what is removed
    from it is left out of what is found until the next file is written.
    """

    def __init__(self, folder: Path, *, model: str, is_saved: bool = True) -> None:
        """`model` names what made the vectors (`ModelFiles.fingerprint`); a file of another is not loaded.
        `is_saved` False: vectors are not written, for they tell of their texts, and a file that is there is removed."""
        self._is_saved = is_saved
        self._folder = folder
        self._model = model
        self._saved: SavedGraph | None = None
        self._since = [empty_graph()]
        """What is not in the file, the newest last: two while a file is written that will have what is in the first."""
        self._saving: Saving | None = None
        self._removed_while_saving: set[int] = set()
        if not is_saved:
            (folder / FILE).unlink(missing_ok=True)

    @property
    def size(self) -> int:
        return self.unsaved + (0 if self._saved is None else self._saved.size)

    @property
    def unsaved(self) -> int:
        return sum(int(graph.size) for graph in self._since)

    @property
    def has_file(self) -> bool:
        return self._saved is not None

    @property
    def needs_rebuild(self) -> bool:
        """Whether more than a quarter of the places are of removed vectors: they slow every search and give no memory
        back. New vectors fill such places too.

        Walks what is in memory, some 10 ms for a million vectors: ask after removing, not with each request."""
        places = sum(int(graph.stats.nodes) for graph in self._since)
        places += 0 if self._saved is None else self._saved.places
        return places - self.size > REBUILD_ABOVE * places

    def add(self, ids: Sequence[int], vectors: Sequence[Vector]) -> None:
        """As the port says. A vector that is not of unit length (zero, NaN) is left out: it has no cosine."""
        fresh: dict[int, Vector] = {}
        for entry_id, vector in zip(ids, vectors, strict=True):
            if not self._has(entry_id) and is_unit(vector):
                fresh.setdefault(entry_id, vector)
        if fresh:
            keys = np.fromiter(fresh, dtype=np.uint64, count=len(fresh))
            self._since[-1].add(keys, np.array(list(fresh.values()), dtype=np.float32), threads=1)

    def remove(self, ids: Iterable[int]) -> None:
        removed = list(ids)
        for graph in self._since:
            graph.remove(np.array(removed, dtype=np.uint64), threads=1)
        if self._saved is not None:
            self._saved.remove(removed)
        if self._saving is not None:
            self._removed_while_saving.update(removed)

    def search(self, vector: Vector, count: int) -> list[tuple[int, float]]:
        """As the port says; nothing is near to a vector that is not of unit length."""
        if not is_unit(vector):
            return []
        found = {} if self._saved is None else self._saved.nearest(vector, count)
        for graph in self._since:
            if graph.size:
                found |= nearest_in(graph, vector, count)
        return sorted(found.items(), key=lambda match: match[1], reverse=True)[:count]

    def clear(self) -> None:
        self._saved, self._since, self._saving = None, [empty_graph()], None

    def load(self, store_epoch: str) -> int | None:
        self.clear()
        for draft in self._folder.glob(f"{DRAFT}.*"):  # of a daemon that was killed
            draft.unlink(missing_ok=True)
        try:
            saved = SavedGraph(mapped_bytes(self._folder / FILE))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            logger.warning("the saved vector index cannot be used and is made anew: %s", error)
            return None
        if (saved.stamp.model, saved.stamp.store_epoch) != (self._model, store_epoch):
            (self._folder / FILE).unlink()
            return None
        self._saved = saved
        return saved.stamp.last_id

    def begin_saving(self, *, anew: bool) -> Saving | None:
        if not self._is_saved:
            return None
        if len(self._since) == 1:
            self._since.append(empty_graph())
        self._removed_while_saving = set()
        continued = None if anew or not (self._folder / FILE).exists() else self._saved
        self._saving = Saving(
            self._folder / f"{DRAFT}.{secrets.token_hex(4)}",
            model=self._model,
            file=None if continued is None else self._folder / FILE,
            last_id=0 if continued is None else continued.stamp.last_id,
            removed=() if continued is None else continued.removed,
        )
        return self._saving

    def remove_file(self) -> None:
        (self._folder / FILE).unlink(missing_ok=True)

    def adopt(self) -> None:
        if self._saving is None:  # cleared meanwhile
            return
        saving, self._saving = self._saving, None
        try:
            saving.draft.replace(self._folder / FILE)
            sync(self._folder)
            self._saved = SavedGraph(mapped_bytes(self._folder / FILE), is_trusted=True)
        except OSError as error:
            raise cannot_save(self._folder, error) from error
        self._saved.remove(self._removed_while_saving)
        self._forget_until(saving.last_id)

    def _forget_until(self, last_id: int) -> None:
        """Hold in memory only what is newer. The file was offered all others: what it lacks has left the store."""
        *earlier, newest = self._since
        self._since = [newest]
        newest.remove(keys_of(newest, lambda key: key <= last_id), threads=1)
        for graph in earlier:
            left = keys_of(graph, lambda key: key > last_id)
            if left.size:
                newest.add(left, np.array(graph.get(left)), threads=1)

    def _has(self, entry_id: int) -> bool:
        return any(entry_id in graph for graph in self._since) or (self._saved is not None and entry_id in self._saved)


def keys_of(graph: Index, are_wanted: Callable[[NDArray[np.uint64]], NDArray[np.bool_]]) -> NDArray[np.uint64]:
    keys: NDArray[np.uint64] = graph.keys[:]
    return keys[are_wanted(keys)]
