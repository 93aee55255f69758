"""How often near look-ups hit, and how often they are wrong: labelled streams through embedder, cosine and guards.

    python -m tests.performance.cache_quality --data DIR [--seeds 1 2 3]

DIR holds `*.jsonl`, a line `{"text", "cls"}` for each prompt, where `cls` stands for the right answer. A stream is
shuffled, exact repeats are left out, and a miss inserts. The search is exact, so that the index plays no part.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_model
from daemon.caching.admission import MIN_SIMILARITY
from daemon.caching.cache import CANDIDATES
from daemon.caching.guards.checks import objection
from daemon.caching.guards.features import read_features

ROWS_AT_ONCE = 1_000
Z = 1.96


class Prompt(NamedTuple):
    text: str
    right: str


class Played(NamedTuple):
    asked: int
    hits: int
    wrong: int

    def __str__(self) -> str:
        low, high = wilson(self.wrong, self.hits)
        return (
            f"hit {self.hits / self.asked:6.1%}   wrong of hits {self.wrong / max(1, self.hits):6.2%}"
            f"  [{low:.2%}, {high:.2%}]"
        )


Neighbours = list[list[tuple[float, int]]]
"""For each prompt those within MIN_SIMILARITY, nearest first."""


def read_stream(file: Path) -> list[Prompt]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [Prompt(text, right) for text, right in {row["text"]: row["cls"] for row in rows if "cls" in row}.items()]


async def embed(prompts: Sequence[Prompt]) -> NDArray[np.float32]:
    embedder = OnnxEmbedder(find_model("minilm"))
    await embedder.warm()
    vectors = np.array([await embedder.embed(prompt.text) for prompt in prompts])
    await embedder.aclose()
    return vectors


def neighbours_of(vectors: NDArray[np.float32]) -> Neighbours:
    return [
        sorted(((float(row[j]), int(j)) for j in np.flatnonzero(row >= MIN_SIMILARITY)), reverse=True)
        for start in range(0, len(vectors), ROWS_AT_ONCE)
        for row in vectors[start : start + ROWS_AT_ONCE] @ vectors.T
    ]


def play(prompts: Sequence[Prompt], near: Neighbours, seed: int, *, guarded: bool) -> Played:
    features_of = lru_cache(maxsize=None)(read_features)
    kept: set[int] = set()
    hits = wrong = 0
    for asked in random.Random(seed).sample(range(len(prompts)), len(prompts)):
        candidates = [other for _, other in near[asked] if other in kept][:CANDIDATES]
        answer = next(
            (
                other
                for other in candidates
                if not guarded or not objection(features_of(prompts[asked].text), features_of(prompts[other].text))
            ),
            None,
        )
        if answer is None:
            kept.add(asked)
        else:
            hits += 1
            wrong += prompts[answer].right != prompts[asked].right
    return Played(len(prompts), hits, wrong)


def total(plays: Iterator[Played]) -> Played:
    return Played(*map(sum, zip(*plays, strict=True)))


def wilson(wrong: int, hits: int) -> tuple[float, float]:
    """The 95% interval of a share."""
    if not hits:
        return 0.0, 1.0
    share, weight = wrong / hits, Z * Z / hits
    middle = (share + weight / 2) / (1 + weight)
    half = Z / (1 + weight) * (share * (1 - share) / hits + weight / (4 * hits)) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    for file in sorted(options.data.glob("*.jsonl")):
        if prompts := read_stream(file):
            near = neighbours_of(asyncio.run(embed(prompts)))
            for guarded, name in ((False, "cosine alone"), (True, "and guards")):
                played = total(play(prompts, near, seed, guarded=guarded) for seed in options.seeds)
                print(f"{file.stem:<12} {MIN_SIMILARITY} {name:<13} {played}", flush=True)


if __name__ == "__main__":
    main()
