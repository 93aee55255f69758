"""The vector index where a process is killed while a file is written: the old one or the new one, never half of one."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from daemon.adapters.index_usearch import DRAFT, FILE, UsearchIndex
from daemon.errors import StoreUnavailable
from daemon.ports.caching import VectorPage

KILLS = 4
ENTRIES = 2_000

SAVES = """
import asyncio
import sys
from pathlib import Path

from daemon.adapters.index_usearch import UsearchIndex
from tests.integration.stores.test_index_kills import ENTRIES, pages


async def save_forever():
    index = UsearchIndex(Path(sys.argv[1]), model="minilm")
    while True:
        saving = index.begin_saving(anew=True)
        await saving.write(pages(), "epoch")
        index.adopt()
        print("saved", flush=True)

asyncio.run(save_forever())
"""


async def pages() -> AsyncIterator[VectorPage]:
    vectors = np.random.default_rng(1).standard_normal((ENTRIES, 384), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for start in range(0, ENTRIES, 100):
        yield np.arange(start + 1, start + 101, dtype=np.uint64), vectors[start : start + 100].astype(np.float16)


def drafts_in(folder: Path) -> list[Path]:
    return list(folder.glob(f"{DRAFT}.*"))


def test_a_daemon_that_is_killed_while_saving_loads_all_the_same(tmp_path: Path) -> None:
    drafts = 0
    for number in range(KILLS):
        child = subprocess.Popen([sys.executable, "-c", SAVES, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and "saved" in child.stdout.readline()
        time.sleep(0.2 * number)  # another moment of a save each time
        child.kill()
        child.wait()
        drafts += bool(drafts_in(tmp_path))

        index = UsearchIndex(tmp_path, model="minilm")
        assert ENTRIES == index.load("epoch")
        assert ENTRIES == index.size
        assert [] == drafts_in(tmp_path)
    assert drafts, "no kill met a save"


async def test_a_writer_that_is_killed_is_one_sentence_and_the_old_file_serves(tmp_path: Path) -> None:
    index = UsearchIndex(tmp_path, model="minilm")
    await save(index)
    content = (tmp_path / FILE).read_bytes()
    saving = index.begin_saving(anew=True)
    assert saving is not None

    async def pages_and_a_kill() -> AsyncIterator[VectorPage]:
        async for page in pages():
            yield page
        os.kill(await writer_of(os.getpid()), signal.SIGKILL)

    with pytest.raises(StoreUnavailable, match="its process ended with -9"):
        await saving.write(pages_and_a_kill(), "epoch")

    assert [] == drafts_in(tmp_path)
    assert content == (tmp_path / FILE).read_bytes()
    assert ENTRIES == index.size
    await save(index)
    assert ENTRIES == index.size


async def save(index: UsearchIndex) -> None:
    saving = index.begin_saving(anew=True)
    assert saving is not None
    await saving.write(pages(), "epoch")
    index.adopt()


async def writer_of(parent: int) -> int:
    """The pid of the writing process; it has begun, since it was sent more than a pipe holds."""
    found = await asyncio.create_subprocess_exec("ps", "-eo", "pid,ppid,args", stdout=asyncio.subprocess.PIPE)
    out, _ = await found.communicate()
    lines = (line.split(maxsplit=2) for line in out.decode().splitlines()[1:])
    (pid,) = [int(pid) for pid, ppid, args in lines if int(ppid) == parent and "index_writer" in args]
    return pid
