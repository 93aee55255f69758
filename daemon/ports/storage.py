"""The one place that keeps what the rooms share."""

from __future__ import annotations

from typing import Protocol

from ..exchange import JsonObject
from .caching import EntryStore
from .cost import CounterStore


class RecordStore(Protocol):
    """Small named JSON documents that the owner makes at run time: budgets, later keys."""

    async def records(self, kind: str) -> dict[str, JsonObject]: ...

    async def put_record(self, kind: str, name: str, record: JsonObject) -> None: ...

    async def replace_record(self, kind: str, name: str, record: JsonObject, *, instead_of: JsonObject | None) -> bool:
        """Keep it where what is kept is `instead_of`, as `records` gave it (None: nothing); atomic across processes.

        Returns:
            Whether it is kept. On False nothing has changed.
        """
        ...

    async def remove_record(self, kind: str, name: str) -> bool:
        """Whether there was one."""
        ...


class Store(EntryStore, CounterStore, RecordStore, Protocol):
    """One place for all three: one SQLite file, or Redis. Every method raises StoreUnavailable where
    the store cannot be asked in time; nothing may be assumed done then."""

    async def open(self) -> None: ...

    async def ping(self) -> None: ...

    async def sweep(self) -> None:
        """What was removed by now stands in no file of ours any more, not in its free space or its log either."""
        ...

    async def aclose(self) -> None: ...
