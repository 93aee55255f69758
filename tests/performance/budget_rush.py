"""A thousand calls at once on a budget of one dollar: how much is overshot, and how much of it can be used?

    python -m tests.performance.budget_rush [--calls 1000]

First in one process, then in three that share one Redis. After the rush calls go on one by one until one is refused:
what is left then cannot be used. Answers cost 0.2 cents on average, of 4 that each could have cost.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import tempfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from daemon.adapters.redis_link import Patience
from daemon.adapters.store_embedded import EmbeddedStore
from daemon.adapters.store_redis import RedisStore
from daemon.clock import SystemClock
from daemon.dialects import dialect_named
from daemon.errors import BudgetExceeded
from daemon.exchange import Usage
from tests.fixtures_redis import RedisServer
from tests.unit.cost.books import Books, ask, open_books

LIMIT_USD = Decimal(1)
USUAL_TOKENS = 200
LONGEST_TOKENS = 4096
TABLE = {
    "gpt-test": {
        "input_cost_per_token": Decimal("0.000001"),
        "output_cost_per_token": Decimal("0.00001"),
        "max_output_tokens": LONGEST_TOKENS,
    }
}
CHAT = dialect_named("chat")
PATIENT = Patience(answer_s=20, connect_s=20, command_s=20, connection_s=20)
"""A busy machine may stop a process for longer than the 50 ms that a daemon waits."""


class Rush(NamedTuple):
    answered: int
    refused: int
    spent_usd: Decimal
    """Of the budget, by whomever."""
    spent_in_rush_usd: Decimal


def rush(folder: str, url: str | None, calls: int, seed: int) -> Rush:
    return asyncio.run(_rush(Path(folder) / str(seed), url, calls, random.Random(seed)))


async def _rush(folder: Path, url: str | None, calls: int, chance: random.Random) -> Rush:
    folder.mkdir()
    clock = SystemClock()
    store = EmbeddedStore(folder / "store.db", clock) if url is None else RedisStore(url, clock, patience=PATIENT)
    await store.open()
    budget = {"scope": "all", "limit_usd": LIMIT_USD, "window": "total"}
    books = await open_books(folder, clock, TABLE, store, is_shared=url is not None, budgets=[budget])  # type: ignore[arg-type]
    answers = await asyncio.gather(*(_call(books, f"{folder.name}-{number}", chance) for number in range(calls)))
    in_rush = await _spent(books)
    with suppress(StopIteration):
        number = iter(range(calls, 10 * calls))
        while await _call(books, f"{folder.name}-{next(number)}", chance, takes_s=0.0):
            pass
    done = Rush(sum(answers), calls - sum(answers), await _spent(books), in_rush)
    await books.close()
    return done


async def _call(books: Books, name: str, chance: random.Random, takes_s: float = 0.5) -> bool:
    """Whether it was let through."""
    try:
        async with books.reserving(ask(id=name)) as bill:
            await asyncio.sleep(chance.random() * takes_s)
            limit = CHAT.output_limit(bill.body) or LONGEST_TOKENS
            tokens = min(int(chance.expovariate(1 / USUAL_TOKENS)) + 1, limit)
            await bill.settle(Usage(30, tokens), status=200)
    except BudgetExceeded:
        return False
    return True


async def _spent(books: Books) -> Decimal:
    return Decimal((await books.accounts.budgets.rows())[0]["spent_usd"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1000)
    calls = parser.parse_args().calls
    with tempfile.TemporaryDirectory() as folder:
        _show("one process", [rush(folder, None, calls, seed=1)])
        redis = RedisServer(Path(folder))
        redis.start()
        try:
            with multiprocessing.get_context("spawn").Pool(3) as pool:
                _show(
                    "three on one Redis", pool.starmap(rush, [(folder, redis.url, calls, seed) for seed in (2, 3, 4)])
                )
        finally:
            redis.kill()


def _show(name: str, rushes: list[Rush]) -> None:
    spent_usd = max(one.spent_usd for one in rushes)
    overshot_usd = max(Decimal(0), spent_usd - LIMIT_USD)
    print(
        f"{name}: {sum(one.answered for one in rushes)} answered, {sum(one.refused for one in rushes)} refused; "
        f"in the rush {max(one.spent_in_rush_usd for one in rushes):.4f}, in all {spent_usd:.4f} of {LIMIT_USD} USD, "
        f"overshot by {overshot_usd}"
    )


if __name__ == "__main__":
    main()
