"""The file of a vector index: a graph, its ids, the stamp of what it was made of as JSON, the stamp's length, a digest.

One file, so that one rename replaces everything; nothing is handed to native code that was not written whole.
"""

# No `from __future__ import annotations`: usearch looks at those of `let_others_run` as they are.
import hashlib
import json
import mmap
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from ..exchange import Vector

DIMENSION = 384
LAYOUT = "usearch cos i8 384 M16, ids"
"""Changes with whatever makes older files useless."""
DIGEST_BYTES = hashlib.sha256().digest_size
STAMP_LENGTH_BYTES = 4
ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a saved graph was made of; it fits only where layout, model and epoch are the same."""

    layout: str
    model: str
    store_epoch: str
    last_id: int
    """The newest entry that was offered to it."""
    size: int = 0


def empty_graph(*, finds_ids: bool = True) -> Index:
    """Among 30,000 questions with a neighbour at cosine .85 or more, it is found 998 times in 1,000.

    That is as often as with half precision and an expansion of 96, at half of the cost: 0.09 ms to add one,
    0.06 ms to search. Without `finds_ids` it can only be searched.
    """
    return Index(
        ndim=DIMENSION,
        metric="cos",
        dtype="i8",
        connectivity=16,
        expansion_add=64,
        expansion_search=32,
        enable_key_lookups=finds_ids,
    )


def expansion_for(size: int) -> int:
    """How many candidates a search keeps, 32 being usearch's measure of a small graph.

    With 32, of made-up vectors 96% are found again among 100,000, but 58% among a million; with 128 it is 86%, for
    0.6 ms of CPU, which is what a look-up may take. Those of real questions are easier to find.
    """
    if size <= 150_000:
        return 32
    return 64 if size <= 400_000 else 128


def nearest_in(graph: Index, vector: Vector, count: int) -> dict[int, float]:
    """Ids with their cosine similarity."""
    matches = graph.search(vector, count, threads=1)
    # Rounding may put a distance just below 0.
    similarities = np.minimum(1.0 - matches.distances, 1.0)
    return dict(zip(matches.keys.tolist(), similarities.tolist(), strict=True))


class SavedGraph:
    """A file of this layout, mapped: its pages come from the disk as they are searched, and it never changes.

    What is removed from it is only left out of what it tells. usearch's own table of ids would hold the GIL for half a
    second while it is made for a million, and 20 MB then; the file's sorted ones cost nothing.
    """

    def __init__(self, data: memoryview, *, is_trusted: bool = False) -> None:
        """`is_trusted`: it was written and sealed just now, so reading all of it anew would tell nothing.

        Raises:
            ValueError, TypeError, RuntimeError: it is not whole, or not one of ours.
        """
        graph_bytes, self._ids, self.stamp = unsealed(data, is_trusted=is_trusted)
        self._data = graph_bytes  # usearch keeps its address only
        self._graph = empty_graph(finds_ids=False)
        self._graph.view(graph_bytes, progress=let_others_run)
        self._places = int(self._graph.stats.nodes)
        self._graph.expansion_search = expansion_for(self._places)
        self.removed: set[int] = set()

    @property
    def size(self) -> int:
        return len(self._ids) - len(self.removed)

    @property
    def places(self) -> int:
        """Those of removed vectors included."""
        return self._places

    def __contains__(self, entry_id: int) -> bool:
        return entry_id not in self.removed and bool(self._are_in(np.array([entry_id], np.uint64))[0])

    def remove(self, ids: Iterable[int]) -> None:
        removed = np.fromiter(ids, np.uint64)
        self.removed.update(removed[self._are_in(removed)].tolist())

    def nearest(self, vector: Vector, count: int) -> dict[int, float]:
        """Up to `count`, looked for among twice as many where some are removed."""
        found = nearest_in(self._graph, vector, count + min(count, len(self.removed)))
        return {entry_id: similarity for entry_id, similarity in found.items() if entry_id not in self.removed}

    def _are_in(self, ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
        if not len(self._ids):
            return np.zeros(len(ids), bool)
        nearest = self._ids[np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)]
        return np.equal(nearest, ids)


def let_others_run(_done: int, _all: int) -> bool:
    """Given to usearch, which calls it for each vector while it holds the GIL: calling Python gives that away."""
    return True


def seal(draft: Path, ids: NDArray[np.uint64], stamp: Stamp) -> None:
    """Append the ids, the stamp and the digest of everything, and wait until all is on the disk."""
    padding = bytes(-draft.stat().st_size % ID_BYTES)
    note = json.dumps(asdict(replace(stamp, size=len(ids)))).encode()
    tail = padding + np.sort(ids).tobytes() + note + len(note).to_bytes(STAMP_LENGTH_BYTES)
    digest = hashlib.sha256(mapped_bytes(draft))
    digest.update(tail)
    with draft.open("ab") as file:
        file.write(tail + digest.digest())
        file.flush()
        os.fsync(file.fileno())


def unsealed(data: memoryview, *, is_trusted: bool = False) -> tuple[memoryview, NDArray[np.uint64], Stamp]:
    """The graph's bytes, the ids in rising order, neither of them a copy, and the stamp of a sealed file.

    Raises:
        ValueError, TypeError: it is not whole, or not one of ours.
    """
    signed, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    if not is_trusted and hashlib.sha256(signed).digest() != digest:
        raise ValueError("the digest does not match")
    body, length = signed[:-STAMP_LENGTH_BYTES], signed[-STAMP_LENGTH_BYTES:]
    stamp_starts = len(body) - int.from_bytes(length)
    stamp = Stamp(**json.loads(bytes(body[stamp_starts:])))
    if stamp.layout != LAYOUT:
        raise ValueError(f"its layout is {stamp.layout!r}")
    ids_start = stamp_starts - stamp.size * ID_BYTES
    return body[:ids_start], np.frombuffer(body[ids_start:stamp_starts], np.uint64), stamp


def mapped_bytes(path: Path) -> memoryview:
    """The file's bytes, mapped rather than read: a million vectors are more than half a gigabyte.

    The mapping ends with the last view of it, and outlives the file's name.
    """
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def sync(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
