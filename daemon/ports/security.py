"""Where the rates of keys are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RateCaps:
    """What a key may use in any minute, and at the same time; None: as much as it likes."""

    rpm: int | None
    tpm: int | None
    parallel: int | None


@dataclass(frozen=True, slots=True)
class RateUse:
    """What all nodes together had counted for a key before one more request, and whether that was let in.

    A use is (seconds until it leaves the minute, amount), oldest first.
    """

    is_admitted: bool
    at: int
    """The second in which it was counted, Unix time."""
    under_way: int
    requests: Sequence[tuple[float, int]]
    tokens: Sequence[tuple[float, int]]


class RateStore(Protocol):
    """What keys use, counted by a fleet together. Methods raise StoreUnavailable where it cannot be asked in time."""

    async def admit(self, key: str, request: str, caps: RateCaps, tokens: int) -> RateUse:
        """Count a request and its tokens unless that would pass one of the caps; one atomic step."""
        ...

    async def leave(self, key: str, request: str, at: int, counted_tokens: int, spent_tokens: int) -> None:
        """The request has ended; the tokens that it spent take the place of those counted in the second `at`."""
        ...

    async def renew(self, key: str, requests: Sequence[str]) -> None:
        """They are still under way; one that is not renewed for a minute is taken for dead."""
        ...

    async def aclose(self) -> None: ...
