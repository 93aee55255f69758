"""Near questions, judged as in a scope where every detail counts and whose threshold is the lowest there is: what
differs in one thing is a miss, whatever the thing; what is said in other words is a hit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_folder
from daemon.caching.admission import Admission, Asked, Found
from daemon.caching.error_bound import ErrorBounds
from daemon.caching.verifier import FILE, Odds, Verifier
from daemon.exchange import CacheEntry

HERE = Path(__file__).parent
SCOPE, MAX_ERROR = "key:ann", 0.05
LOWEST = 0.80
"""From there on in detail, as scopes come to serve where every detail counts."""


def lines_of(name: str) -> Iterator[str]:
    lines = (HERE / name).read_text("utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("#"))


CHANGES = [line.split(": ", 1) for line in lines_of("changes.txt")]
PARAPHRASES = list(lines_of("paraphrases.txt"))


@pytest.fixture(scope="module")
def admission() -> Admission:
    """Of a scope whose checks were right a thousand times, however unlikely in detail."""
    bounds = ErrorBounds(None)
    for _ in range(1_000):
        bounds.count(SCOPE, Odds(LOWEST, 0.0), MAX_ERROR, is_right=True)
    return Admission(Verifier.load(find_folder("verifier", FILE)), bounds)


async def verdict(admission: Admission, embedder: OnnxEmbedder, asked: str, kept: str) -> str:
    """`hit`, or the step that refused and why."""
    vectors = [await embedder.embed(text) for text in (asked, kept)]
    similarity = min(1.0, float(np.dot(*vectors)))
    question = Asked(asked, b"\xff", SCOPE, b"", vectors[0], made_after=0.0)
    entry = CacheEntry(b"", b"", SCOPE, "chat", "", kept, b"", None, 0, 0, 0, 0, 0.0, 0.0)
    last = admission.judge(question, Found(entry, similarity), MAX_ERROR).steps[-1]
    return last.outcome if last.outcome == "hit" else f"{last.step}: {last.detail}"


@pytest.mark.parametrize(("kind", "pair"), CHANGES)
async def test_one_thing_that_differs_is_a_miss(
    admission: Admission, embedder: OnnxEmbedder, kind: str, pair: str
) -> None:
    one, other = pair.split(" | ")

    assert "hit" != await verdict(admission, embedder, one, other), kind
    assert "hit" != await verdict(admission, embedder, other, one), kind


@pytest.mark.parametrize("pair", PARAPHRASES)
async def test_the_same_in_other_words_is_a_hit(admission: Admission, embedder: OnnxEmbedder, pair: str) -> None:
    one, other = pair.split(" | ")

    assert "hit" == await verdict(admission, embedder, one, other)


def test_many_kinds_of_change_are_tried() -> None:
    assert len({kind for kind, _ in CHANGES}) >= 40
    assert len(CHANGES) > 300
