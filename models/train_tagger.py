"""Train the tagger of names and addresses.

    PYTHONPATH=. python models/train_tagger.py --data DIR --questions DIR --packages DIR --minilm FILE --out DIR

README.md says in what environment. Writes `tagger.pt`; export_tagger.py makes the files that ship of it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.numpy import load_file
from tagger_training.corpora import read_code, read_conll, read_questions, varied
from tagger_training.labelled import Labelled, joined
from tagger_training.names import People
from tagger_training.network import NOT_COUNTED, Example, Tagger, Vocabulary, batch_of, example_of
from tagger_training.writer import TextWriter
from tokenizers import Tokenizer
from torch.nn import functional

ROOT = Path(__file__).parents[1]
HELD_OUT_NAMES = ROOT / "tests" / "performance" / "pii_names.txt"
WEIGHTS = "embeddings.word_embeddings.weight"
LONGEST = 160
BATCH_WORDS = 3000


def main() -> None:
    options = parsed()
    random = Random(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(ROOT / "models" / "minilm" / "tokenizer.json"))
    pieces = load_file(options.minilm)[WEIGHTS].astype(np.float32)
    vocabulary = Vocabulary(tokenizer, pieces)
    texts = Texts(options, random)
    model = Tagger(pieces.shape[1], options.width, options.dilations)
    train(model, texts, vocabulary, options)
    options.out.mkdir(parents=True, exist_ok=True)
    shape = {"width": options.width, "dilations": options.dilations, "seed": options.seed, "words": options.words}
    torch.save({"shape": shape, "state": model.state_dict(), "minilm": str(options.minilm)}, options.out / "tagger.pt")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="the labelled corpora")
    parser.add_argument("--questions", type=Path, required=True, help="banking77.jsonl and clinc150.jsonl")
    parser.add_argument("--packages", type=Path, required=True, help="site-packages with what requirements.lock names")
    parser.add_argument("--minilm", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--words", type=int, default=24_000_000, help="how many are read")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--dilations", type=int, nargs="+", default=[1, 2, 4, 1])
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


class Texts:
    """An endless mixture of what others wrote and what is made up."""

    def __init__(self, options: argparse.Namespace, random: Random) -> None:
        self._random = random
        people = People.but(frozenset(HELD_OUT_NAMES.read_text().lower().split()))
        self._writer = TextWriter(people, random)
        self._news = read_conll(options.data / "wikigold.conll")
        self._posts = [
            sentence
            for file in sorted([*options.data.glob("btc_*.conll"), *options.data.glob("wnut_*.conll")])
            for sentence in read_conll(file)
        ]
        self._questions = [
            question
            for file in ("banking77.jsonl", "clinc150.jsonl")
            for question in read_questions(options.questions / file)
        ]
        self._code = read_code(options.packages, people.words(), 12_000, random)

    def any(self) -> Labelled:
        random = self._random
        way = random.choices(
            (
                self._corpus,
                self._writer.sentences,
                self._writer.document,
                self._writer.negative,
                self._question,
                self._piece,
                self._both,
            ),
            (30, 24, 12, 12, 5, 12, 5),
        )[0]
        return way()

    def _corpus(self) -> Labelled:
        sentences = self._news if self._random.random() < 0.2 else self._posts
        at = self._random.randrange(len(sentences))
        several = sentences[at : at + self._random.choice((1, 1, 2, 3))]
        return joined(
            [varied(sentence, self._writer, self._random) for sentence in several], self._random.choice((" ", "\n"))
        )

    def _question(self) -> Labelled:
        return joined([self._random.choice(self._questions) for _ in range(self._random.choice((1, 1, 3)))], "\n")

    def _piece(self) -> Labelled:
        return self._random.choice(self._code)

    def _both(self) -> Labelled:
        """Code or questions beside a text with names."""
        parts = [self._writer.sentences(), self._random.choice((self._piece, self._question))()]
        self._random.shuffle(parts)
        return joined(parts, "\n\n")


def batches(texts: Texts, vocabulary: Vocabulary) -> Iterator[list[Example]]:
    """Of about one number of words; texts of a like length together."""
    while True:
        pool: list[Example] = []
        for _ in range(1500):
            example = example_of(texts.any(), vocabulary)
            pool += [
                Example(
                    example.words[at : at + LONGEST], example.gaps[at : at + LONGEST], example.labels[at : at + LONGEST]
                )
                for at in range(0, len(example.words), LONGEST)
            ]
        pool.sort(key=lambda example: len(example.words))
        grouped: list[list[Example]] = [[]]
        for example in pool:
            if grouped[-1] and len(example.words) * (len(grouped[-1]) + 1) > BATCH_WORDS:
                grouped.append([])
            grouped[-1].append(example)
        np.random.default_rng(len(vocabulary.shapes)).shuffle(grouped)
        yield from grouped


def train(model: Tagger, texts: Texts, vocabulary: Vocabulary, options: argparse.Namespace) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01, betas=(0.9, 0.98))
    seen, step, losses, began = 0, 0, 0.0, time.process_time()
    for examples in batches(texts, vocabulary):
        count = sum(len(example.words) for example in examples)
        share = seen / options.words
        rate = 3e-3 * min(1.0, (step + 1) / 100) * max(0.01, 1 - share)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batch_of(examples, vocabulary)
        scores = model(batch, word_drop=0.12, drop=0.1)
        loss = functional.cross_entropy(scores.flatten(0, 1), batch.labels.flatten(), ignore_index=NOT_COUNTED)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seen, step, losses = seen + count, step + 1, losses + loss.item()
        if step % 100 == 0:
            print(f"{seen:>10} words {time.process_time() - began:6.0f} s  loss {losses / 100:.4f}", flush=True)
            losses = 0.0
        if seen >= options.words:
            return


if __name__ == "__main__":
    main()
