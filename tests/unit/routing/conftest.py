"""Time that a test moves by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest


class HandClock:
    def __init__(self) -> None:
        self.at_s = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.at_s)

    def monotonic_s(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at_s += seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()
