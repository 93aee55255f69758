"""OpenAI's chat completions. https://platform.openai.com/docs/api-reference/chat"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..exchange import DialectName, JsonObject, Usage
from . import chat_stream
from .dialect import Items, Place, Question, StreamRestore, StreamRewriter, TextKind
from .parameters import (
    Check,
    check_model,
    check_parameters,
    check_parts,
    check_turns,
    is_array_of_objects,
    is_boolean,
    is_number,
    is_object,
    is_string,
    is_string_or_strings,
    whole_number,
    wrong,
)
from .questions import first_turns, is_hot, keyed, question_of
from .refusals import OpenAiErrors
from .stateless import Stateless
from .stream_rewriter import RestoringRewriter, delta_texts
from .texts import content_texts, definition_texts, further_texts, kind_of, spoken_texts, value_at
from .untrusted import MAX_TOKENS, as_count, as_object, as_objects, as_text, optional_count, without

_CHECKS: Mapping[str, Check] = {
    "cache": is_object,
    "frequency_penalty": is_number,
    "functions": is_array_of_objects,
    "logit_bias": is_object,
    "logprobs": is_boolean,
    "max_completion_tokens": whole_number(1),
    "max_tokens": whole_number(1),
    "metadata": is_object,
    # OpenAI's own limit.
    "n": whole_number(1, 128),
    "parallel_tool_calls": is_boolean,
    "presence_penalty": is_number,
    "response_format": is_object,
    "seed": is_number,
    "stop": is_string_or_strings,
    "store": is_boolean,
    "stream": is_boolean,
    "stream_options": is_object,
    "temperature": is_number,
    "tools": is_array_of_objects,
    "top_logprobs": whole_number(0),
    "top_p": is_number,
    "user": is_string,
}

_DEFINITION_FIELDS = ("tools", "functions", "response_format", "web_search_options")
"""Read as definitions."""
_CALLER_FIELDS = ("prompt_cache_key", "safety_identifier", "user", "metadata")
_WITHOUT_TEXT = frozenset(
    {
        *_DEFINITION_FIELDS,
        *_CALLER_FIELDS,
        *_CHECKS.keys() - {"stop"},
        "function_call",
        "messages",
        "modalities",
        "model",
        "reasoning_effort",
        "service_tier",
        "tool_choice",
        "verbosity",
    }
)
"""Fields that hold no text or are read on their own; any other is scanned."""

_TURN_WORDS = frozenset({"role", "content", "tool_call_id"})
_NORMAL_ENDS = ("stop", "tool_calls", "function_call")
_OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens")
_KNOWS_NEW_LIMIT = re.compile(r"(?:.*/)?(?:o\d|gpt-|chatgpt-)")

_SHAPE = chat_stream.ChatShape(with_usage=True)


class ChatDialect(OpenAiErrors, Stateless):
    """OpenAI's chat completions, as any compatible server speaks them."""

    name: DialectName = "chat"
    path = "/chat/completions"
    items: Items | None = None

    def check(self, body: JsonObject) -> None:
        check_model(body)
        check_turns(body, _check_turn)
        check_parameters(body, _CHECKS)

    def places(self, body: JsonObject) -> list[Place]:
        places: list[Place] = []
        for field in _DEFINITION_FIELDS:
            if field in body:
                places += definition_texts(body[field])
        for turn in as_objects(body.get("messages")):
            places += _turn_places(turn)
        places += further_texts(body, _WITHOUT_TEXT, _CALLER_FIELDS)
        return places

    def end_user(self, body: JsonObject) -> str | None:
        return as_text(body.get("user")) or as_text(as_object(body.get("metadata")).get("user_id")) or None

    def is_shareable(self, body: JsonObject) -> bool:
        return True

    def keyed(self, body: JsonObject) -> JsonObject:
        return keyed(body)

    def question(self, body: JsonObject) -> Question:
        return question_of(body, _exact_only(body))

    def opening(self, body: JsonObject) -> Any:
        """A client that names its conversation to the provider's prompt cache names it to us."""
        return body.get("prompt_cache_key") or first_turns(body["messages"])

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        sent = {**without(body, "cache"), "model": model}
        if body.get("stream"):
            sent["stream_options"] = {**as_object(body.get("stream_options")), "include_usage": True}
        return sent

    def wants_usage(self, body: JsonObject) -> bool:
        return as_object(body.get("stream_options")).get("include_usage") is True

    def output_limit(self, body: JsonObject) -> int | None:
        limits = [limit for field in _OUTPUT_LIMITS if (limit := as_count(body.get(field))) is not None]
        return min(max(limits) * _choice_count(body), MAX_TOKENS) if limits else None

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        """As the protocol says, shared evenly by the choices; at least one token each, which providers want.

        Where the body has no limit the model's name decides which of the two fields it gets: reasoning models
        refuse the old one, many compatible servers don't know the new one.
        """
        each = max(1, tokens // _choice_count(body))
        given = [field for field in _OUTPUT_LIMITS if body.get(field) is not None]
        if not given:
            is_new = _KNOWS_NEW_LIMIT.match(as_text(body.get("model")))
            given = ["max_completion_tokens" if is_new else "max_tokens"]
        return {**body, **{field: min(each, as_count(body.get(field)) or each) for field in given}}

    def usage(self, answer: JsonObject) -> Usage | None:
        return chat_usage(answer)

    def answer_text(self, answer: JsonObject) -> str:
        return "\n".join(place.text for place in self.answer_places(answer))

    def answer_places(self, answer: JsonObject) -> list[Place]:
        places: list[Place] = []
        for choice in as_objects(answer.get("choices")):
            places += chat_stream.reply_places(as_object(choice.get("message")))
        for place in places:
            if place.kind is TextKind.PLAIN:
                place.kind = kind_of(place.text)
        return places

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        return list(spoken_texts(answer))

    def is_normal(self, answer: JsonObject) -> bool:
        choices = as_objects(answer.get("choices"))
        return bool(choices) and not answer.get("error") and all(map(_is_normal_choice, choices))

    def ends_stream(self, piece: bytes) -> bool:
        return chat_stream.ends_stream(piece)

    def delta_texts(self, event: JsonObject) -> list[str]:
        return delta_texts(_SHAPE, event)

    def cut(self, stream: bytes, usage: Usage) -> bytes:
        return chat_stream.cut(self.assemble_partial(stream), usage_block(usage))

    def assemble(self, stream: bytes) -> JsonObject | None:
        assembly = chat_stream.ChatAssembly(stream)
        return assembly.answer() if assembly.is_complete else None

    def assemble_partial(self, stream: bytes) -> JsonObject:
        return chat_stream.ChatAssembly(stream).answer()

    def replay(self, answer: JsonObject, *, with_usage: bool) -> bytes:
        return chat_stream.replay(answer, with_usage=with_usage)

    def rewriter(self, restore: StreamRestore | None, *, with_usage: bool) -> StreamRewriter | None:
        if restore is not None:
            return RestoringRewriter(chat_stream.ChatShape(with_usage=with_usage), restore)
        return None if with_usage else chat_stream.UsageFilter()


def usage_block(usage: Usage) -> JsonObject:
    """The tokens as a provider of this protocol says them."""
    read, written = usage.prompt_tokens, usage.output_tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def chat_usage(answer: JsonObject) -> Usage | None:
    """The tokens of an answer, as chat completions and text completions count them."""
    usage = as_object(answer.get("usage"))
    prompt, output = as_count(usage.get("prompt_tokens")), as_count(usage.get("completion_tokens"))
    read, written = as_object(usage.get("prompt_tokens_details")), as_object(usage.get("completion_tokens_details"))
    cached = optional_count(read, "cached_tokens")
    if cached == 0:
        cached = optional_count(usage, "prompt_cache_hit_tokens")  # DeepSeek
    kept_5m, kept_1h = _cache_writes(read)
    reasoning = optional_count(written, "reasoning_tokens")
    if prompt is None or output is None or cached is None or reasoning is None or cached + kept_5m + kept_1h > prompt:
        return None
    # xAI and Gemini count reasoning beside the completion, as only their total shows; Gemini does not name it.
    beside = (as_count(usage.get("total_tokens")) or 0) - prompt - output
    if beside > 0 and beside == (reasoning or beside) and beside != cached:
        output, reasoning = output + beside, beside
    reasoning = min(reasoning, output)
    fresh = prompt - cached - kept_5m - kept_1h
    input_audio, input_image = _media_in(read, fresh)
    output_audio, output_image = _media_in(written, output - reasoning)
    return Usage(
        input_tokens=fresh,
        output_tokens=output,
        cached_read_tokens=cached,
        cache_write_5m_tokens=kept_5m,
        cache_write_1h_tokens=kept_1h,
        reasoning_tokens=reasoning,
        service_tier=as_text(answer.get("service_tier")) or None,
        input_audio_tokens=input_audio,
        input_image_tokens=input_image,
        output_audio_tokens=output_audio,
        output_image_tokens=output_image,
    )


def _cache_writes(read: JsonObject) -> tuple[int, int]:
    """What was written to a provider's prompt cache for five minutes and for an hour, as litellm says it of Anthropic
    (whose own protocol calls it the same) and OpenRouter in one number; OpenAI's caches are written for nothing."""
    written = max(as_count(read.get(field)) or 0 for field in ("cache_creation_tokens", "cache_write_tokens"))
    split = as_object(read.get("cache_creation_token_details"))
    written_1h = as_count(split.get("ephemeral_1h_input_tokens")) or 0
    return max(as_count(split.get("ephemeral_5m_input_tokens")) or 0, written - written_1h), written_1h


def _check_turn(path: str, turn: JsonObject) -> None:
    content = turn.get("content")
    if content is None:
        if turn["role"] != "assistant":
            raise wrong(f"{path}.content", content, "a string or an array of content parts")
    elif not isinstance(content, str):
        check_parts(f"{path}.content", content)
    if turn.get("tool_calls") is not None:
        is_array_of_objects(f"{path}.tool_calls", turn["tool_calls"])


def _turn_places(turn: JsonObject) -> Iterator[Place]:
    content = turn.get("content")
    if isinstance(content, str):
        yield Place(turn, "content")
    else:
        yield from content_texts(content)
    if not turn.keys() <= _TURN_WORDS:
        yield from _further_turn_places(turn)


def _further_turn_places(turn: JsonObject) -> Iterator[Place]:
    for field, value in turn.items():
        if field == "tool_calls":
            for call in as_objects(value):
                yield from _call_places(as_object(call.get("function")))
                yield from _call_places(as_object(call.get("custom")))
        elif field == "function_call":
            yield from _call_places(as_object(value))
        elif field == "name" and turn.get("role") in ("tool", "function"):
            continue
        elif field not in _TURN_WORDS:
            yield from (Place(turn, field),) if isinstance(value, str) else content_texts(value)


def _call_places(call: JsonObject) -> Iterator[Place]:
    if isinstance(call.get("arguments"), str):
        yield Place(call, "arguments", TextKind.JSON)
    elif "arguments" in call:
        yield from value_at(call, "arguments")
    if "input" in call:
        yield from value_at(call, "input")


def _exact_only(body: JsonObject) -> str | None:
    if body.get("tools") or body.get("functions") or body.get("web_search_options") is not None:
        return "tools"
    if _choice_count(body) > 1:
        return "n"
    if body.get("seed") is not None:
        return "seed"
    if body.get("logprobs"):
        return "logprobs"
    if body.get("audio"):
        return "audio"
    return "temperature" if is_hot(body) else None


def _choice_count(body: JsonObject) -> int:
    return max(1, as_count(body.get("n")) or 1)


def _media_in(details: JsonObject, of_tokens: int) -> tuple[int, int]:
    """Tokens of audio and of pictures among `of_tokens`. Those that were cached are billed as cached."""
    audio = min(optional_count(details, "audio_tokens") or 0, of_tokens)
    return audio, min(optional_count(details, "image_tokens") or 0, of_tokens - audio)


def _is_normal_choice(choice: JsonObject) -> bool:
    """Ended by itself and said something; an empty answer is more likely a fault than an answer."""
    message = as_object(choice.get("message"))
    has_ended = choice.get("finish_reason") in _NORMAL_ENDS and not message.get("refusal")
    return has_ended and any(message.get(field) for field in ("content", "tool_calls", "function_call", "audio"))
