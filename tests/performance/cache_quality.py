"""How often near look-ups hit, and how often they are wrong: labelled streams through guards, verifier and bound.

    python -m tests.performance.cache_quality --data DIR [--seeds 3] [--limit N] [--verifier SET=FOLDER …] [--plot F]

DIR holds `*.jsonl`, a line `{"text", "cls"}` for each prompt, where `cls` stands for the right answer; it prints the
tables of README.md and docs/cache-quality.md. `helix bench cache` plays one such file in the same way.

The shipped verifier has seen the intents of banking77 and CLINC150 in its training. For these name one that has not,
made by `python models/train_verifier.py --data DIR --without clinc150 --out FOLDER`: --verifier clinc150=FOLDER. The
families of the hard stream, and of the held-out stream that `--stream FILE` of the same script writes, it never saw.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daemon.adapters.embedder_onnx import OnnxEmbedder
from daemon.adapters.model_files import find_folder, find_model
from daemon.caching.labelled import read_stream
from daemon.caching.measuring import Bench, Sample
from daemon.caching.verifier import FILE, Verifier
from daemon.control_api.cache import BenchRow, BenchTable
from daemon.settings import CacheSettings
from helix_cli.cache_plot import svg

MAX_ERRORS = (0.01, 0.02, 0.05)


def measure(file: Path, verifier: Verifier, seeds: int, limit: int, vectors: Path | None) -> BenchTable:
    sample = Sample(prompts=read_stream(file.read_text("utf-8").splitlines())).part(limit)
    bench = Bench(OnnxEmbedder(find_model("minilm")), verifier, CacheSettings().ttl_s)
    rows = list(
        bench.rows(sample, embedded(bench, sample, file, vectors), max_errors=MAX_ERRORS, seeds=range(1, seeds + 1))
    )
    return {"file": file.stem, "kind": "stream", "rows": rows}


def embedded(bench: Bench, sample: Sample, file: Path, folder: Path | None) -> NDArray[np.float32]:
    """Embedding takes most of the time, so `folder` remembers the vectors of a file."""
    kept = folder / f"{file.stem}-{len(sample.texts())}.npy" if folder is not None else None
    if kept is not None and kept.exists():
        return np.load(kept)
    vectors = asyncio.run(bench.embed(sample))
    if kept is not None:
        np.save(kept, vectors)
    return vectors


def as_line(table: BenchTable) -> str:
    rows = table["rows"]
    answerable = rows[0]["answerable"] / rows[0]["asked"]
    return f"| {table['file']} | {answerable:.0%} | " + " | ".join(map(_cell, rows)) + " |"


def _cell(row: BenchRow) -> str:
    if not row["hits"]:
        return "0.0 / –"
    interval = f"[{100 * row['wrong_low']:.1f}, {100 * row['wrong_high']:.1f}]"
    return f"{100 * row['hit_rate']:.1f} / {100 * row['wrong_of_hits']:.2f} {interval}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=int, default=25_000, help="prompts of a stream")
    parser.add_argument("--verifier", action="append", default=[], metavar="SET=FOLDER")
    parser.add_argument("--vectors", type=Path, help="a folder that remembers vectors from run to run")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    folders = dict(pair.split("=", 1) for pair in options.verifier)
    tables = []
    for file in sorted(options.data.glob("*.jsonl")):
        if '"cls"' not in file.read_text("utf-8").partition("\n")[0]:
            continue
        folder = Path(folders[file.stem]) if file.stem in folders else find_folder("verifier", FILE)
        tables.append(measure(file, Verifier.load(folder), options.seeds, options.limit, options.vectors))
        print(as_line(tables[-1]), flush=True)
    if options.plot is not None:
        options.plot.write_text(svg(tables), "utf-8")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
