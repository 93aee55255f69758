"""How often near look-ups would hit, and how often they would be wrong: labelled questions through guards, verifier
and bound, beside static cosine thresholds.

A stream is played as a cache lives: a scope begins in shadow, a miss is kept, what is asked and compared is a miss
that teaches. Pairs are judged one after another by one scope, each kept question being the only candidate. The search
is exact, so the index plays no part; questions that are exact only (see time_bound.py, placeholders.py) are here too.
Labels stand for the answers: two questions of one label want the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from random import Random
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np

from ..control_api.cache import BenchRow
from ..exchange import CacheEntry, Vector
from ..ports.caching import Embedder
from .admission import Admission, Asked, Found
from .error_bound import ErrorBounds, interval
from .labelled import Pair, Prompt, read_pairs, read_stream
from .placeholders import why_exact_only
from .similarities import Similarities, Vectors
from .time_bound import why_time_bound
from .verifier import Odds, Verifier

STATIC = (0.80, 0.88, 0.95)
SCOPE = "key:bench"
FEATURES_HELD = 32_768
"""All of most samples: in a stream old questions come up again and again."""

NO_VECTOR = np.zeros(0, dtype=np.float32)


class Near(NamedTuple):
    """A kept question that is near: its text and its cosine similarity."""

    text: str
    similarity: float


class Chosen(NamedTuple):
    """What a rule says of the candidates: the place of the one to serve, or of one to compare with the fresh answer."""

    served: int | None
    compared: tuple[int, Odds] | None = None


class Rule(Protocol):
    def choose(self, text: str, near: Sequence[Near]) -> Chosen:
        """`near`: the nearest first."""

    def learn(self, odds: Odds, *, is_right: bool) -> None:
        """What was compared agreed, or did not."""


@dataclass(frozen=True, slots=True)
class Static:
    """Whatever is near enough, as most caches have it."""

    threshold: float

    def choose(self, text: str, near: Sequence[Near]) -> Chosen:
        return Chosen(0 if near and near[0].similarity >= self.threshold else None)

    def learn(self, odds: Odds, *, is_right: bool) -> None:
        """Nothing is ever compared."""


class Bounded:
    """The cache's own rule, for one scope from its beginning."""

    def __init__(self, verifier: Verifier, max_error: float, ttl_s: float) -> None:
        self._bounds = ErrorBounds(None)
        self._admission = Admission(verifier, self._bounds, features_held=FEATURES_HELD)
        self._max_error = max_error
        self._ttl_s = ttl_s

    def choose(self, text: str, near: Sequence[Near]) -> Chosen:
        if why_exact_only(text) or why_time_bound(text, self._ttl_s):
            return Chosen(None)
        asked = Asked(text, sha256(text.encode()).digest(), SCOPE, b"", NO_VECTOR, made_after=0.0)
        refused = []
        for at, (kept, similarity) in enumerate(near):
            judgement = self._admission.judge(asked, Found(_entry(kept), similarity), self._max_error)
            if judgement.is_hit:
                self._admission.note_served(asked, judgement)
                return Chosen(at)
            refused.append((at, judgement))
        return Chosen(None, self._admission.compared(asked, refused, self._max_error))

    def learn(self, odds: Odds, *, is_right: bool) -> None:
        self._bounds.count(SCOPE, odds, self._max_error, is_right=is_right)


def _entry(text: str) -> CacheEntry:
    return CacheEntry(b"", b"", SCOPE, "chat", "", text, b"", None, 0, 0, 0, 0, 0.0, 0.0)


@dataclass(slots=True)
class Score:
    asked: int = 0
    answerable: int = 0
    """How many had a right answer in the cache: its label was asked before, or the pair is one of equals."""
    hits: int = 0
    wrong: int = 0

    def add(self, *, is_answerable: bool, is_right: bool | None) -> None:
        """`is_right`: of a hit; None: a miss."""
        self.asked += 1
        self.answerable += is_answerable
        self.hits += is_right is not None
        self.wrong += is_right is False

    def together_with(self, other: Score) -> Score:
        return Score(
            self.asked + other.asked,
            self.answerable + other.answerable,
            self.hits + other.hits,
            self.wrong + other.wrong,
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled file with its vectors."""

    prompts: Sequence[Prompt] = ()
    pairs: Sequence[Pair] = ()

    def texts(self) -> list[str]:
        """What the vectors are of."""
        if self.prompts:
            return [prompt.text for prompt in self.prompts]
        return [pair.asked for pair in self.pairs] + [pair.kept for pair in self.pairs]

    def part(self, limit: int) -> Sample:
        """At most so many of them, at random but always the same."""
        if self.prompts:
            return Sample(prompts=_part(self.prompts, limit))
        return Sample(pairs=_part(self.pairs, limit))

    def play(self, rule: Rule, similarities: Similarities, seed: int) -> Score:
        """All of them in a random order; `similarities` are of `texts`."""
        if self.prompts:
            return self._play_stream(rule, similarities, _part(range(len(self.prompts)), len(self.prompts), seed))
        return self._play_pairs(rule, similarities, _part(range(len(self.pairs)), len(self.pairs), seed))

    def _play_stream(self, rule: Rule, similarities: Similarities, order: Sequence[int]) -> Score:
        score, seen = Score(), set[str]()
        kept = np.zeros(len(order), dtype=bool)
        for asked in order:
            text, label = self.prompts[asked]
            nearest = similarities.nearest(asked, kept)
            near = [Near(self.prompts[at].text, similarity) for at, similarity in nearest]
            served = _ask(rule, text, near, [self.prompts[at].label == label for at, _ in nearest])
            score.add(is_answerable=label in seen, is_right=served)
            seen.add(label)
            kept[asked] = served is None
        return score

    def _play_pairs(self, rule: Rule, similarities: Similarities, order: Sequence[int]) -> Score:
        score = Score()
        for at in order:
            pair = self.pairs[at]
            near = Near(pair.kept, similarities.of(at, len(self.pairs) + at))
            served = _ask(rule, pair.asked, [near], [pair.is_same])
            score.add(is_answerable=pair.is_same, is_right=served)
        return score


Item = TypeVar("Item")


def _part(items: Sequence[Item], count: int, seed: int = 0) -> list[Item]:
    return Random(seed).sample(items, min(count, len(items)))  # noqa: S311  repeatable, and no secret


def _ask(rule: Rule, text: str, near: Sequence[Near], is_right: Sequence[bool]) -> bool | None:
    """Whether the answer that was served is right; None where the provider is asked, from which the rule learns."""
    served, compared = rule.choose(text, near)
    if served is not None:
        return is_right[served]
    if compared is not None:
        at, odds = compared
        rule.learn(odds, is_right=is_right[at])
    return None


Progress = Callable[[int, int], None]
"""How many texts are embedded, of how many."""


class Bench:
    """Plays samples against the shipped embedder and verifier."""

    def __init__(self, embedder: Embedder, verifier: Verifier, ttl_s: float) -> None:
        self._embedder = embedder
        self._verifier = verifier
        self._ttl_s = ttl_s

    async def measure(
        self,
        kind: Literal["stream", "pairs"],
        lines: Iterable[str],
        *,
        max_errors: Sequence[float],
        seeds: Sequence[int],
        limit: int,
        progress: Progress = lambda _done, _total: None,
    ) -> list[BenchRow]:
        """The rows of a labelled file, of which at most `limit` lines are played.

        Raises:
            ValueError: a line is not what it should be; says which.
            EmbedderUnavailable: the model cannot be used.
        """
        sample = Sample(prompts=read_stream(lines)) if kind == "stream" else Sample(pairs=read_pairs(lines))
        sample = sample.part(limit)
        vectors = await self.embed(sample, progress)
        return list(self.rows(sample, vectors, max_errors=max_errors, seeds=seeds))

    async def embed(self, sample: Sample, progress: Progress = lambda _done, _total: None) -> Vectors:
        """The vectors of a sample's texts, 6 ms each.

        Raises:
            EmbedderUnavailable: the model cannot be used.
        """
        await self._embedder.warm()
        vectors: dict[str, Vector] = {}
        texts = sample.texts()
        for done, text in enumerate(texts, start=1):
            if text not in vectors:
                vectors[text] = await self._embedder.embed(text)
            progress(done, len(texts))
        return np.array([vectors[text] for text in texts])

    def rows(
        self, sample: Sample, vectors: Vectors, *, max_errors: Sequence[float], seeds: Sequence[int]
    ) -> Iterator[BenchRow]:
        """One for each static threshold and each `max_error`, over all seeds; a scope begins anew for each."""
        similarities = Similarities(vectors)
        for name, setting, make in self._rules(max_errors):
            score = Score()
            for seed in seeds:
                score = score.together_with(sample.play(make(), similarities, seed))
            yield _row(name, setting, score)

    def _rules(self, max_errors: Sequence[float]) -> Iterator[tuple[str, float, Callable[[], Rule]]]:
        for threshold in STATIC:
            yield "cosine", threshold, partial(Static, threshold)
        for max_error in max_errors:
            yield "helix", max_error, partial(Bounded, self._verifier, max_error, self._ttl_s)


def _row(name: str, setting: float, score: Score) -> BenchRow:
    low, high = interval(score.wrong, score.hits)
    return {
        "rule": name,
        "setting": setting,
        "asked": score.asked,
        "answerable": score.answerable,
        "hits": score.hits,
        "wrong": score.wrong,
        "hit_rate": round(score.hits / max(1, score.asked), 4),
        "wrong_of_hits": round(score.wrong / max(1, score.hits), 4),
        "wrong_low": round(low, 4),
        "wrong_high": round(high, 4),
    }
