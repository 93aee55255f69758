"""Train the verifier: how likely the answer to one question is right for another one that is near to it.

    python models/train_verifier.py --data DIR

DIR holds banking77.jsonl and clinc150.jsonl (`{"text", "cls"}` a line); the other questions are made from
verifier/families.txt. Writes verifier/trees.npz, verifier/reliability.svg and what README.md says of them on stdout.
Equal versions, data and seed give equal trees.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from daemon.adapters.embedder_onnx import SentenceEncoder
from daemon.adapters.model_files import find_model
from daemon.caching.error_bound import BANDS
from daemon.caching.guards.checks import objection_of_lists
from daemon.caching.guards.features import read_features
from daemon.caching.verifier import FILE, SIGNS, signs_of

HERE = Path(__file__).parent / "verifier"
SEED = 20260301
FOLDS = 5
DEPTH = 4
NEIGHBOURS = 5
MIN_SIMILARITY = 0.73
"""A little below what is asked of the verifier, so that its border is inside what it was trained on."""
ROWS_AT_ONCE = 512

MADE_PER_SENSE = 14
"""Questions of one sense; about half of them with slots that another one has as well."""

FRAMES = ("", "", "", "", "please ", "can you tell me ", "hi, ", "hey, ", "i want to know: ", "quick question, ")
ENDS = ("", "", "", "?", "?", "?", ".", " please", " thanks", "??")
RISING = ("similarity", "shared meanings", "in order", "question words")
PARAMETERS = {
    "objective": "binary",
    "num_leaves": 2**DEPTH,
    "max_depth": DEPTH,
    "learning_rate": 0.05,
    "min_data_in_leaf": 60,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "monotone_constraints": [int(sign in RISING) for sign in SIGNS],
    "monotone_constraints_method": "advanced",
    "seed": SEED,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbose": -1,
}
ROUNDS = 200


class Asked(NamedTuple):
    text: str
    right: str
    """What stands for the right answer: questions of one class want the same."""
    group: str
    """Its family or intent; no group is in two folds."""
    source: str


class Pairs(NamedTuple):
    signs: NDArray[np.float32]
    labels: NDArray[np.bool_]
    groups: NDArray[np.str_]
    """Of the first question."""
    sources: NDArray[np.str_]


def made_questions(rng: random.Random) -> Iterator[Asked]:
    """Questions of the families, with few slots' values so that many differ in one thing only."""
    values = dict(_values())
    for name, slots, senses in _families():
        for number, phrases in enumerate(senses):
            for _ in range(MADE_PER_SENSE):
                # Two values of each kind for a family: neighbours that differ in one of them are common.
                filled = {slot: rng.choice(values[kind][: 2 + number % 4]) for slot, kind in slots.items()}
                for phrase in rng.sample(phrases, min(2, len(phrases))):
                    used = {slot: value for slot, value in filled.items() if f"{{{slot}}}" in phrase}
                    right = f"{name}/{number}/{used}"
                    yield Asked(_varied(phrase.format_map(filled), rng), right, name, "made")


def _values() -> Iterator[tuple[str, list[str]]]:
    for line in _lines("values.txt"):
        kind, _, values = line.partition(": ")
        yield kind, values.split(" | ")


def _families() -> Iterator[tuple[str, dict[str, str], list[list[str]]]]:
    blocks = re.split(r"\n\s*\n", "\n".join(_lines("families.txt", keep_empty=True)))
    for block in filter(str.strip, blocks):
        head, *senses = block.strip().splitlines()
        name, *slots = head.split()
        yield name, dict(slot.split("=") for slot in slots), [sense.split(" | ") for sense in senses]


def _lines(name: str, *, keep_empty: bool = False) -> list[str]:
    lines = (HERE / name).read_text().splitlines()
    return [line for line in lines if not line.startswith("#") and (line.strip() or keep_empty)]


def _varied(text: str, rng: random.Random) -> str:
    """As people write it: with a frame, another case, a mark at the end, now and then a slip of the finger."""
    text = rng.choice(FRAMES) + text + rng.choice(ENDS)
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.06 and len(text) > 20:
        at = rng.randrange(5, len(text) - 5)
        if text[at].isalpha() and text[at + 1].isalpha():
            text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text


def labelled_questions(file: Path) -> Iterator[Asked]:
    for row in map(json.loads, file.read_text().splitlines()):
        yield Asked(row["text"], row["cls"], row["cls"], file.stem)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    encoder = SentenceEncoder(find_model("minilm"))
    return np.array([encoder.encode(text) for text in texts], dtype=np.float32)


def pairs_of(asked: Sequence[Asked]) -> Pairs:
    """Each question with its nearest ones, where no guard of a closed list objects: what the verifier is asked."""
    features = lru_cache(maxsize=None)(read_features)
    rows: list[list[float]] = []
    labels: list[bool] = []
    firsts: list[Asked] = []
    for one, other, similarity in neighbours(asked):
        first, second = features(one.text), features(other.text)
        if objection_of_lists(first, second) is None:
            rows.append(signs_of(first, second, similarity))
            labels.append(one.right == other.right)
            firsts.append(one)
    groups, sources = [one.group for one in firsts], [one.source for one in firsts]
    return Pairs(np.array(rows, dtype=np.float32), np.array(labels), np.array(groups), np.array(sources))


def neighbours(asked: Sequence[Asked]) -> Iterator[tuple[Asked, Asked, float]]:
    vectors = embed([one.text for one in asked])
    for start in range(0, len(asked), ROWS_AT_ONCE):
        for at, similarities in enumerate(vectors[start : start + ROWS_AT_ONCE] @ vectors.T, start):
            similarities[at] = -1
            nearest = np.argpartition(-similarities, NEIGHBOURS)[:NEIGHBOURS]
            yield from (
                (asked[at], asked[other], float(similarities[other]))
                for other in nearest
                if similarities[other] >= MIN_SIMILARITY
            )


def fold_of(groups: NDArray[np.str_]) -> NDArray[np.int_]:
    names = sorted(set(groups.tolist()))
    random.Random(SEED).shuffle(names)  # noqa: S311  repeatable, and no secret
    fold = {name: at % FOLDS for at, name in enumerate(names)}
    return np.array([fold[group] for group in groups.tolist()])


def fit(pairs: Pairs, chosen: NDArray[np.bool_]) -> lightgbm.Booster:
    weights = weights_of(pairs)[chosen]
    data = lightgbm.Dataset(pairs.signs[chosen], pairs.labels[chosen], weight=weights, feature_name=list(SIGNS))
    return lightgbm.train(PARAMETERS, data, ROUNDS)


def weights_of(pairs: Pairs) -> NDArray[np.float64]:
    """Every source counts the same, however many pairs it gave."""
    names, at, counts = np.unique(pairs.sources, return_inverse=True, return_counts=True)
    return len(pairs.labels) / len(names) / counts[at]


def unseen_scores(pairs: Pairs) -> NDArray[np.float64]:
    """Each pair's score by trees that saw no pair of its family or intent."""
    folds = fold_of(pairs.groups)
    scores = np.zeros(len(folds))
    for fold in range(FOLDS):
        booster = fit(pairs, folds != fold)
        scores[folds == fold] = booster.predict(pairs.signs[folds == fold], raw_score=True)
    return scores


def calibration(scores: NDArray[np.float64], pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores and their probabilities: what isotonic regression on unseen families gives, as a few points."""
    rising = IsotonicRegression(out_of_bounds="clip").fit(scores, pairs.labels, weights_of(pairs))
    points = np.unique(np.quantile(scores, np.linspace(0, 1, 41)))
    return points, np.clip(rising.predict(points), 0.001, 0.999)


def as_heaps(booster: lightgbm.Booster) -> dict[str, NDArray[np.float32]]:
    """Trees as rows of equal length: 2^DEPTH - 1 nodes, then 2^DEPTH leaves; short branches repeat their leaf."""
    trees = [info["tree_structure"] for info in booster.dump_model()["tree_info"]]
    sign = np.zeros((len(trees), 2**DEPTH - 1), dtype=np.float32)
    limit = np.full((len(trees), 2**DEPTH - 1), np.inf, dtype=np.float32)
    leaf = np.zeros((len(trees), 2**DEPTH), dtype=np.float32)

    def lay(tree: int, node: dict[str, Any], at: int) -> None:
        is_leaf = "leaf_value" in node
        if at >= 2**DEPTH - 1:
            leaf[tree, at - (2**DEPTH - 1)] = node["leaf_value"]
            return
        if not is_leaf:
            sign[tree, at], limit[tree, at] = node["split_feature"], node["threshold"]
        lay(tree, node if is_leaf else node["left_child"], 2 * at + 1)
        lay(tree, node if is_leaf else node["right_child"], 2 * at + 2)

    for number, tree in enumerate(trees):
        lay(number, tree, 0)
    return {"sign": sign, "limit": limit, "leaf": leaf}


def reliability(scores: NDArray[np.float64], pairs: Pairs, points: Any) -> list[tuple[float, float, int]]:
    """Claimed and true share of right answers on unseen families, with the number of pairs, by tenths."""
    claimed = np.interp(scores, *points)
    edges = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.001)
    bins = [(claimed >= low) & (claimed < high) for low, high in pairwise(edges)]
    return [(claimed[b].mean(), pairs.labels[b].mean(), int(b.sum())) for b in bins if b.any()]


def certified(scores: NDArray[np.float64], pairs: Pairs, points: Any) -> NDArray[np.float64]:
    """For each band the share of wrong answers at or above it, on unseen families, of the source where it is worst."""
    claimed = np.interp(scores, *points)
    sources = sorted(set(pairs.sources.tolist()))
    return np.array(
        [
            max(1 - pairs.labels[(claimed >= band) & (pairs.sources == source)].mean() for source in sources)
            for band in BANDS
        ]
    )


def diagram(rows: Sequence[tuple[float, float, int]]) -> str:
    """An SVG of 300 by 300: claimed to the right, true upwards."""
    dots = "".join(
        f'<circle cx="{30 + 250 * claimed:.0f}" cy="{270 - 250 * true:.0f}" r="{2 + count**0.25 / 2:.1f}"/>'
        for claimed, true, count in rows
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" font-family="sans-serif" font-size="10">'
        '<rect width="300" height="300" fill="white"/><path d="M30 20V270H280M30 270L280 20" fill="none" '
        'stroke="gray"/><text x="110" y="290">claimed probability</text><text x="12" y="180" '
        f'transform="rotate(-90 12 180)">share that was right</text><g fill="steelblue">{dots}</g></svg>\n'
    )


def all_pairs(data: Path) -> Pairs:
    rng = random.Random(SEED)  # noqa: S311  repeatable, and no secret
    made = list({one.text: one for one in made_questions(rng)}.values())
    labelled = [list(labelled_questions(data / f"{name}.jsonl")) for name in ("banking77", "clinc150")]
    parts = [pairs_of(asked) for asked in (made, *labelled)]
    return Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    pairs = all_pairs(data)
    scores = unseen_scores(pairs)
    points = calibration(scores, pairs)
    booster = fit(pairs, np.ones(len(pairs.labels), dtype=bool))
    arrays = as_heaps(booster)
    errors = certified(scores, pairs, points)
    np.savez_compressed(HERE / FILE, **arrays, scores=points[0], probabilities=points[1], certified=errors)
    rows = reliability(scores, pairs, points)
    (HERE / "reliability.svg").write_text(diagram(rows))
    for name in sorted(set(pairs.sources.tolist())):
        of_it = pairs.sources == name
        print(f"{name}: {of_it.sum()} pairs, {pairs.labels[of_it].mean():.1%} right")
    for claimed, true, count in rows:
        print(f"| {claimed:.3f} | {true:.3f} | {count} |")
    for band, error in zip(BANDS, errors, strict=True):
        print(f"| {band:.2f} | {error:.2%} |")
    for name, gain in sorted(zip(SIGNS, booster.feature_importance("gain"), strict=True), key=lambda row: -row[1]):
        print(f"{name}: {gain:.0f}")


if __name__ == "__main__":
    main()
