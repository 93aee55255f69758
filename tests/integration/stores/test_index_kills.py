"""The vector index where its process is killed while it saves: the old file or the new one, never half of one."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from daemon.adapters.index_usearch import DRAFT, UsearchIndex

KILLS = 6

SAVES = """
import sys
from pathlib import Path

import numpy as np

from daemon.adapters.index_usearch import UsearchIndex

vectors = np.random.default_rng(1).standard_normal((2_000, 384), np.float32)
index = UsearchIndex(Path(sys.argv[1]), model="minilm")
index.add(range(2_000), list(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)))
index.save(2_000, "epoch")
print("saved", flush=True)
while True:
    index.save(2_000, "epoch")
"""


def test_killed_while_saving_it_loads_all_the_same(tmp_path: Path) -> None:
    drafts = 0
    for number in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", SAVES, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and "saved" in child.stdout.readline()
        time.sleep(0.003 * number)  # another moment of a save each time
        child.kill()
        child.wait()
        drafts += (tmp_path / DRAFT).exists()

        index = UsearchIndex(tmp_path, model="minilm")
        assert 2_000 == index.load("epoch")
        assert 2_000 == index.size
    assert drafts, "no kill met a save"
