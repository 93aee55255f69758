"""A month of a million ledger rows: how fast they are taken in, what they weigh, how long each report takes.

python -m tests.performance.million_rows [--rows 1000000]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from daemon.adapters.prices_litellm import LitellmPrices
from daemon.adapters.spendlog_duckdb import DuckDbSpendLog
from daemon.cost.ledger import FLUSH_ROWS
from daemon.cost.prices import Prices
from daemon.cost.review import review_of
from daemon.exchange import LedgerRow
from daemon.ports.cost import SpendQuery

START = datetime(2026, 11, 1, tzinfo=UTC)
MONTH = SpendQuery(START, START + timedelta(days=30), timezone="Europe/Berlin")

GROUPS = ("model", "key", "user", "team", "org", "tag", "day", "session", "client")


def batches(rows: int) -> Iterator[list[LedgerRow]]:
    """As many hits as calls, by 20 keys in 5 teams and 50,000 sessions, spread evenly over the month. A prompt in
    five is asked again, by any key."""
    chance, step = random.Random(1), timedelta(days=30) / rows
    for first in range(0, rows, FLUSH_ROWS):
        yield [_row(number, START + number * step, chance) for number in range(first, min(first + FLUSH_ROWS, rows))]


def _row(number: int, at: datetime, chance: random.Random) -> LedgerRow:
    key, tokens, is_hit = chance.randrange(20), chance.randrange(50, 5000), number % 2 != 0
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
        session=f"session-{chance.randrange(50_000)}",
        client="claude-code",
        saved_ms=900.0 if is_hit else None,
    )
    if not is_hit:
        row.provider, row.upstream_model, row.price_source = "openai", row.model, f"litellm 1.106.2 {row.model}"
        row.cached_read_tokens = tokens // 2
        row.price_parts = f"input={tokens - tokens // 2}@0.00000015,cached_read={tokens // 2}@0.000000075"
        row.prompt_print = f"{chance.randrange(2_000_000):016x}"
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
        await timed(f"report by {by or 'nothing'}", spend_log.report(replace(MONTH, by=by)))
    await timed("hours", spend_log.hours(MONTH))
    await timed("prompt caches", spend_log.prompt_caches(MONTH))
    await timed("small calls", spend_log.small_calls(MONTH, max_input_tokens=1000, max_output_tokens=300))
    await timed("repeats", spend_log.repeats(MONTH))
    prices = Prices(LitellmPrices())
    await prices.warm()
    await timed("review, all of it", review_of(spend_log, prices, MONTH, MONTH.until, is_bounded=True))
    await timed("a budget's spent", spend_log.spent_nanos("team:team-1", START, None))
    await timed("one request's rows", spend_log.of_request(f"req_{rows // 2:024x}"))
    await spend_log.aclose()
    print(
        f"the file: {(folder / 'spend.duckdb').stat().st_size / 2**20:.0f} MiB; the process: {_resident_mib():.0f} MiB"
    )


async def timed(name: str, work: Awaitable[object]) -> None:
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    await work
    took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    print(f"{name:20} {took_s * 1e3:8.0f} ms, {cpu_s * 1e3:6.0f} of CPU")


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
