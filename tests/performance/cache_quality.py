"""How often near look-ups hit, and how often they are wrong: labelled streams through guards, verifier and bound.

    python -m tests.performance.cache_quality --data DIR [--seeds 1 2 3] [--limit 6000] [--errors 0.01 0.02 0.05]

DIR holds `*.jsonl`, a line `{"text", "cls"}` for each prompt, where `cls` stands for the right answer. A stream is
shuffled, exact repeats are left out, and a miss inserts. A scope begins in shadow, as in a daemon; what is asked and
compared counts as a miss. The search is exact, so that the index plays no part.

The shipped verifier has seen the intents of banking77 and CLINC150 in its training, and nothing of the hard stream.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_folder, find_model
from daemon.caching.admission import Admission, Asked, Found
from daemon.caching.error_bound import ErrorBounds, interval
from daemon.caching.searching import CANDIDATES
from daemon.caching.verifier import FILE, Verifier
from daemon.exchange import CacheEntry

STATIC = (0.80, 0.88, 0.95)
SCOPE = "key:local"


class Prompt(NamedTuple):
    text: str
    right: str


class Played(NamedTuple):
    asked: int
    repeated: int
    """How many had the class of an earlier one."""
    hits: int
    wrong: int

    def __str__(self) -> str:
        low, high = interval(self.wrong, self.hits)
        return (
            f"hit {self.hits / self.asked:6.1%} of {self.repeated / self.asked:.1%}   "
            f"wrong of hits {self.wrong / max(1, self.hits):6.2%}  [{low:.2%}, {high:.2%}]"
        )


class Chosen(NamedTuple):
    """What a rule says of the candidates: one to serve, or one that is compared with the fresh answer."""

    served: int | None
    compared: tuple[int, float] | None = None


Rule = Callable[[int, Sequence[tuple[float, int]]], Chosen]
"""A prompt and its nearest ones before it, with their similarities, nearest first."""


@dataclass(slots=True)
class Bounded:
    """The cache's own rule, one scope of it, from its beginning."""

    prompts: Sequence[Prompt]
    admission: Admission
    bounds: ErrorBounds
    max_error: float

    def __call__(self, asked: int, near: Sequence[tuple[float, int]]) -> Chosen:
        question = _asked(self.prompts[asked].text)
        compared = None
        for similarity, other in near:
            found = Found(_entry(self.prompts[other].text), similarity)
            judgement = self.admission.judge(question, found, self.max_error)
            if judgement.is_hit:
                return Chosen(other)
            if judgement.probability is not None and compared is None:
                compared = other, judgement.probability
        return Chosen(None, compared)

    def learn(self, probability: float, *, is_right: bool) -> None:
        self.bounds.count(SCOPE, probability, self.max_error, is_right=is_right)


def _asked(text: str) -> Asked:
    key = sha256(text.encode()).digest()
    return Asked(text, key, SCOPE, b"", np.zeros(0, dtype=np.float32), made_after=0.0)


@cache
def _entry(text: str) -> CacheEntry:
    return CacheEntry(b"", b"", SCOPE, "chat", "", text, b"", None, 0, 0, 0, 0, 0.0, 0.0)


def static(threshold: float) -> Rule:
    return lambda _, near: Chosen(near[0][1] if near and near[0][0] >= threshold else None)


def read_stream(file: Path) -> list[Prompt]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [Prompt(text, right) for text, right in {row["text"]: row["cls"] for row in rows if "cls" in row}.items()]


async def embed(prompts: Sequence[Prompt]) -> NDArray[np.float32]:
    embedder = OnnxEmbedder(find_model("minilm"))
    await embedder.warm()
    vectors = np.array([await embedder.embed(prompt.text) for prompt in prompts])
    await embedder.aclose()
    return vectors


def play(prompts: Sequence[Prompt], vectors: NDArray[np.float32], order: Sequence[int], rule: Rule) -> Played:
    kept: list[int] = []
    held = np.zeros((len(order), vectors.shape[1]), dtype=np.float32)
    seen: set[str] = set()
    repeated = hits = wrong = 0
    for asked in order:
        right = prompts[asked].right
        repeated += right in seen
        seen.add(right)
        chosen = rule(asked, _nearest(held[: len(kept)] @ vectors[asked], kept))
        if chosen.compared is not None and isinstance(rule, Bounded):
            other, probability = chosen.compared
            rule.learn(probability, is_right=prompts[other].right == right)
        if chosen.served is None:
            held[len(kept)] = vectors[asked]
            kept.append(asked)
        else:
            hits += 1
            wrong += prompts[chosen.served].right != right
    return Played(len(order), repeated, hits, wrong)


def _nearest(similarities: NDArray[np.float32], kept: Sequence[int]) -> list[tuple[float, int]]:
    count = min(CANDIDATES, len(kept))
    if not count:
        return []
    at = np.argpartition(-similarities, count - 1)[:count]
    return sorted(((float(similarities[i]), kept[i]) for i in at), reverse=True)


def rules(prompts: Sequence[Prompt], max_errors: Sequence[float]) -> Iterator[tuple[str, Callable[[], Rule]]]:
    """Each with its name; a scope begins anew for every stream."""
    for threshold in STATIC:
        yield f"static {threshold:.2f}", partial(static, threshold)
    verifier = Verifier.load(find_folder("verifier", FILE))

    def bounded(max_error: float) -> Bounded:
        bounds = ErrorBounds(None, verifier.certified)
        return Bounded(prompts, Admission(verifier, bounds), bounds, max_error)

    for max_error in max_errors:
        yield f"max_error {max_error:g}", partial(bounded, max_error)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--errors", type=float, nargs="+", default=[0.01, 0.02, 0.05])
    parser.add_argument("--limit", type=int, default=6_000, help="prompts of a stream")
    options = parser.parse_args()
    for file in sorted(options.data.glob("*.jsonl")):
        if not (prompts := read_stream(file)):
            continue
        vectors = asyncio.run(embed(prompts))
        count = min(options.limit, len(prompts))
        orders = [random.Random(seed).sample(range(len(prompts)), count) for seed in options.seeds]
        for name, rule in rules(prompts, options.errors):
            played = Played(*map(sum, zip(*(play(prompts, vectors, order, rule()) for order in orders), strict=True)))
            print(f"{file.stem:<12} {name:<14} {played}", flush=True)


if __name__ == "__main__":
    main()
