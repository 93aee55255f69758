"""Every error raised on purpose, as one tree.

    HelixError
    ├── RequestRefused                 the caller can act; `status` and `code` are part of the interface
    │   ├── BadRequest                 400
    │   │   └── PiiBlocked             400 pii_blocked
    │   ├── Unauthorized               401
    │   ├── Forbidden                  403
    │   ├── NotFound                   404
    │   │   └── UnknownModel           404 model_not_found
    │   ├── MethodNotAllowed           405
    │   ├── BodyTooLarge               413
    │   ├── NoWebSocket                426
    │   ├── RateLimited                429
    │   ├── BudgetExceeded             429 budget_exceeded
    │   ├── CacheMiss                  504 cache_miss
    │   ├── UpstreamFailed             502: nothing usable came back
    │   │   ├── UpstreamTimeout        504
    │   │   └── PiiInAnswer            502 pii_in_answer
    │   ├── KeysUnavailable            503 keys_unavailable
    │   ├── PiiUnavailable             503 pii_unavailable
    │   └── LedgerUnavailable          503 ledger_unavailable
    ├── PartUnavailable                a part did not answer; the pipeline decides what that means
    │   ├── StoreUnavailable
    │   ├── EmbedderUnavailable
    │   ├── FinderUnavailable
    │   ├── ModelUnavailable
    │   ├── JournalUnavailable
    │   ├── SpendLogUnavailable
    │   └── SealBroken
    └── CannotStart                    the owner can act: one sentence with the next step
        └── SettingsError

No message holds a secret or a found value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import ceil

from .window_names import in_words


class HelixError(Exception):
    """Something Helix raises on purpose; its text is one plain sentence."""


class RequestRefused(HelixError):
    """A request that gets an error reply; `status`, `error_type` and `code` are what the caller sees."""

    status = 400
    error_type = "invalid_request_error"
    code: str | None = None
    param: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """Reply headers that tell an SDK what to do next."""
        return {}


class BadRequest(RequestRefused):
    """The request cannot be read; the caller must change it."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.param = param
        self.code = code


class PiiBlocked(BadRequest):
    """The request holds a kind of PII that the owner blocks; the kinds are named, never a value."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """`counts`: findings by blocked kind."""
        self.entity_types = tuple(sorted(counts))
        self.counts = counts
        super().__init__(
            f"the request holds {', '.join(self.entity_types)}, which this gateway does not let through",
            code="pii_blocked",
        )


class Unauthorized(RequestRefused):
    """No credential, or one that is not known."""

    status = 401
    error_type = "authentication_error"
    code = "invalid_api_key"


class Forbidden(RequestRefused):
    """Known, but not allowed."""

    status = 403
    error_type = "permission_error"
    code = "forbidden"


class NotFound(RequestRefused):
    """There is no such thing here."""

    status = 404
    error_type = "not_found_error"
    code = "not_found"


class UnknownModel(NotFound):
    """No provider serves the model; the owner can configure one."""

    code = "model_not_found"
    param = "model"


class MethodNotAllowed(RequestRefused):
    """The route is there, but is asked in another way."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"this route is asked by {allowed}")
        self.allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        return {"allow": self.allowed}


class BodyTooLarge(RequestRefused):
    """The body passes `server.max_body_bytes`."""

    status = 413
    error_type = "request_too_large"
    code = "request_too_large"


class NoWebSocket(RequestRefused):
    """The route is asked over HTTP only. With this status Codex goes on over HTTP at once; with another it first
    tries five times more."""

    status = 426
    code = "upgrade_required"

    @property
    def headers(self) -> dict[str, str]:
        return {"upgrade": "HTTP/1.1"}


class RateLimited(RequestRefused):
    """Too many at once; asking again after `retry_after_s` helps. `limits` are the `x-ratelimit-…` headers."""

    status = 429
    error_type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after_s: float, limits: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.limits = limits or {}

    @property
    def headers(self) -> dict[str, str]:
        return {**self.limits, "retry-after": str(max(1, ceil(self.retry_after_s)))}


@dataclass(frozen=True, slots=True)
class BudgetState:
    """One budget as it stood when it refused; money in US dollars."""

    scope: str
    window: str
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    resets_at: datetime | None


class BudgetExceeded(RequestRefused):
    """A hard limit has no room for the call; asking again before the reset does not help."""

    status = 429
    error_type = "insufficient_quota"
    code = "budget_exceeded"

    def __init__(self, state: BudgetState, *, now: datetime, fallback_model: str = "") -> None:
        """`fallback_model` is whom the budget names to be asked instead; empty: nobody."""
        reset = f"; it resets at {state.resets_at.isoformat()}" if state.resets_at else ""
        super().__init__(
            f"the budget of {state.scope} {in_words(state.window)} is used up: "
            f"limit {state.limit_usd:f} USD, spent {state.spent_usd:f}, reserved {state.reserved_usd:f}{reset}"
        )
        self.state = state
        self.now = now
        self.fallback_model = fallback_model

    @property
    def headers(self) -> dict[str, str]:
        headers = {"x-should-retry": "false"}
        if self.state.resets_at is not None:
            headers["retry-after"] = str(max(1, round((self.state.resets_at - self.now).total_seconds())))
        return headers


class CacheMiss(RequestRefused):
    """`x-helix-cache: only`, and nothing is kept for this request."""

    status = 504
    error_type = "cache_error"
    code = "cache_miss"


class UpstreamFailed(RequestRefused):
    """The provider could not be reached, or what it sent cannot be used."""

    status = 502
    error_type = "upstream_error"
    code = "upstream_failed"


class UpstreamTimeout(UpstreamFailed):
    """The provider did not answer in time."""

    status = 504
    code = "upstream_timeout"


class PiiInAnswer(UpstreamFailed):
    """The answer brings a kind of PII that the owner blocks; asking again would cost, and may bring it again."""

    code = "pii_in_answer"

    def __init__(self, entity_type: str) -> None:
        super().__init__(f"the answer holds {entity_type}, which this gateway does not let through")

    @property
    def headers(self) -> dict[str, str]:
        return {"x-should-retry": "false"}


class KeysUnavailable(RequestRefused):
    """Whether a Helix key is good cannot be said, since the store never answered."""

    status = 503
    error_type = "service_unavailable"
    code = "keys_unavailable"


class PiiUnavailable(RequestRefused):
    """The scanner failed and `pii.fail` is `closed`."""

    status = 503
    error_type = "service_unavailable"
    code = "pii_unavailable"


class LedgerUnavailable(RequestRefused):
    """The call could not be written down, so it is not made."""

    status = 503
    error_type = "service_unavailable"
    code = "ledger_unavailable"


class PartUnavailable(HelixError):
    """A part did not answer; nothing may be assumed done."""


class StoreUnavailable(PartUnavailable):
    """The store could not be asked."""


class EmbedderUnavailable(PartUnavailable):
    """No vector could be made: not loaded yet, or failed."""


class FinderUnavailable(PartUnavailable):
    """A text could not be scanned for PII."""


class ModelUnavailable(PartUnavailable):
    """A model's files are missing or damaged; installing Helix again helps."""


class JournalUnavailable(PartUnavailable):
    """The journal could not be written, as on a full disk."""


class SpendLogUnavailable(PartUnavailable):
    """The spend log could not be read or written; the journal keeps the rows."""


class SealBroken(PartUnavailable):
    """Data at rest cannot be opened: its key is not here, or it is not what was sealed."""


class CannotStart(HelixError):
    """The daemon or a command cannot begin; the text says what to do."""


class SettingsError(CannotStart):
    """A setting cannot be used; the text names the file, the key, the value and what was expected."""
