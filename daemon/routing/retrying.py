"""When the same provider is asked once more: how long to wait before, and how often at all."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_WAIT_S = 0.25
LONGEST_WAIT_S = 8.0
"""A caller that waits longer is better off with the provider's own answer, and its `Retry-After`."""

RETRIES_PER_CALL = 0.1
RETRIES_AT_FIRST = 10.0
"""A tenth of all calls may be retries: enough for what happens now and then, too little to be one more load on a
provider that is going under. Finagle's numbers."""


def wait_s(retries: int, retry_after_s: float | None, jitter: Callable[[], float] = random.random) -> float | None:
    """Seconds before the retry that follows on `retries` others; None where it would come too late.

    A provider's wish is kept. Otherwise it is anything up to a bound that doubles each time ("full jitter"):
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    if retry_after_s is None:
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**retries) * jitter()
    return retry_after_s if retry_after_s <= LONGEST_WAIT_S else None


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """What a provider asks for by `retry-after-ms` or `retry-after`, in seconds or as a date; None: nothing."""
    for name, unit_s in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    try:
        moment = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())


class RetryBudget:
    """How many retries all requests together may still make."""

    def __init__(self) -> None:
        self._left = RETRIES_AT_FIRST

    def called(self) -> None:
        """A request was sent for the first time, which pays for a part of a retry."""
        self._left = min(RETRIES_AT_FIRST, self._left + RETRIES_PER_CALL)

    def take(self) -> bool:
        """Whether there is a retry left; it is gone then."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
