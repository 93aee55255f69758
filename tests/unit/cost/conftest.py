from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.unit.cost.books import Books, HandClock, open_books

OpenBooks = Callable[..., Awaitable[Books]]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def open_the_books(tmp_path: Path, clock: HandClock) -> AsyncIterator[OpenBooks]:
    """Opens the books of one data directory; again after `die` or `close`."""
    opened: list[Books] = []

    async def open_again(**settings: object) -> Books:
        opened.append(await open_books(tmp_path, clock, **settings))
        return opened[-1]

    yield open_again
    for books in opened:
        if not books.is_closed:
            await books.close()
