"""May a near entry answer? The checks of a candidate, in order; the first that refuses ends its ladder.

A verifier, and a threshold of the scope's own, are further entries of `CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..exchange import CacheEntry, Vector
from .guards.checks import objection
from .guards.features import Features, read_features
from .lookup import Step
from .placeholders import placeholders_in

MIN_SIMILARITY = 0.95
"""Cosine of int8 embeddings. With all guards 0.6% of hits were wrong at .95, 4.5% at .85."""

INDEX_ERROR = 0.02
"""By how much the index may misjudge a similarity: it holds 8 bits a value (at most .012 was seen)."""

FEATURES_HELD = 1024
"""About 5 kB each; reading them anew costs 0.08 ms, comparing two 0.03 ms."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that looks for an answer."""

    text: str
    scope: str
    partition: bytes
    vector: Vector
    made_after: float
    """Unix seconds: older entries are not wanted."""


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate, with the similarity computed from the vector that was stored with it."""

    entry: CacheEntry
    similarity: float


Check = Callable[["Admission", Asked, Found], str | None]
"""Why the candidate may not answer; None: this check lets it pass."""


class Admission:
    """Judges candidates. Remembers what the guards read of a text, since the same entries come up again."""

    def __init__(self) -> None:
        self.features_of: Callable[[str], Features] = lru_cache(FEATURES_HELD)(read_features)

    def steps(self, asked: Asked, found: Found) -> tuple[Step, ...]:
        """Each check up to the first that refuses; the last one is a `hit` where all let it pass."""
        steps = tuple(self._climb(asked, found))
        if steps[-1].outcome == "stop":
            return steps
        return (*steps[:-1], steps[-1]._replace(outcome="hit"))

    def _climb(self, asked: Asked, found: Found) -> Iterator[Step]:
        for name, check in CHECKS:
            refusal = check(self, asked, found)
            if refusal is not None:
                yield Step(name, "stop", refusal)
                return
            yield Step(name, "pass")


def similarity(vector: Vector, entry: CacheEntry) -> float:
    """Cosine similarity to the stored vector; 0 where there is none. The index only estimates it."""
    if entry.vector is None:
        return 0.0
    return min(1.0, float(vector @ np.frombuffer(entry.vector, dtype="<f2").astype(np.float32)))


def _of_another_partition(_: Admission, asked: Asked, found: Found) -> str | None:
    """The signs keep other partitions away already; the row is what counts."""
    is_same = (asked.scope, asked.partition) == (found.entry.scope, found.entry.partition)
    return None if is_same else "another scope, context or parameters"


def _too_old(_: Admission, asked: Asked, found: Found) -> str | None:
    return None if found.entry.created_at >= asked.made_after else "older than max-age"


def _too_far(_: Admission, __: Asked, found: Found) -> str | None:
    return None if found.similarity >= MIN_SIMILARITY else f"{found.similarity:.4f} < {MIN_SIMILARITY}"


def _of_other_placeholders(_: Admission, asked: Asked, found: Found) -> str | None:
    is_same = placeholders_in(asked.text) == placeholders_in(found.entry.question)
    return None if is_same else "other placeholders"


def _objected_to(admission: Admission, asked: Asked, found: Found) -> str | None:
    return objection(admission.features_of(asked.text), admission.features_of(found.entry.question))


CHECKS: tuple[tuple[str, Check], ...] = (
    ("scope", _of_another_partition),
    ("age", _too_old),
    ("threshold", _too_far),
    ("placeholders", _of_other_placeholders),
    ("guards", _objected_to),
)
"""The cheap ones first: most candidates end at the threshold, and the guards read both texts."""
