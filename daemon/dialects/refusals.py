"""What an error reply carries beyond its sentence, in both protocols."""

from __future__ import annotations

from ..errors import BudgetExceeded, RequestRefused
from ..exchange import JsonObject


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
