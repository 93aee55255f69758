"""A cache of a million entries on one machine: what it weighs, what a look-up costs beside the embedding, how long it
takes to start, to save its index and to make it anew, and what dying in the middle of that leaves.

python -m tests.performance.million_entries [--entries 1000000] [--folder F]

With `--folder` a cache that an earlier run left there is used again. Every phase is a process of its own, so that each
has its own memory.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import numpy as np

from daemon.adapters.index_file import DIMENSION
from daemon.adapters.index_usearch import DRAFT, FILE, UsearchIndex
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.clock import SystemClock
from daemon.exchange import Verdict
from tests.performance.million_questions import MODEL, Opened, entry_of, opened, question

GROUP = 256
LOOKUPS = 2_000


async def fill(folder: Path, entries: int) -> dict[str, float]:
    """Through `put`, as requests would; the index is made by the next start."""
    async with opened(folder, starts=False) as cache:
        lookup = await cache.find(entries)
        assert lookup.slot is not None
        partition, began = lookup.slot.partition, time.monotonic()
        for first in range(0, entries, GROUP):
            numbers = range(first, min(first + GROUP, entries))
            await asyncio.gather(*(cache.store.put(entry_of(one, partition, cache.vectors)) for one in numbers))
        took_s = time.monotonic() - began
    return {"puts_per_s": entries / took_s, "store_mb": (folder / "store.sqlite").stat().st_size / 2**20}


async def rebuild(folder: Path, _: int) -> dict[str, float]:
    """From a store without an index; meanwhile requests look up what is there."""
    (folder / "index" / FILE).unlink(missing_ok=True)
    began, began_cpu_s = time.monotonic(), time.process_time()
    async with opened(folder, waits=False) as cache, meanwhile(cache) as seen:
        await cache.cache.caught_up()
        await cache.cache._entries.near._file.written()
        took_s, own_s = time.monotonic() - began, time.process_time() - began_cpu_s
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "rebuilt_s": took_s,
        "rebuilt_cpu_own_s": own_s,
        "rebuilt_cpu_child_s": children.ru_utime + children.ru_stime,
        "index_mb": (folder / "index" / FILE).stat().st_size / 2**20,
        "rss_own_peak_mb": _peak_mb(),
        "rss_child_peak_mb": children.ru_maxrss / 1024,
        **seen.figures("meanwhile"),
    }


async def resave(folder: Path, entries: int) -> dict[str, float]:
    """Ten thousand more, and the file that has them too."""
    async with opened(folder) as cache:
        slot, near = (await cache.find(entries)).slot, cache.cache._entries.near
        assert slot is not None
        for number in range(entries, entries + 10_000):
            await cache.cache._entries.put(entry_of(number, slot.partition, cache.vectors))
        await near.search(cache.vectors.of(0), slot.partition, 5, min_similarity=0)  # behind what is to be added
        began = time.monotonic()
        async with meanwhile(cache) as seen:
            near._file.begin(near._epoch)
            await near._file.written()
        return {"saved_s": time.monotonic() - began, "rss_peak_mb": _peak_mb(), **seen.figures("while_saving")}


class Meanwhile:
    """What requests and the event loop felt."""

    def __init__(self) -> None:
        self.exact_ms: list[float] = []
        self.near_ms: list[float] = []
        self.stalls_ms: list[float] = []

    def figures(self, name: str) -> dict[str, float]:
        felt = {"exact": self.exact_ms, "near": self.near_ms, "loop_stall": self.stalls_ms}
        return {
            f"{one}_{name}_{kind}_ms": of(values)
            for one, values in felt.items()
            for kind, of in (("p50", statistics.median), ("p99", lambda v: float(np.percentile(v, 99))), ("max", max))
        }


@asynccontextmanager
async def meanwhile(cache: Opened) -> AsyncIterator[Meanwhile]:
    seen, near = Meanwhile(), cache.cache._entries.near
    slot, vector = (await cache.find(10**8)).slot, cache.vectors.of(0)
    assert slot is not None

    async def look_up() -> None:
        for number in count():
            began = time.monotonic()
            await cache.store.get(hashlib.sha256(str(number).encode()).digest())
            then = time.monotonic()
            await near.search(vector, slot.partition, 5, min_similarity=0)
            seen.exact_ms.append((then - began) * 1e3)
            seen.near_ms.append((time.monotonic() - then) * 1e3)
            await asyncio.sleep(0.02)

    async def beat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.002)
            seen.stalls_ms.append((time.monotonic() - before) * 1e3 - 2)

    tasks = [asyncio.create_task(work()) for work in (look_up, beat)]
    yield seen
    for task in tasks:
        task.cancel()


async def serve(folder: Path, entries: int) -> dict[str, float]:
    """Start on what was saved, then look up questions that nobody asked before, near to many that were."""
    async with opened(folder) as cache:
        found = {"started_s": cache.started_s, "rss_at_start_mb": _now_mb()}
        cpus_ms, searches_ms = [], []
        for number in range(entries, entries + LOOKUPS):
            cache.vectors.know(number)
            began = time.process_time()
            lookup = await cache.find(number)
            cpus_ms.append((time.process_time() - began) * 1e3)
            assert lookup.verdict is Verdict.MISS
            assert lookup.slot is not None and lookup.slot.vector is not None
            began = time.process_time()
            await cache.cache._entries.near.search(lookup.slot.vector, lookup.slot.partition, 5, min_similarity=0)
            searches_ms.append((time.process_time() - began) * 1e3)
        return found | {
            "look_up_cpu_p50_ms": statistics.median(cpus_ms),
            "look_up_cpu_p99_ms": float(np.percentile(cpus_ms, 99)),
            "search_cpu_p50_ms": statistics.median(searches_ms),
            "search_cpu_p99_ms": float(np.percentile(searches_ms, 99)),
            "rss_mb": _now_mb(),
        }


async def recall(folder: Path, entries: int) -> dict[str, float]:
    """How often a kept question, slightly reworded, is found first."""
    async with opened(folder) as cache:
        lookup = await cache.find(entries)
        assert lookup.slot is not None
        chance, hits = np.random.default_rng(7), 0
        for number in chance.integers(0, entries, 1_000).tolist():
            near = cache.vectors.of(number) + 0.015 * chance.standard_normal(DIMENSION, np.float32)
            near /= np.linalg.norm(near)
            ids = await cache.cache._entries.near.search(near, lookup.slot.partition, 5, min_similarity=-1)
            entry = await cache.store.get_by_ids([one for one, _ in ids])
            hits += question(number) in {one.question for one in entry.values()}
        return {"recall_at_5": hits / 1_000}


async def save(folder: Path, _: int) -> dict[str, float]:
    """Save again and again until killed."""
    async with opened(folder) as cache:
        near = cache.cache._entries.near
        while True:
            near._file.begin(near._epoch)
            await near._file.written()
    return {}


def kill_while_saving(folder: Path) -> dict[str, float]:
    """kill -9 at moments spread over the save; then the index must load, the old one or the new one."""
    usable, drafts, pauses_s = 0, 0, (0.2, 1.0, 2.0, 4.0, 6.0, 8.0)
    for pause_s in pauses_s:
        child, seen = _child("save", folder, 0), time.monotonic()
        while not any((folder / "index").glob(f"{DRAFT}*")) and time.monotonic() - seen < 120:
            time.sleep(0.005)
        time.sleep(pause_s)
        child.send_signal(signal.SIGKILL)
        child.wait()
        drafts += any((folder / "index").glob(f"{DRAFT}*"))
        index = UsearchIndex(folder / "index", model=MODEL)
        usable += index.load(asyncio.run(_epoch(folder))) is not None
    return {"killed_while_saving": len(pauses_s), "of_these_with_half_a_file": drafts, "index_usable_after": usable}


async def upkeep(folder: Path, entries: int) -> dict[str, float]:
    """What its owner asks, and what comes round by itself; on a copy."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        shutil.copy(folder / "store.sqlite", scratch)
        shutil.copytree(folder / "index", Path(scratch, "index"))
        async with opened(Path(scratch)) as cache:
            stats_ms = await _took_ms(cache.cache.stats())
            async with meanwhile(cache) as evicting:
                evicted_ms = await _took_ms(cache.cache._entries.evict(entries - 10_000))
            async with meanwhile(cache) as clearing:
                cleared_ms = await _took_ms(cache.cache.clear())
            found = await cache.find(1)
            assert found.verdict is Verdict.MISS
    return {
        "stats_ms": stats_ms,
        "evicted_10000_ms": evicted_ms,
        "cleared_ms": cleared_ms,
        **evicting.figures("while_evicting"),
        **clearing.figures("while_clearing"),
    }


async def _took_ms(work: Awaitable[object]) -> float:
    began = time.monotonic()
    await work
    return (time.monotonic() - began) * 1e3


async def _epoch(folder: Path) -> str:
    store = EmbeddedStore(folder / "store.sqlite", SystemClock())
    await store.open()
    try:
        return await store.epoch()
    finally:
        await store.aclose()


def _now_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


PHASES = {
    "fill": fill,
    "rebuild": rebuild,
    "serve": serve,
    "recall": recall,
    "resave": resave,
    "upkeep": upkeep,
    "save": save,
}


def _child(phase: str, folder: Path, entries: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.performance.million_entries", "--phase", phase]
    return subprocess.Popen(
        [*command, "--folder", str(folder), "--entries", str(entries)], stdout=subprocess.PIPE, text=True
    )


def phases(folder: Path, entries: int) -> Iterator[tuple[str, dict[str, float]]]:
    wanted = ["rebuild", "serve", "recall", "resave", "upkeep"]
    for phase in wanted if (folder / "store.sqlite").exists() else ["fill", *wanted]:
        out, _ = _child(phase, folder, entries).communicate()
        yield phase, json.loads(out)
    yield "kill", kill_while_saving(folder)


def main(folder: Path, entries: int) -> None:
    for phase, figures in phases(folder, entries):
        print(phase, flush=True)
        for name, value in figures.items():
            print(f"  {name:34}{value:14,.3f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--phase", choices=PHASES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.phase:
        print(json.dumps(asyncio.run(PHASES[given.phase](given.folder, given.entries))))
    elif given.folder:
        given.folder.mkdir(parents=True, exist_ok=True)
        main(given.folder, given.entries)
    else:
        with tempfile.TemporaryDirectory() as scratch:
            main(Path(scratch), given.entries)
