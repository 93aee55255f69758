"""Train the tagger of names and addresses.

    PYTHONPATH=. python models/train_tagger.py --data DIR --questions DIR --packages DIR --modules DIR --wordnet DIR \\
        --minilm FILE --out DIR

README.md says in what environment. Writes `tagger.pt`; export_tagger.py makes the files that ship of it.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.numpy import load_file
from tagger_training.mixture import Sources, Texts
from tagger_training.names import People
from tagger_training.network import NOT_COUNTED, Example, Tagger, Vocabulary, batch_of, example_of
from tokenizers import Tokenizer
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

ROOT = Path(__file__).parents[1]
HELD_OUT_NAMES = [ROOT / "tests" / "performance" / file for file in ("pii_names.txt", "pii_names_unseen.txt")]
WEIGHTS = "embeddings.word_embeddings.weight"
LONGEST = 160
BATCH_WORDS = 3000
WARM_UP_STEPS = 200
AVERAGED_STEPS = 1000
"""The weights that are kept are an average over about so many steps."""


def main() -> None:
    options = parsed()
    random = Random(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    people = People.but(frozenset(word for file in HELD_OUT_NAMES for word in file.read_text().lower().split()))
    texts = Texts(
        Sources(options.data, options.questions, options.packages, options.modules, options.wordnet), people, random
    )
    vocabulary = Vocabulary(Tokenizer.from_file(str(ROOT / "models" / "minilm" / "tokenizer.json")))
    pieces = load_file(options.minilm)[WEIGHTS].astype(np.float32)
    model = Tagger(torch.from_numpy(pieces), options.width, options.dilations)
    rounds = []
    if options.goes_on_from:
        earlier = torch.load(options.goes_on_from / "tagger.pt")
        model.load_state_dict(earlier["state"])
        rounds = earlier["shape"]["rounds"]
    rounds = [*rounds, {"words": options.words, "seed": options.seed, "fastest": options.fastest}]
    averaged = train(model, texts, vocabulary, options)
    options.out.mkdir(parents=True, exist_ok=True)
    shape = {"width": options.width, "dilations": options.dilations, "rounds": rounds}
    torch.save(
        {"shape": shape, "state": averaged.state_dict(), "minilm": str(options.minilm)}, options.out / "tagger.pt"
    )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True, help="the labelled corpora")
    parser.add_argument("--questions", type=Path, required=True, help="banking77.jsonl and clinc150.jsonl")
    parser.add_argument("--packages", type=Path, required=True, help="site-packages with what requirements.lock names")
    parser.add_argument("--modules", type=Path, required=True, help="node_modules with the scripts of words.toml")
    parser.add_argument("--wordnet", type=Path, required=True, help="the files of WordNet 3.0")
    parser.add_argument("--minilm", type=Path, required=True, help="model.safetensors of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--goes-on-from", type=Path, help="an earlier --out: its weights, in place of random ones")
    parser.add_argument("--fastest", type=float, default=3e-3, help="the learning rate after the warm-up")
    parser.add_argument("--words", type=int, default=24_000_000, help="how many are read")
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--dilations", type=int, nargs="+", default=[1, 2, 4, 8, 1])
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


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


def train(model: Tagger, texts: Texts, vocabulary: Vocabulary, options: argparse.Namespace) -> Tagger:
    """The average of the model's last states: it knows more than any of them."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.fastest, weight_decay=0.01, betas=(0.9, 0.98))
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(1 - 1 / AVERAGED_STEPS))
    seen, step, losses, began = 0, 0, 0.0, time.process_time()
    for examples in batches(texts, vocabulary):
        rate = options.fastest * min(1.0, (step + 1) / WARM_UP_STEPS) * (0.01 + 0.99 * _cosine(seen / options.words))
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batch_of(examples, vocabulary)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            scores = model(batch, word_drop=0.15, drop=0.1).float()
        loss = functional.cross_entropy(scores.flatten(0, 1), batch.labels.flatten(), ignore_index=NOT_COUNTED)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        averaged.update_parameters(model)
        seen, step, losses = seen + sum(len(example.words) for example in examples), step + 1, losses + loss.item()
        if step % 100 == 0:
            print(f"{seen:>10} words {time.process_time() - began:6.0f} s  loss {losses / 100:.4f}", flush=True)
            losses = 0.0
        if seen >= options.words:
            break
    return averaged.module


def _cosine(share: float) -> float:
    """From 1 at the beginning to 0 at the end."""
    return (1 + math.cos(math.pi * min(1.0, share))) / 2


if __name__ == "__main__":
    main()
