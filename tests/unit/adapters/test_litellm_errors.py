"""Every error that litellm may raise has a status, and says whether an answer came at all."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator

import httpx
import pytest

# Otherwise the import below asks the network for a table.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm.exceptions as theirs

from daemon.adapters.litellm_child import _refusal
from daemon.adapters.provider_litellm import FAILURE_HEADER, TIMED_OUT, UNREACHABLE
from daemon.routing.causes import cause_of
from daemon.routing.route import Cause

REQUEST = httpx.Request("POST", "http://provider.test")
GIVEN = {
    **{"message": "no", "model": "m", "llm_provider": "p", "request": REQUEST, "status_code": 500, "failures": []},
    **{"response": httpx.Response(403, request=REQUEST), "current_cost": 1.0, "max_budget": 1.0},
}

EXPECTED = {
    "APIConnectionError": (500, UNREACHABLE),
    "APIError": (500, None),
    "APIResponseValidationError": (500, None),
    "AuthenticationError": (401, None),
    "BadGatewayError": (502, None),
    "BadRequestError": (400, None),
    "BlockedPiiEntityError": (400, None),
    "BudgetExceededError": (422, None),
    "ContentPolicyViolationError": (400, None),
    "ContextWindowExceededError": (400, None),
    "GuardrailRaisedException": (400, None),
    "ImageFetchError": (400, None),
    "InternalServerError": (500, None),
    "InvalidRequestError": (400, None),
    "JSONSchemaValidationError": (500, None),
    "LiteLLMUnknownProvider": (400, None),
    "MidStreamFallbackError": (503, None),
    "MockException": (500, None),
    "ModelNotMappedError": (500, None),
    "ModifyResponseException": (500, None),
    "NotFoundError": (404, None),
    "OpenAIError": (500, None),
    "PaymentRequiredError": (402, None),
    "PermissionDeniedError": (403, None),
    "RateLimitError": (429, None),
    "RejectedRequestError": (400, None),
    "SensitiveDataRouteException": (500, None),
    "ServiceUnavailableError": (503, None),
    "Timeout": (408, TIMED_OUT),
    "UnprocessableEntityError": (403, None),
    "UnsupportedParamsError": (400, None),
    "VectorStoreSearchError": (400, None),
}
"""By class: the status, and why no answer came."""


def raised() -> Iterator[Exception]:
    for kind in vars(theirs).values():
        if inspect.isclass(kind) and issubclass(kind, Exception) and kind.__module__ == theirs.__name__:
            parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
            needed = [one.name for one in parameters if one.default is one.empty and one.kind is not one.VAR_KEYWORD]
            yield kind(**{name: GIVEN.get(name, "x") for name in needed if name not in ("args", "kwargs")})


@pytest.mark.parametrize("error", list(raised()), ids=lambda error: type(error).__name__)
def test_every_error_of_litellm_has_a_meaning(error):
    """A class that a new version brings fails here, and not at a caller's."""
    refusal = _refusal("chat", error)

    assert EXPECTED[type(error).__name__] == (refusal.status, refusal.headers.get(FAILURE_HEADER))


@pytest.mark.parametrize("dialect", ["chat", "messages"])
@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (theirs.ContextWindowExceededError, Cause.CONTEXT_WINDOW),
        (theirs.ContentPolicyViolationError, Cause.CONTENT_POLICY),
    ],
    ids=["window", "filter"],
)
def test_what_litellm_understood_of_a_refusal_is_a_cause_for_fallbacks(dialect, kind, cause):
    refusal = _refusal(dialect, kind(message="words of a provider that we do not know", model="m", llm_provider="p"))

    assert cause is cause_of(refusal.status, json.loads(refusal.text))
