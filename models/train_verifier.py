"""Train the verifier: how likely the answer to one question is right for another one that is near to it.

    python models/train_verifier.py --data DIR [--without SOURCE] [--out FOLDER] [--stream FILE]

DIR holds banking77.jsonl and clinc150.jsonl (`{"text", "cls"}` a line), from which the topical reading is learned; the
specific one is learned from questions that are made from verifier/families.txt. Writes trees.npz and reliability.svg
to FOLDER (verifier/), and what README.md says of them on stdout. Equal versions, data and seed give equal trees.

For what trees say of questions that they never saw: `--without clinc150` leaves that set out, and `--stream` writes
the questions of verifier/held_out_families.txt as a labelled file. tests/performance/cache_quality.py plays both.
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
from shutil import copyfile
from typing import Any, NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from daemon.adapters.embedder_onnx import SentenceEncoder
from daemon.adapters.model_files import find_model
from daemon.caching.error_estimate import BANDS
from daemon.caching.guards.checks import objection_of_lists
from daemon.caching.guards.features import read_features
from daemon.caching.lexicon import FILE as WORDS
from daemon.caching.lexicon import Lexicon
from daemon.caching.verifier import FILE, READINGS, SIGNS, Reading, signs_of

HERE = Path(__file__).parent / "verifier"
SEED = 20260301
FOLDS = 5
DEPTH = 4
NEIGHBOURS = 5
MIN_SIMILARITY = 0.55
"""A little below what is asked of the verifier, so that its border is inside what it was trained on."""
ROWS_AT_ONCE = 512

MADE_PER_SENSE = 14
"""Questions of one sense; about half of them with slots that another one has as well."""

FRAMES = ("", "", "", "", "please ", "can you tell me ", "hi, ", "hey, ", "i want to know: ", "quick question, ")
ENDS = ("", "", "", "?", "?", "?", ".", " please", " thanks", "??")
RISING = (
    "similarity", "shared meanings", "in order", "related words", "question words", "persons", "tenses",
    "other words for it",
)  # fmt: skip
FALLING = ("only in one", "only in other", "siblings", "unknown words", "unrelated words", "more words")
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
    "monotone_constraints": [int(sign in RISING) - int(sign in FALLING) for sign in SIGNS],
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


class Pairs(NamedTuple):
    signs: NDArray[np.float32]
    labels: NDArray[np.bool_]
    groups: NDArray[np.str_]
    """Of the first question."""


SOURCES: dict[str, Reading] = {"made": "specific", "banking77": "topical", "clinc150": "topical"}
"""Which reading their labels mean."""


def made_questions(families: str = "families.txt", values: str = "values.txt") -> list[Asked]:
    """Questions of the families, with few slots' values so that many differ in one thing only."""
    rng = random.Random(SEED)
    return list({one.text: one for one in _made(rng, dict(_values(values)), _families(families))}.values())


Family = tuple[str, dict[str, str], list[list[str]]]


def _made(rng: random.Random, values: dict[str, list[str]], families: Iterator[Family]) -> Iterator[Asked]:
    for name, slots, senses in families:
        for number, phrases in enumerate(senses):
            for _ in range(MADE_PER_SENSE):
                # Few values of each kind for a sense: neighbours that differ in one of them are common.
                filled = _filled(slots, values, 2 + number % 4, rng)
                for phrase in rng.sample(phrases, min(2, len(phrases))):
                    used = {slot: value for slot, value in filled.items() if f"{{{slot}}}" in phrase}
                    yield Asked(_varied(phrase.format_map(filled), rng), f"{name}/{number}/{used}", name)


def _filled(slots: dict[str, str], values: dict[str, list[str]], count: int, rng: random.Random) -> dict[str, str]:
    """A value for each slot; two slots of a kind have two."""
    filled: dict[str, str] = {}
    for slot, kind in slots.items():
        filled[slot] = rng.choice([value for value in values[kind][:count] if value not in filled.values()])
    return filled


def _values(name: str) -> Iterator[tuple[str, list[str]]]:
    for line in _lines(name):
        kind, _, values = line.partition(": ")
        yield kind, values.split(" | ")


def _families(name: str) -> Iterator[Family]:
    blocks = re.split(r"\n\s*\n", "\n".join(_lines(name, keep_empty=True)))
    for block in filter(str.strip, blocks):
        head, *senses = block.strip().splitlines()
        family, *slots = head.split()
        yield family, dict(slot.split("=") for slot in slots), [sense.split(" | ") for sense in senses]


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
        yield Asked(row["text"], row["cls"], row["cls"])


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    encoder = SentenceEncoder(find_model("minilm"))
    return np.array([encoder.encode(text) for text in texts], dtype=np.float32)


def pairs_of(asked: Sequence[Asked], lexicon: Lexicon) -> Pairs:
    """Each question with its nearest ones, where no guard of a closed list objects: what the verifier is asked."""
    features = lru_cache(maxsize=None)(read_features)
    rows: list[list[float]] = []
    labels: list[bool] = []
    groups: list[str] = []
    for one, other, similarity in neighbours(asked):
        first, second = features(one.text), features(other.text)
        if objection_of_lists(first, second) is None:
            rows.append(signs_of(first, second, similarity, lexicon))
            labels.append(one.right == other.right)
            groups.append(one.group)
    return Pairs(np.array(rows, dtype=np.float32), np.array(labels), np.array(groups))


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
    random.Random(SEED).shuffle(names)
    fold = {name: at % FOLDS for at, name in enumerate(names)}
    return np.array([fold[group] for group in groups.tolist()])


def fit(sources: Sequence[Pairs]) -> lightgbm.Booster:
    signs, labels = (np.concatenate([getattr(pairs, name) for pairs in sources]) for name in ("signs", "labels"))
    data = lightgbm.Dataset(signs, labels, weight=weights_of(sources), feature_name=list(SIGNS))
    return lightgbm.train(PARAMETERS, data, ROUNDS)


def weights_of(sources: Sequence[Pairs]) -> NDArray[np.float64]:
    """Every source counts the same, however many pairs it gave."""
    total = sum(len(pairs.labels) for pairs in sources)
    return np.concatenate([np.full(len(p.labels), total / len(sources) / len(p.labels)) for p in sources])


def scores_of(booster: lightgbm.Booster, pairs: Pairs) -> NDArray[np.float64]:
    return np.asarray(booster.predict(pairs.signs, raw_score=True))


class Learned(NamedTuple):
    """One reading: its trees, their calibration, and the scores of each source by trees that never saw it."""

    booster: lightgbm.Booster
    points: tuple[NDArray[np.float64], NDArray[np.float64]]
    unseen: dict[str, NDArray[np.float64]]


def learn(pairs: dict[str, Pairs], reading: Reading) -> Learned:
    own = [name for name in pairs if SOURCES[name] == reading]
    booster = fit([pairs[name] for name in own])
    unseen = unseen_scores({name: pairs[name] for name in own})
    points = calibration(unseen, pairs)
    return Learned(booster, points, unseen | {n: scores_of(booster, pairs[n]) for n in pairs if n not in own})


def unseen_scores(sources: dict[str, Pairs]) -> dict[str, NDArray[np.float64]]:
    """Each pair's score by trees that saw no pair of its family or intent."""
    folds = {name: fold_of(pairs.groups) for name, pairs in sources.items()}
    scores = {name: np.zeros(len(pairs.labels)) for name, pairs in sources.items()}
    for fold in range(FOLDS):
        booster = fit([_rows(pairs, folds[name] != fold) for name, pairs in sources.items()])
        for name, pairs in sources.items():
            in_fold = folds[name] == fold
            scores[name][in_fold] = scores_of(booster, _rows(pairs, in_fold))
    return scores


def _rows(pairs: Pairs, chosen: NDArray[np.bool_]) -> Pairs:
    return Pairs(pairs.signs[chosen], pairs.labels[chosen], pairs.groups[chosen])


def calibration(
    unseen: dict[str, NDArray[np.float64]], pairs: dict[str, Pairs]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores and their probabilities: what isotonic regression on unseen families gives, as a few points."""
    scores, labels = np.concatenate(list(unseen.values())), np.concatenate([pairs[name].labels for name in unseen])
    rising = IsotonicRegression(out_of_bounds="clip").fit(scores, labels, weights_of([pairs[name] for name in unseen]))
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


Row = tuple[float, float, int]


def reliability(learned: Learned, pairs: dict[str, Pairs], reading: Reading) -> list[Row]:
    """Claimed and true share of right answers on unseen families, with the number of pairs, by tenths."""
    own = [name for name in pairs if SOURCES[name] == reading]
    claimed = np.concatenate([np.interp(learned.unseen[name], *learned.points) for name in own])
    labels = np.concatenate([pairs[name].labels for name in own])
    edges = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.001)
    bins = [(claimed >= low) & (claimed < high) for low, high in pairwise(edges)]
    return [(claimed[b].mean(), labels[b].mean(), int(b.sum())) for b in bins if b.any()]


MIN_CERTIFYING = 30


def certified(learned: Learned, pairs: dict[str, Pairs], reading: Reading) -> list[float]:
    """For each band the share of wrong answers at or above it, on unseen questions, of the source where it is worst;
    of sources that mean the other reading too."""
    claimed = {name: np.interp(learned.unseen[name], *learned.points) for name in pairs}
    errors = [
        max(
            1 - pairs[name].labels[claimed[name] >= band].mean()
            for name in pairs
            if (claimed[name] >= band).sum() >= MIN_CERTIFYING
        )
        for band in BANDS[reading]
    ]
    return [max(errors[at:]) for at in range(len(errors))]


COLOURS: dict[Reading, str] = {"specific": "steelblue", "topical": "darkorange"}


def diagram(rows: dict[Reading, list[Row]]) -> str:
    """An SVG of 300 by 300: claimed to the right, true upwards."""
    dots = "".join(
        f'<circle cx="{30 + 250 * claimed:.0f}" cy="{270 - 250 * true:.0f}" r="{2 + count**0.25 / 2:.1f}" '
        f'fill="{COLOURS[reading]}" fill-opacity=".7"/>'
        for reading in rows
        for claimed, true, count in rows[reading]
    )
    names = "".join(
        f'<text x="40" y="{35 + 14 * at}" fill="{COLOURS[reading]}">{reading}</text>' for at, reading in enumerate(rows)
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" font-family="sans-serif" font-size="10">'
        '<rect width="300" height="300" fill="white"/><path d="M30 20V270H280M30 270L280 20" fill="none" '
        'stroke="gray"/><text x="110" y="290">claimed probability</text><text x="12" y="180" '
        f'transform="rotate(-90 12 180)">share that was right</text>{names}{dots}</svg>\n'
    )


def all_pairs(data: Path, names: Sequence[str], lexicon: Lexicon) -> dict[str, Pairs]:
    asked = {
        name: made_questions() if name == "made" else list(labelled_questions(data / f"{name}.jsonl")) for name in names
    }
    return {name: pairs_of(questions, lexicon) for name, questions in asked.items()}


def write_stream(file: Path) -> None:
    made = made_questions("held_out_families.txt", "held_out_values.txt")
    file.write_text("".join(json.dumps({"text": one.text, "cls": one.right}) + "\n" for one in made))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--without", choices=[name for name in SOURCES if name != "made"])
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--stream", type=Path, help="write the held-out questions to this file, and do no more")
    options = parser.parse_args()
    if options.stream is not None:
        write_stream(options.stream)
        return
    pairs = all_pairs(options.data, [name for name in SOURCES if name != options.without], Lexicon.load(HERE))
    for name in pairs:
        print(f"{name}: {len(pairs[name].labels)} pairs, {pairs[name].labels.mean():.1%} right")
    arrays: dict[str, Any] = {}
    rows: dict[Reading, list[Row]] = {}
    for reading in READINGS:
        learned = learn(pairs, reading)
        errors = certified(learned, pairs, reading)
        own = as_heaps(learned.booster) | dict(zip(("scores", "probabilities"), learned.points, strict=True))
        arrays |= {f"{reading}.{name}": array for name, array in own.items()}
        rows[reading] = reliability(learned, pairs, reading)
        report(reading, learned, errors, rows[reading])
    options.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.out / FILE, **arrays)
    (options.out / "reliability.svg").write_text(diagram(rows))
    if options.out != HERE:
        copyfile(HERE / WORDS, options.out / WORDS)


def report(reading: Reading, learned: Learned, errors: Sequence[float], rows: Sequence[Row]) -> None:
    """What the card says."""
    print(f"\n{reading}")
    for claimed, true, count in rows:
        print(f"| {claimed:.3f} | {true:.3f} | {count:,} |")
    for band, error in zip(BANDS[reading], errors, strict=True):
        print(f"| {band:.2f} | {error:.2%} |")
    gains = zip(SIGNS, learned.booster.feature_importance("gain"), strict=True)
    print(", ".join(f"{name} {gain:.0f}" for name, gain in sorted(gains, key=lambda row: -row[1])))


if __name__ == "__main__":
    main()
