"""Why a provider refused: whether another one, with a larger window or another filter, may answer.

Providers say it in a code or only in prose. Sources: their API references, the messages that vLLM, llama.cpp and
Text Generation Inference write, and those that litellm's `exception_mapping_utils` knows.
"""

from __future__ import annotations

import re
from typing import Any

from ..exchange import JsonObject
from .route import Cause

_REFUSALS = frozenset({400, 403, 413, 422})
"""The statuses under which providers say so; 413 is Anthropic's and Groq's."""

BROKEN_STREAM = 503
"""The status that a stream which begins with an error amounts to."""

_ERROR_EVENTS = (b"event: error", b'data: {"error"', b'data: {"type":"error"', b'data: {"type": "error"')

_MAX_SAID = 4_000
"""Characters of a message that are read; some repeat the request behind what they have to say."""

_CODES = {
    "context_length_exceeded": Cause.CONTEXT_WINDOW,
    "exceed_context_size_error": Cause.CONTEXT_WINDOW,
    "request_too_large": Cause.CONTEXT_WINDOW,
    "content_filter": Cause.CONTENT_POLICY,
    "content_policy_violation": Cause.CONTENT_POLICY,
    "responsibleaipolicyviolation": Cause.CONTENT_POLICY,
    "data_inspection_failed": Cause.CONTENT_POLICY,
    "moderation_blocked": Cause.CONTENT_POLICY,
}

_WINDOW_IS_PASSED = re.compile(
    r"maximum (?:context|prompt) length"  # OpenAI, vLLM, DeepSeek, OpenRouter; xAI
    r"|exceeds? (?:the |your )?(?:available )?context (?:window|limit|length|size)"  # OpenAI's responses, llama.cpp
    r"|exceed context limit"  # Anthropic: input and max_tokens together
    r"|(?:prompt|input|request) is too long"  # Anthropic, Bedrock
    r"|longer than the model'?s context length"
    r"|model'?s maximum context limit"
    r"|too large for model with \d+ maximum context"  # Mistral
    r"|input token count.{0,40}exceeds the maximum number of tokens"  # Gemini
    r"|input tokens exceed the configured limit"
    r"|inputs` tokens \+ `max_new_tokens` must be"  # Text Generation Inference, Together
    r"|current length is \d+ while limit is \d+"  # Cerebras
    r"|maximum input length is \d+"  # Databricks, Watsonx
    r"|too many tokens: .{0,60}cannot exceed"  # Cohere
    r"|reduce the length of the (?:messages|prompt)",  # Groq
    re.IGNORECASE,
)

_FILTERED = re.compile(
    r"content management policy"  # Azure
    r"|content filtering policy"  # Anthropic
    r"|(?:rejected|failed) as a result of our safety system"  # OpenAI
    r"|flagged as potentially violating"  # OpenAI's reasoning models
    r"|content_filter_policy"
    r"|prohibited_content"  # Gemini
    r"|content violates usage guidelines"  # xAI
    r"|model produced invalid content",
    re.IGNORECASE,
)


def cause_of(status: int, answer: JsonObject | None) -> Cause | None:
    """Why this answer is none, where another provider may have one; None: it is one, or others would say the same."""
    if answer is None:
        return None
    if status == 200:
        return Cause.CONTENT_POLICY if _is_held_back(answer) else None
    return _cause_of_error(answer.get("error", answer)) if status in _REFUSALS else None


def is_error_event(first: bytes) -> bool:
    """Whether a stream's first bytes are an error in place of an answer."""
    return first.startswith(_ERROR_EVENTS)


def _cause_of_error(error: Any) -> Cause | None:
    for code in _codes(error):
        if cause := _CODES.get(code.lower()):
            return cause
    message = _message(error)
    if _WINDOW_IS_PASSED.search(message):
        return Cause.CONTEXT_WINDOW
    return Cause.CONTENT_POLICY if _FILTERED.search(message) else None


def _is_held_back(answer: JsonObject) -> bool:
    """Whether the provider's filter stands in place of the answer, in whichever dialect."""
    if answer.get("stop_reason") == "refusal":  # messages
        return True
    if _field(answer.get("incomplete_details"), "reason") == "content_filter":  # responses
        return True
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices:
        return False
    return all(_field(choice, "finish_reason") == "content_filter" for choice in choices)


def _codes(error: Any) -> list[str]:
    """Where a code may stand: OpenAI's and Azure's `code`, `type`, Azure's `innererror.code`."""
    found = [_field(error, "code"), _field(error, "type"), _field(_field(error, "innererror"), "code")]
    return [code for code in found if isinstance(code, str)]


def _message(error: Any) -> str:
    """`message`, or `detail` of servers built with FastAPI; some send the sentence bare."""
    said = error if isinstance(error, str) else _field(error, "message") or _field(error, "detail")
    return said[:_MAX_SAID] if isinstance(said, str) else ""


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
