"""Which texts of a sample are near to which."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .searching import CANDIDATES

Vectors = NDArray[np.float32]

ROWS_AT_ONCE = 512
NEIGHBOURS = 64


class Similarities:
    """Which texts are near to which, by their vectors. Each one's nearest are found once, for all orders and rules."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    @cached_property
    def _neighbours(self) -> NDArray[np.intp]:
        """A row for each text, nearest first."""
        return np.concatenate([self._nearest_of(start) for start in range(0, len(self._vectors), ROWS_AT_ONCE)])

    def _nearest_of(self, start: int) -> NDArray[np.intp]:
        similarities = self._vectors[start : start + ROWS_AT_ONCE] @ self._vectors.T
        count = min(NEIGHBOURS, similarities.shape[1])
        places = np.argpartition(-similarities, count - 1)[:, :count]
        return np.take_along_axis(places, np.argsort(-np.take_along_axis(similarities, places, 1)), 1)

    def of(self, one: int, other: int) -> float:
        return min(1.0, float(self._vectors[one] @ self._vectors[other]))

    def nearest(self, asked: int, kept: NDArray[np.bool_]) -> list[tuple[int, float]]:
        """The nearest of those that are kept, with their similarities, nearest first."""
        near = self._neighbours[asked]
        found = near[kept[near]][:CANDIDATES]
        if len(found) < CANDIDATES:  # all its neighbours were answered by others: look at every one that is kept
            places = np.flatnonzero(kept)
            found = places[np.argsort(-(self._vectors[places] @ self._vectors[asked]))[:CANDIDATES]]
        return [(at, self.of(asked, at)) for at in found.tolist()]
