"""Error replies: OpenAI's shape, and what every protocol's carries beyond its sentence."""

from __future__ import annotations

from ..errors import BudgetExceeded, RequestRefused
from ..exchange import JsonObject
from .sse import json_event


class OpenAiErrors:
    """How all of OpenAI's protocols say that something went wrong."""

    def error(self, error: RequestRefused) -> JsonObject:
        said = {"message": str(error), "type": error.error_type, "code": error.code, "param": error.param}
        return {"error": {**said, **refusal_details(error)}}

    def error_event(self, error: RequestRefused) -> bytes:
        return json_event(self.error(error))


def refusal_details(error: RequestRefused) -> JsonObject:
    """For a budget its state, money as decimal strings in US dollars; empty otherwise."""
    if not isinstance(error, BudgetExceeded):
        return {}
    state = error.state
    return {
        "budget": {
            "scope": state.scope,
            "window": state.window,
            "limit_usd": format(state.limit_usd, "f"),
            "spent_usd": format(state.spent_usd, "f"),
            "reserved_usd": format(state.reserved_usd, "f"),
            "resets_at": state.resets_at.isoformat() if state.resets_at else None,
        }
    }
