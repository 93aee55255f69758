"""How litellm is asked in each protocol, and how what it answers becomes that protocol's bytes.

Part of the child process (litellm_child.py). `asked` is what provider_litellm sends: {"body", "api_key", "api_base",
"options", "extra_headers", "timeout_s"}.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

import orjson

from ..exchange import DialectName, JsonObject
from .litellm_events import numbered, without_empty_texts

# What a caller may set by name. litellm reads its own settings from the same arguments (`api_base`, `mock_response`,
# files with credentials …), so every other field can only become a part of the provider's body, or is left out.
_CHAT_FIELDS = frozenset(
    (  # noqa: SIM905  one name a line would be a page
        "model messages stream stream_options temperature top_p n stop max_tokens max_completion_tokens seed user "
        "presence_penalty frequency_penalty logit_bias logprobs top_logprobs response_format tools tool_choice "
        "parallel_tool_calls functions function_call modalities prediction audio reasoning_effort verbosity "
        "thinking web_search_options service_tier safety_identifier prompt_cache_key"
    ).split()
)
_MESSAGES_FIELDS = frozenset(
    (  # noqa: SIM905
        "model messages stream max_tokens system temperature top_k top_p stop_sequences tools tool_choice thinking "
        "metadata container context_management output_config service_tier"
    ).split()
)
_RESPONSES_FIELDS = frozenset(
    (  # noqa: SIM905
        "include instructions max_output_tokens metadata parallel_tool_calls prompt_cache_key reasoning "
        "safety_identifier service_tier temperature text tool_choice tools top_logprobs top_p truncation user"
    ).split()
)
_EMBEDDINGS_FIELDS = frozenset({"model", "input", "dimensions", "encoding_format", "user"})

_KEPT_ELSEWHERE = ("previous_response_id", "conversation", "prompt")
"""Fields of Responses by which a provider knows what does not stand in the request."""


class CannotTranslate(ValueError):
    """The request asks for what the answering provider's protocol has no word for."""

    status_code = 400


class Spoken(Protocol):
    """One protocol, as litellm is asked in it."""

    async def ask(self, asked: JsonObject) -> Any:
        """litellm's answer: an object, or something to iterate over where a stream was asked for."""
        ...

    def whole(self, answer: Any) -> bytes: ...

    def events(self, answer: Any) -> AsyncGenerator[bytes, None]:
        """A stream's events, one each. Closing them ends the provider's stream."""
        ...


def spoken_by(litellm: Any) -> Mapping[DialectName, Spoken]:
    """Each protocol that can be asked of the imported litellm."""
    return {
        "chat": _Chat(litellm),
        "messages": _Messages(litellm),
        "count_tokens": _CountTokens(litellm),
        "responses": _Responses(litellm),
        "embeddings": _Embeddings(litellm),
    }


class _Whole:
    """What all protocols share, and all there is of one without streams."""

    def __init__(self, litellm: Any) -> None:
        self._litellm = litellm

    def whole(self, answer: Any) -> bytes:
        return orjson.dumps(answer, default=_plain)

    async def events(self, answer: Any) -> AsyncGenerator[bytes, None]:
        yield self.whole(answer)


class _Chat(_Whole):
    async def ask(self, asked: JsonObject) -> Any:
        return await self._litellm.acompletion(**self._fields(asked["body"]), **_how(asked))

    async def events(self, answer: Any) -> AsyncGenerator[bytes, None]:
        try:
            async for chunk in answer:
                yield _chat_event(chunk)
            yield b"data: [DONE]\n\n"
        finally:
            await _close(answer)

    def _fields(self, body: JsonObject) -> JsonObject:
        fields = {name: value for name, value in body.items() if name in _CHAT_FIELDS}
        unknown = {name: value for name, value in body.items() if name not in _CHAT_FIELDS}
        if unknown and self._speaks_openai(body["model"]):
            fields["extra_body"] = unknown
        return fields

    def _speaks_openai(self, model: str) -> bool:
        """Whether fields that litellm cannot translate mean something to the provider; others refuse them."""
        _, provider, _, _ = self._litellm.get_llm_provider(model=model)
        return provider in ("openai", "azure") or provider in self._litellm.openai_compatible_providers


class _Messages(_Whole):
    async def ask(self, asked: JsonObject) -> Any:
        fields = {name: value for name, value in asked["body"].items() if name in _MESSAGES_FIELDS}
        return await self._litellm.anthropic.messages.acreate(**fields, **_how(asked), **_WISHES)

    async def events(self, answer: Any) -> AsyncGenerator[bytes, None]:
        try:
            async for event in without_empty_texts(answer):
                yield event
        finally:
            await _close(answer)


class _CountTokens(_Whole):
    """litellm's own count, which asks nobody: providers of other protocols have no such route."""

    async def ask(self, asked: JsonObject) -> Any:
        from litellm.llms.anthropic.pass_through.adapters.transformation import LiteLLMAnthropicMessagesAdapter

        body = asked["body"]
        fields = {name: value for name, value in body.items() if name in _MESSAGES_FIELDS}
        translated, _ = LiteLLMAnthropicMessagesAdapter().translate_anthropic_to_openai({"max_tokens": 1, **fields})
        counted = self._litellm.token_counter(
            model=body["model"], messages=translated["messages"], tools=translated.get("tools")
        )
        return {"input_tokens": counted}


class _Responses(_Whole):
    """By way of chat completions, which every provider of litellm's has."""

    async def ask(self, asked: JsonObject) -> Any:
        from litellm.responses.litellm_completion_transformation.handler import LiteLLMCompletionTransformationHandler

        body = asked["body"]
        _refuse_what_is_kept_elsewhere(body)
        _, provider, _, _ = self._litellm.get_llm_provider(model=body["model"])
        # `litellm.aresponses` would ask at some providers' /responses, which compatible servers seldom have.
        return await LiteLLMCompletionTransformationHandler().response_api_handler(
            model=body["model"],
            input=body["input"],
            responses_api_request={name: value for name, value in body.items() if name in _RESPONSES_FIELDS},
            custom_llm_provider=provider,
            stream=bool(body.get("stream")),
            _is_async=True,
            **_how(asked),
            **_WISHES,
        )

    def whole(self, answer: Any) -> bytes:
        response = _plain(answer)
        response["id"] = "resp_" + response["id"].removeprefix("resp_")
        return orjson.dumps({**response, "store": False})

    async def events(self, answer: Any) -> AsyncGenerator[bytes, None]:
        try:
            async for event in numbered(_plain(event) async for event in answer):
                yield event
        finally:
            await _close(answer)


class _Embeddings(_Whole):
    async def ask(self, asked: JsonObject) -> Any:
        fields = {name: value for name, value in asked["body"].items() if name in _EMBEDDINGS_FIELDS}
        return await self._litellm.aembedding(**fields, **_how(asked))


_WISHES = {"drop_params": True}
"""For the protocols of agents: what the answering model has no word for (how hard to think, how many to choose from)
is left out, since they send it with every request. Chat completions are refused then: `n` or `seed` is no wish."""


def _how(asked: JsonObject) -> JsonObject:
    given = {name: asked[name] for name in ("api_key", "api_base", "extra_headers") if asked[name]}
    # A repeated call may be charged twice; whoever knows the price decides.
    return {**asked["options"], **given, "timeout": asked["timeout_s"], "max_retries": 0, "num_retries": 0}


def _refuse_what_is_kept_elsewhere(body: JsonObject) -> None:
    for field in _KEPT_ELSEWHERE:
        if body.get(field) is not None:
            raise CannotTranslate(f"{field}: the provider of this model keeps no responses; send the whole input")
    if body.get("background"):
        raise CannotTranslate("background: the provider of this model answers in the foreground only")


def _plain(value: Any) -> Any:
    """litellm's pydantic objects, wherever they stand."""
    return value.model_dump(exclude_none=True)


def _chat_event(chunk: Any) -> bytes:
    event = _plain(chunk)
    if "usage" in event and not any(choice.get("delta") or choice.get("finish_reason") for choice in event["choices"]):
        event["choices"] = []  # as OpenAI sends it; litellm adds a choice in which nothing is
    return b"data: " + orjson.dumps(event) + b"\n\n"


async def _close(answer: Any) -> None:
    closing = getattr(answer, "aclose", None)
    if closing is not None and inspect.isawaitable(closed := closing()):
        await closed
