"""`kill -9` at random moments under load: is every answered call in the ledger, once?

    python -m tests.performance.kill_nine [--kills 50] [--seed 1]

A real daemon over a real provider; after the last kill the daemon starts once more and ends in good order, and the
spend log is compared with what callers were answered and what the provider was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiohttp
import duckdb

from tests.daemon_process import Daemon
from tests.upstream import Upstream

CALLERS = 8

SETTINGS = """
[pii]
mode = "off"
[cache]
mode = "off"
[[providers]]
name = "up"
type = "openai"
base_url = "{url}"
api_key = "sk-drill"
"""


@dataclass
class Drill:
    """What callers saw, what the provider saw, and what the ledger says."""

    kills: int = 0
    answered: set[str] = field(default_factory=set)
    asked: int = 0
    outcomes: dict[str, str] = field(default_factory=dict)
    rows: int = 0

    def verify(self) -> None:
        """Raise AssertionError where a call is missing, there twice, or made up."""
        assert self.rows == len(self.outcomes), "an id is there twice"
        assert self.answered <= {name for name, outcome in self.outcomes.items() if outcome == "settled"}
        assert self.asked <= self.rows <= self.asked + self.kills * CALLERS


async def drill(folder: Path, kills: int, seed: int) -> Drill:
    done, moments, questions = Drill(kills), random.Random(seed), count()
    async with Upstream() as upstream, Daemon(folder, SETTINGS.format(url=upstream.openai_url)) as daemon:
        for number in range(kills):
            if number:
                await daemon.start()
            callers = [asyncio.create_task(_call(daemon, questions, done.answered)) for _ in range(CALLERS)]
            await asyncio.sleep(moments.uniform(0.1, 1.2))
            await daemon.kill()
            await asyncio.gather(*callers)
        await daemon.start()
        await daemon.stop()
        done.asked = len(upstream.asked)
    with duckdb.connect(daemon.data_dir / "spend.duckdb", read_only=True) as ledger:
        rows = ledger.execute("SELECT id, outcome FROM ledger WHERE kind = 'call'").fetchall()
    done.rows, done.outcomes = len(rows), dict(rows)
    return done


async def _call(daemon: Daemon, questions: count[int], answered: set[str]) -> None:
    """One question after the other, until nobody answers."""
    try:
        while True:
            reply = await daemon.post_chat(f"Question {next(questions)}")
            if reply.status != 200 or not reply.body.endswith(b"}"):
                return
            answered.add(reply.headers["x-helix-request-id"])
    except (aiohttp.ClientError, ConnectionError):
        return


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = asyncio.run(drill(Path(folder), asked.kills, asked.seed))
    done.verify()
    unknown = list(done.outcomes.values()).count("unknown")
    print(
        f"{done.kills} kills: {len(done.answered)} answers seen, {done.asked} calls at the provider, "
        f"{done.rows} rows, {unknown} of them unknown; none lost, none twice"
    )


if __name__ == "__main__":
    main()
