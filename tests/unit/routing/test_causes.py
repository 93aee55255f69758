"""Why providers refuse, in their own words. The bodies are of their published form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.routing.causes import cause_of
from daemon.routing.route import Cause


def openai(message="", code=None, kind="invalid_request_error") -> dict:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic(message, kind="invalid_request_error") -> dict:
    return {"type": "error", "error": {"type": kind, "message": message}}


TOO_LONG = {
    "openai": (400, openai("This model's maximum context length is 128000 tokens.", "context_length_exceeded")),
    "openai responses": (400, openai("Your input exceeds the context window of this model. Please adjust your input.")),
    "anthropic": (400, anthropic("prompt is too long: 215000 tokens > 200000 maximum")),
    "anthropic with its output": (
        400,
        anthropic("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length"),
    ),
    "anthropic bytes": (413, anthropic("Request exceeds the maximum size", "request_too_large")),
    "gemini": (
        400,
        {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "The input token count (1200000) exceeds the "
         "maximum number of tokens allowed (1048576)."}},
    ),
    "vllm": (400, {"object": "error", "message": "This model's maximum context length is 4096 tokens. However, you "
             "requested 5000 tokens", "type": "BadRequestError", "code": 400}),
    "llama.cpp": (400, openai("the request exceeds the available context size", kind="exceed_context_size_error")),
    "groq": (400, openai("Please reduce the length of the messages or completion.", "context_length_exceeded")),
    "mistral": (400, {"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for "
                "model with 32768 maximum context length", "type": "invalid_request_prompt"}),
    "xai": (400, {"code": "Client specified an invalid argument",
            "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."}),
    "bedrock": (400, {"message": "Input is too long for requested model."}),
    "cohere": (400, {"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081"}),
    "text generation inference": (422, openai("Input validation error: `inputs` tokens + `max_new_tokens` must be <= "
                                              "8193. Given: 8000 `inputs` tokens and 400 `max_new_tokens`")),
    "cerebras": (400, openai("Please reduce the length of the messages. Current length is 9000 while limit is 8192")),
}  # fmt: skip

FILTERED = {
    "azure": (400, {"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's "
              "content management policy.", "code": "content_filter", "status": 400,
              "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    "openai images": (400, openai("Your request was rejected as a result of our safety system.",
                                  "content_policy_violation")),
    "openai reasoning": (400, openai("Invalid prompt: your prompt was flagged as potentially violating our usage "
                                     "policy.", "invalid_prompt")),
    "anthropic": (400, anthropic("Output blocked by content filtering policy")),
    "xai": (403, {"code": "forbidden", "error": "Content violates usage guidelines."}),
    "chat, held back": (200, {"choices": [{"index": 0, "message": {}, "finish_reason": "content_filter"}]}),
    "messages, held back": (200, {"type": "message", "content": [], "stop_reason": "refusal"}),
    "responses, held back": (200, {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}),
}  # fmt: skip

OTHERS = {
    "a good answer": (200, {"choices": [{"finish_reason": "stop"}]}),
    "one of two held back": (200, {"choices": [{"finish_reason": "stop"}, {"finish_reason": "content_filter"}]}),
    "a wrong parameter": (400, openai("Invalid 'temperature': above maximum value.", "decimal_above_max_value")),
    "a name too long": (400, openai("Invalid 'user': string too long. Expected 64.", "string_above_max_length")),
    "a credential": (401, anthropic("invalid x-api-key", "authentication_error")),
    "tokens a minute": (413, openai("Request too large for `x` on tokens per minute (TPM)", "rate_limit_exceeded")),
    "a failure": (500, openai("This model's maximum context length is 128000 tokens.")),
}  # fmt: skip


@pytest.mark.parametrize(("status", "answer"), TOO_LONG.values(), ids=TOO_LONG)
def test_a_request_too_long_is_known(status, answer):
    assert Cause.CONTEXT_WINDOW is cause_of(status, answer)


@pytest.mark.parametrize(("status", "answer"), FILTERED.values(), ids=FILTERED)
def test_a_filter_is_known(status, answer):
    assert Cause.CONTENT_POLICY is cause_of(status, answer)


@pytest.mark.parametrize(("status", "answer"), OTHERS.values(), ids=OTHERS)
def test_what_others_would_say_too_has_no_cause(status, answer):
    assert None is cause_of(status, answer)


FIELD = st.sampled_from(["error", "code", "message", "detail", "choices", "type", "innererror", "incomplete_details"])
SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
INNER = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(FIELD, SCALAR, max_size=3)


@given(status=st.sampled_from([200, 400, 403, 413, 422]), answer=st.dictionaries(FIELD, INNER, max_size=4) | st.none())
def test_any_answer_can_be_read(status, answer):
    cause_of(status, answer)
