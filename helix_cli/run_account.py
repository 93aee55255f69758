"""One run's account at the gateway: how its calls are told apart, its budget, and the receipt at its end."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.control_api import tagged_url

from . import output
from .control_client import ControlClient

_MAX_ROWS = 10_000
_KEY_EXPIRES_S = 30 * 86_400
"""Should this process be killed, nobody revokes the key."""
_CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one run cost, of what the gateway saw of it."""

    calls: int
    hits: int
    cost_usd: str
    saved_usd: str
    input_tokens: int
    output_tokens: int
    hidden_values: int
    unknown: int
    """Calls whose cost is not known."""
    refused_by_budget: int
    seconds: float

    def line(self) -> str:
        cost = f"{output.usd(self.cost_usd)} for {output.counted(self.calls, 'call')}"
        if self.unknown:
            cost += f" ({self.unknown} of unknown cost)"
        tokens = f"{output.count(self.input_tokens)} + {output.count(self.output_tokens)} tokens"
        saved = f"saved {output.usd(self.saved_usd)} with {output.counted(self.hits, 'hit')}"
        hidden = f"{output.counted(self.hidden_values, 'value')} hidden"
        parts = [cost, tokens, saved, hidden, output.duration(self.seconds)]
        if self.refused_by_budget:
            parts.append(f"{self.refused_by_budget} refused: the budget of this run is used up")
        return " · ".join(parts)


class RunAccount:
    """Tells one run's calls from all others by a tag of its own, which is in the address that the run is given.

    An address reaches the gateway with every client; headers of one's own do not.
    """

    def __init__(self, client: ControlClient, tags: Sequence[str]) -> None:
        self._client = client
        self._tag = f"run-{secrets.token_hex(6)}"
        self._started_at = datetime.now(UTC)
        self._started_s = time.monotonic()
        self._budget_usd: str | None = None
        self._key_id: str | None = None
        self.url = tagged_url(client.url, [self._tag, *tags])

    def limit(self, budget_usd: str) -> None:
        """Let the run spend at most this."""
        self._client.set_budget(self._scope, "total", budget_usd, None)
        self._budget_usd = budget_usd

    def make_key(self) -> str:
        """A virtual key for this run, which ends with it."""
        made = self._client.create_key({"name": f"helix {self._tag}", "expires_s": _KEY_EXPIRES_S})
        self._key_id = made["id"]
        return made["key"]

    def close(self) -> Receipt:
        """The receipt; the run's key and budget are removed."""
        receipt = self._receipt()
        if self._key_id is not None:
            self._client.revoke_key(self._key_id)
        if self._budget_usd is not None:
            self._client.remove_budget(self._scope, "total")
        return receipt

    @property
    def _scope(self) -> str:
        return f"tag:{self._tag}"

    def _receipt(self) -> Receipt:
        since = (self._started_at - _CLOCK_TOLERANCE).isoformat()
        rows = self._client.spend(by="tag", since=since)["rows"]
        own: Any = next((row for row in rows if row.get("tag") == self._tag), {})
        refusals = self._client.why_budget(self._scope)[1] if self._budget_usd is not None else []
        return Receipt(
            calls=own.get("calls", 0),
            hits=own.get("hits", 0),
            cost_usd=own.get("cost_usd", "0"),
            saved_usd=own.get("saved_usd", "0"),
            input_tokens=own.get("input_tokens", 0),
            output_tokens=own.get("output_tokens", 0),
            hidden_values=self._hidden_values(),
            unknown=own.get("unknown", 0),
            refused_by_budget=len(refusals),
            seconds=time.monotonic() - self._started_s,
        )

    def _hidden_values(self) -> int:
        own = {row["id"]: row["pii"] for row in self._client.logs(_MAX_ROWS) if self._tag in row["tags"]}
        return sum(map(_findings, own.values()))


def _findings(pii: str) -> int:
    """`EMAIL_ADDRESS=2,PERSON=1` is 3."""
    return sum(int(found.rpartition("=")[2]) for found in pii.split(",") if found)
