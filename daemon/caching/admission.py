"""May a near entry answer? The checks of a candidate, in order; the first that refuses ends its ladder.

What passes CHECKS is given a probability by the verifier. It answers at once where it is proven: near enough,
with no guard that objects. Beyond that the scope's own error decides, see error_bound.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..exchange import CacheEntry, Vector
from .error_bound import BANDS, ErrorBounds, is_picked
from .guards.checks import objection, objection_of_lists, objection_of_words
from .guards.features import Features, read_features
from .lookup import Step
from .placeholders import placeholders_in
from .verifier import Verifier

PROVEN_SIMILARITY = 0.95
"""Cosine of int8 embeddings. With guards 0.6% of hits were wrong at .95, 4.5% at .85."""

PROVEN_ERROR = 0.02
"""What is proven was wrong in 0.3% (CLINC150) to 1.8% (banking77) of hits. Whoever wants fewer wrong answers than
that waits until a scope's own checks allow it."""

VERIFIED_SIMILARITY = 0.75
"""From here on the verifier is asked; it was trained down to .73."""

INDEX_ERROR = 0.02
"""By how much the index may misjudge a similarity: it holds 8 bits a value (at most .012 was seen)."""

FEATURES_HELD = 1024
"""About 5 kB each; reading them anew costs 0.08 ms, comparing two 0.03 ms."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question that looks for an answer."""

    text: str
    key: bytes
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


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of a candidate. `probability` is set where all checks let it pass."""

    steps: tuple[Step, ...]
    probability: float | None = None

    @property
    def is_hit(self) -> bool:
        return self.steps[-1].outcome == "hit"


Check = Callable[["Admission", Asked, Found], str | None]
"""Why the candidate may not answer; None: this check lets it pass."""


class Admission:
    """Judges candidates. Remembers what the guards read of a text, since the same entries come up again."""

    def __init__(self, verifier: Verifier | None, bounds: ErrorBounds) -> None:
        """Without a verifier only what is near enough and has all guards' consent may answer."""
        self.features_of: Callable[[str], Features] = lru_cache(FEATURES_HELD)(read_features)
        self.min_similarity = PROVEN_SIMILARITY if verifier is None else VERIFIED_SIMILARITY
        self.objection = objection if verifier is None else objection_of_lists
        self._verifier = verifier
        self._bounds = bounds

    def judge(self, asked: Asked, found: Found, max_error: float) -> Judgement:
        """Each check up to the first that refuses; the last step is a `hit` where none did."""
        steps = tuple(self._climb(asked, found))
        if steps[-1].outcome == "stop":
            return Judgement(steps)
        if self._verifier is None:
            return Judgement((*steps[:-1], steps[-1]._replace(outcome="hit")))
        return self._verified(self._verifier, steps, asked, found, max_error)

    def _climb(self, asked: Asked, found: Found) -> Iterator[Step]:
        for name, check in CHECKS:
            refusal = check(self, asked, found)
            if refusal is not None:
                yield Step(name, "stop", refusal)
                return
            yield Step(name, "pass")

    def _verified(
        self, verifier: Verifier, steps: tuple[Step, ...], asked: Asked, found: Found, max_error: float
    ) -> Judgement:
        one, other = self.features_of(asked.text), self.features_of(found.entry.question)
        probability = verifier.probability(one, other, found.similarity)
        if probability < BANDS[0]:
            return Judgement((*steps, Step("verifier", "stop", f"right with probability {probability:.3f}")))
        steps = (*steps, Step("verifier", "pass", f"right with probability {probability:.3f}"))
        is_proven = found.similarity >= PROVEN_SIMILARITY and objection_of_words(one, other) is None
        if is_proven and max_error >= PROVEN_ERROR:
            return Judgement((*steps, Step("bound", "hit", "proven")), probability)
        return Judgement((*steps, self._bound(asked, probability, max_error)), probability)

    def _bound(self, asked: Asked, probability: float, max_error: float) -> Step:
        threshold = self._bounds.threshold(asked.scope, max_error)
        if threshold is None:
            return Step("bound", "stop", f"{self._bounds.mode(asked.scope, max_error)}: asked, and compared")
        if probability < threshold:
            return Step("bound", "stop", f"below this scope's {threshold}: asked, and compared")
        if is_picked(asked.key):
            return Step("bound", "stop", "picked to be asked, and compared")
        return Step("bound", "hit", f"this scope serves from {threshold} on")


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


def _too_far(admission: Admission, _: Asked, found: Found) -> str | None:
    least = admission.min_similarity
    return None if found.similarity >= least else f"{found.similarity:.4f} < {least}"


def _of_other_placeholders(_: Admission, asked: Asked, found: Found) -> str | None:
    is_same = placeholders_in(asked.text) == placeholders_in(found.entry.question)
    return None if is_same else "other placeholders"


def _objected_to(admission: Admission, asked: Asked, found: Found) -> str | None:
    if _digits_differ(asked.text, found.entry.question):
        return "number"
    return admission.objection(admission.features_of(asked.text), admission.features_of(found.entry.question))


def _digits_differ(one: str, other: str) -> bool:
    """As many numbers in digits, yet others: a look that costs a tenth of what the guards read of a long text."""
    in_one, in_other = (sorted(_DIGITS.findall(text)) for text in (one, other))
    return len(in_one) == len(in_other) and in_one != in_other


_DIGITS = re.compile(r"\d+")

CHECKS: tuple[tuple[str, Check], ...] = (
    ("scope", _of_another_partition),
    ("age", _too_old),
    ("threshold", _too_far),
    ("placeholders", _of_other_placeholders),
    ("guards", _objected_to),
)
"""The cheap ones first: most candidates end at the threshold, and the guards read both texts."""
