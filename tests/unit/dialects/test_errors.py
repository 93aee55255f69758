from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from daemon.dialects import dialect_named
from daemon.dialects.sse import event_json
from daemon.errors import (
    BadRequest,
    BodyTooLarge,
    BudgetExceeded,
    BudgetState,
    Forbidden,
    LedgerUnavailable,
    PiiBlocked,
    RateLimited,
    Unauthorized,
    UnknownModel,
    UpstreamFailed,
    UpstreamTimeout,
)

chat, messages = dialect_named("chat"), dialect_named("messages")


def test_chat_names_message_type_code_and_param():
    error = chat.error(BadRequest("n: wrong", param="n"))

    assert {"error": {"message": "n: wrong", "type": "invalid_request_error", "code": None, "param": "n"}} == error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("x"), "invalid_request_error"),
        (Unauthorized("x"), "authentication_error"),
        (Forbidden("x"), "permission_error"),
        (UnknownModel("x"), "not_found_error"),
        (BodyTooLarge("x"), "request_too_large"),
        (RateLimited("x", retry_after_s=1), "rate_limit_error"),
        (UpstreamFailed("x"), "api_error"),
        (UpstreamTimeout("x"), "timeout_error"),
        (LedgerUnavailable("x"), "api_error"),
    ],
)
def test_messages_uses_anthropics_names(error, kind):
    body = messages.error(error)

    assert ("error", kind, "x") == (body["type"], body["error"]["type"], body["error"]["message"])


def test_codes_are_kept_in_both_protocols():
    blocked = PiiBlocked({"US_SSN": 1})

    assert ["pii_blocked"] * 2 == [dialect.error(blocked)["error"]["code"] for dialect in (chat, messages)]


def test_a_budget_says_how_it_stands():
    reset = datetime(2030, 1, 1, tzinfo=UTC)
    state = BudgetState("team:a", "month", Decimal("1E+1"), Decimal("9.5"), Decimal("0.000000001"), reset)
    expected = {
        "scope": "team:a",
        "window": "month",
        "limit_usd": "10",
        "spent_usd": "9.5",
        "reserved_usd": "0.000000001",
        "resets_at": "2030-01-01T00:00:00+00:00",
    }

    for dialect in (chat, messages):
        assert expected == dialect.error(BudgetExceeded(state, now=reset))["error"]["budget"]


def test_an_error_in_a_stream_is_an_event():
    error = UpstreamFailed("cut")

    assert chat.error(error) == event_json(chat.error_event(error))
    assert messages.error_event(error).startswith(b"event: error\ndata: ")


def test_a_budgets_sentence_writes_amounts_as_people_do():
    state = BudgetState("all", "total", Decimal("1E-10"), Decimal("1E+1"), Decimal(0), None)

    assert "limit 0.0000000001 USD, spent 10, reserved 0" in str(BudgetExceeded(state, now=datetime.now(UTC)))
