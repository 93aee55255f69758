"""A store of records in memory, and time that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from daemon.errors import StoreUnavailable
from daemon.security.keys import Keys


class HandClock:
    def __init__(self):
        self.elapsed_s = 0.0

    def now(self):
        return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)

    def monotonic_s(self):
        return self.elapsed_s


class Records:
    """The RecordStore port; it can be away."""

    def __init__(self):
        self.kinds = {}
        self.is_away = False

    async def records(self, kind):
        self._answer()
        return dict(self.kinds.get(kind, {}))

    async def put_record(self, kind, name, record):
        self._answer()
        self.kinds.setdefault(kind, {})[name] = record

    async def replace_record(self, kind, name, record, *, instead_of):
        self._answer()
        is_expected = self.kinds.get(kind, {}).get(name) == instead_of
        if is_expected:
            await self.put_record(kind, name, record)
        return is_expected

    async def remove_record(self, kind, name):
        self._answer()
        return self.kinds.get(kind, {}).pop(name, None) is not None

    def _answer(self):
        if self.is_away:
            raise StoreUnavailable("away")


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def records():
    return Records()


@pytest.fixture
async def keys(records, clock):
    known = Keys(records, clock, b"k" * 32, is_shared=False)
    await known.load()
    return known
