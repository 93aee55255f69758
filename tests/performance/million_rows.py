"""A month of a million ledger rows: how fast they are taken in, what they weigh, how long each report takes.

python -m tests.performance.million_rows [--rows 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from daemon.adapters.spendlog_duckdb import DuckDbSpendLog
from daemon.cost.ledger import FLUSH_ROWS
from daemon.exchange import LedgerRow
from daemon.ports import SpendQuery

START = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = SpendQuery(START, START + timedelta(days=30))

GROUPS = ("model", "key", "user", "team", "tag", "day")


def batches(rows: int) -> Iterator[list[LedgerRow]]:
    """Three hits for each call, by 20 keys in 5 teams, spread evenly over the month."""
    chance, step = random.Random(1), timedelta(days=30) / rows
    for first in range(0, rows, FLUSH_ROWS):
        yield [_row(number, START + number * step, chance) for number in range(first, min(first + FLUSH_ROWS, rows))]


def _row(number: int, at: datetime, chance: random.Random) -> LedgerRow:
    key, tokens, is_hit = chance.randrange(20), chance.randrange(50, 5000), number % 4 != 0
    usd = tokens * Decimal("0.00000015")
    row = LedgerRow(
        id=f"req_{number:024x}",
        request_id=f"req_{number:024x}",
        at=at,
        kind="hit" if is_hit else "call",
        outcome="" if is_hit else "settled",
        dialect="chat",
        model=chance.choice(("gpt-4o-mini", "claude-sonnet-4-5", "gemini-2.5-flash")),
        key=f"key-{key}",
        user=f"user-{key}",
        team=f"team-{key % 5}",
        tags=("nightly",) if key % 3 == 0 else (),
        cache="exact" if is_hit else "miss",
        status=200,
        input_tokens=tokens,
        output_tokens=tokens // 10,
        cost_usd=Decimal(0) if is_hit else usd,
        saved_usd=usd if is_hit else None,
        total_ms=chance.random() * 1000,
    )
    if not is_hit:
        row.provider, row.upstream_model, row.price_source = "openai", row.model, f"litellm 1.106.2 {row.model}"
        row.price_parts = f"input={tokens}@0.00000015"
    return row


async def measure(rows: int, folder: Path) -> None:
    spend_log = DuckDbSpendLog(folder / "spend.duckdb")
    await spend_log.open()
    taken_in_s = 0.0
    for number, batch in enumerate(batches(rows)):
        begun = time.process_time()
        await spend_log.write(batch, number)
        taken_in_s += time.process_time() - begun
    print(f"taken in: {taken_in_s / rows * 1e6:.1f} µs of CPU a row")
    for by in (None, *GROUPS):
        begun = time.perf_counter()
        found = await spend_log.report(SpendQuery(MONTH.since, MONTH.until, by, "Europe/Berlin"))
        took_s = time.perf_counter() - begun
        print(f"report by {by or 'nothing':8} {took_s * 1e3:8.0f} ms, {len(found['rows'])} groups")
    begun = time.perf_counter()
    await spend_log.spent_nanos("team:team-1", START)
    print(f"a budget's spent      {(time.perf_counter() - begun) * 1e3:8.0f} ms")
    begun = time.perf_counter()
    await spend_log.of_request(f"req_{rows // 2:024x}")
    print(f"one request's rows    {(time.perf_counter() - begun) * 1e3:8.0f} ms")
    await spend_log.aclose()
    print(
        f"the file: {(folder / 'spend.duckdb').stat().st_size / 2**20:.0f} MiB; the process: {_resident_mib():.0f} MiB"
    )


def _resident_mib() -> float:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(parser.parse_args().rows, Path(folder)))


if __name__ == "__main__":
    main()
