"""May a near entry answer? The checks of a candidate, in order; the first that refuses ends its ladder.

What passes CHECKS is given a probability by the verifier. It answers at once where it is proven: near enough,
with no guard that objects. Beyond that the scope's own error decides, see error_bound.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeVar

import numpy as np

from ..exchange import CacheEntry, Vector
from .error_bound import ErrorBounds
from .error_estimate import is_candidate
from .guards.checks import objection, objection_of_lists, objection_of_words
from .guards.features import Features, read_features
from .lookup import Step
from .placeholders import placeholders_in
from .verifier import Likeness, Odds, Verifier

PROVEN_SIMILARITY = 0.97
PROVEN_ODDS = 0.90
"""Cosine of int8 embeddings, and the specific reading. With all guards no pair of the made questions was wrong
from .98 on, 0.3% from .97, 1.2% from .95; of banking77, whose labels overlap, 1.4% and 1.8%."""

PROVEN_ERROR = 0.02
"""Whoever wants fewer wrong answers than that waits until a scope's own checks allow it."""

POLITE = frozenset(("please", "pls", "kindly", "thanks", "thank"))
"""Two texts with the same words but for these are as good as the same: a check of them would teach nothing."""

VERIFIED_SIMILARITY = 0.60
"""From here on the verifier is asked; it was trained down to .55."""

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
    """What became of a candidate. `odds` are set where all checks let it pass."""

    steps: tuple[Step, ...]
    odds: Odds | None = None
    is_picked: bool = False
    """It would answer, were the request not one of those that are asked all the same."""

    @property
    def is_hit(self) -> bool:
        return self.steps[-1].outcome == "hit"

    @property
    def doubtful_odds(self) -> Odds | None:
        """Of a hit that a comparison with a fresh answer would teach something of."""
        return None if self.odds is None or self.odds.likeness == "same words" else self.odds


T = TypeVar("T")

Check = Callable[["Admission", Asked, Found], str | None]
"""Why the candidate may not answer; None: this check lets it pass."""


class Admission:
    """Judges candidates. Remembers what the guards read of a text, since the same entries come up again."""

    def __init__(self, verifier: Verifier | None, bounds: ErrorBounds, *, features_held: int = FEATURES_HELD) -> None:
        """Without a verifier only what is near enough and has all guards' consent may answer."""
        self.features_of: Callable[[str], Features] = lru_cache(features_held)(read_features)
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

    def compared(self, asked: Asked, judged: Iterable[tuple[T, Judgement]], max_error: float) -> tuple[T, Odds] | None:
        """Of candidates none of which answers the one to compare with the fresh answer: which would have answered, or
        would be the first to do so from a lower threshold on."""
        candidates = [(one, judgement.odds, judgement.is_picked) for one, judgement in judged if judgement.odds]
        likelihood = partial(self._bounds.likelihood, asked.scope, max_error=max_error)
        best = max(candidates, key=lambda its: (its[2], 0 if its[2] else likelihood(its[1])), default=None)
        return best and best[:2]

    def note_served(self, asked: Asked, judgement: Judgement) -> None:
        """The candidate's answer goes out: the bound counts what it does not check, too."""
        if judgement.odds is not None:
            self._bounds.count_served(asked.scope, judgement.odds)

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
        odds = verifier.odds(one, other, found.similarity)
        odds = odds._replace(likeness=_likeness(one, other, odds, found.similarity))
        detail = f"right with probability {odds.specific:.3f} in detail, {odds.topical:.3f} by subject"
        if not is_candidate(odds):
            return Judgement((*steps, Step("verifier", "stop", detail)))
        return self._bounded((*steps, Step("verifier", "pass", detail)), asked, odds, max_error)

    def _bounded(self, steps: tuple[Step, ...], asked: Asked, odds: Odds, max_error: float) -> Judgement:
        reason = self._why_served(asked, odds, max_error)
        if reason is None:
            why_not = self._bounds.threshold(asked.scope, max_error) or self._bounds.mode(asked.scope, max_error)
            return Judgement((*steps, Step("bound", "stop", f"{why_not}: asked, and compared")), odds)
        if odds.likeness != "same words" and self._bounds.is_picked(asked.scope, asked.key, max_error):
            return Judgement((*steps, Step("bound", "stop", "picked to be asked, and compared")), odds, is_picked=True)
        return Judgement((*steps, Step("bound", "hit", reason)), odds)

    def _why_served(self, asked: Asked, odds: Odds, max_error: float) -> str | None:
        if max_error >= PROVEN_ERROR:
            if odds.likeness == "same words":
                return "the same words"
            if odds.likeness == "near" and self._bounds.serves_near(asked.scope, max_error):
                return "proven"
        threshold = self._bounds.threshold(asked.scope, max_error)
        return f"{threshold}" if threshold is not None and threshold.admits(odds) else None


def _likeness(one: Features, other: Features, odds: Odds, similarity: float) -> Likeness:
    if odds.specific < PROVEN_ODDS or objection_of_words(one, other) is not None:
        return "other"
    if _words_of(one) == _words_of(other):
        return "same words"
    return "near" if similarity >= PROVEN_SIMILARITY else "other"


def _words_of(features: Features) -> list[str]:
    return [token for token in features.tokens if token not in POLITE]


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
