"""Which of the parts that the cache stands on cannot be used now, and why."""

from __future__ import annotations

import logging

from ..errors import PartUnavailable

logger = logging.getLogger(__name__)


class Trouble:
    """Logged when it begins, told until it ends."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def __contains__(self, part: str) -> bool:
        return part in self._reasons

    def begins(self, part: str, error: PartUnavailable) -> None:
        if part not in self._reasons:
            logger.warning("%s: %s", part, error)
        self._reasons[part] = str(error)

    def ends(self, part: str) -> None:
        self._reasons.pop(part, None)

    def state(self, part: str) -> tuple[str, str]:
        """Status and reason, as /health/ready has them."""
        return state_of(self._reasons.get(part, ""))


def state_of(reason: str) -> tuple[str, str]:
    return ("degraded" if reason else "ok", reason)
