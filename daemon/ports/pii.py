"""What hiding needs from outside: finders, operators, a place for vaults, and the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal, Protocol

from ..exchange import JsonObject, Span


class Finder(Protocol):
    """Finds PII in one text."""

    @property
    def version(self) -> str:
        """Changes when the same text could give other findings; part of the cache key."""
        ...

    @property
    def is_ready(self) -> bool: ...

    @property
    def degraded(self) -> str | None:
        """Why it finds less than it should, once it is ready; None when it does not."""
        ...

    def warm(self) -> None:
        """Load and run once; takes about a second of CPU. Called from a worker thread.

        Raises:
            FinderUnavailable: it cannot be loaded.
        """
        ...

    def find(self, text: str) -> tuple[Span, ...]:
        """What is in the text, sorted by start, without overlaps. Safe from several threads.

        Raises:
            FinderUnavailable: the scan failed; the message holds nothing of the text.
        """
        ...


class Operators(Protocol):
    """The operators that need no vault: what a found value becomes when it is not to be restored."""

    def apply(self, operator: str, entity_type: str, value: str) -> str:
        """`operator` is mask, hash or encrypt. Equal values give equal results in one installation.

        Raises:
            FinderUnavailable: the operator failed; the message does not hold the value.
        """
        ...


class VaultStore(Protocol):
    """Where the vaults of stateful calls live, sealed, each for its lifetime. Every method raises StoreUnavailable
    where the store cannot be asked in time."""

    async def open(self) -> None: ...

    async def get(self, name: str) -> bytes | None:
        """None where there is none, or its time is over."""
        ...

    async def put(self, name: str, owner: str, sealed: bytes, expires_at: float, *, instead_of: bytes | None) -> bool:
        """Keep it where nothing else is kept than `instead_of` (None: nothing at all); atomic across processes.

        `owner` is whose it is, for `remove_of`; `expires_at` is in Unix seconds.

        Returns:
            Whether it is kept. On False nothing has changed.
        """
        ...

    async def remove(self, name: str) -> None: ...

    async def remove_of(self, owner: str) -> int:
        """Remove all that are of `owner`; how many there were."""
        ...

    async def aclose(self) -> None: ...


AuditSide = Literal["question", "answer"]


AuditGroup = Literal["type", "key", "day"]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """So many findings of one kind in one text, and what became of them."""

    at: datetime
    request_id: str
    key: str
    side: AuditSide
    type: str
    operator: str
    """As `pii.entities` names them, or `detect`: found and let through."""
    count: int


@dataclass(frozen=True, slots=True)
class AuditQuery:
    since: datetime
    until: datetime
    by: AuditGroup
    zone: tzinfo
    """Where days begin."""


class AuditLog(Protocol):
    """Where it is written down what was found. Every method raises StoreUnavailable where it cannot be used."""

    async def open(self) -> None: ...

    async def write(self, rows: Sequence[AuditRow]) -> None: ...

    async def report(self, query: AuditQuery) -> JsonObject:
        """The shape of the control API's PiiReport."""
        ...

    async def remove_before(self, moment: datetime) -> int: ...

    async def remove_of(self, keys: Sequence[str]) -> int:
        """How many rows of these keys there were."""
        ...

    async def aclose(self) -> None: ...
