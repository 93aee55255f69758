"""Anthropic's messages. https://docs.anthropic.com/en/api/messages"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import BadRequest, RequestRefused
from ..exchange import DialectName, JsonObject, Usage
from . import messages_stream
from .dialect import Items, Place, Question, StreamRestore, StreamRewriter
from .parameters import (
    Check,
    check_model,
    check_parameters,
    check_parts,
    check_turns,
    is_array_of_objects,
    is_array_of_strings,
    is_boolean,
    is_number,
    is_object,
    whole_number,
)
from .questions import first_turns, is_hot, keyed, question_of
from .refusals import refusal_details
from .sse import json_event
from .stateless import Stateless
from .stream_rewriter import RestoringRewriter, delta_texts
from .texts import content_texts, definition_texts, further_texts, spoken_texts
from .untrusted import as_count, as_object, as_objects, as_text, optional_count, without


def _is_system(name: str, value: object) -> None:
    if not isinstance(value, str):
        check_parts(name, value)


_CHECKS: Mapping[str, Check] = {
    "cache": is_object,
    # 0 fills the provider's prompt cache and generates nothing.
    "max_tokens": whole_number(0),
    "metadata": is_object,
    "stop_sequences": is_array_of_strings,
    "stream": is_boolean,
    "system": _is_system,
    "temperature": is_number,
    "thinking": is_object,
    "tool_choice": is_object,
    "tools": is_array_of_objects,
    "top_k": whole_number(0),
    "top_p": is_number,
}

_DEFINITION_FIELDS = ("tools", "output_config", "output_format", "context_management")
"""Read as definitions."""
_CALLER_FIELDS = ("user", "metadata")
_WITHOUT_TEXT = frozenset(
    {
        *_DEFINITION_FIELDS,
        *_CALLER_FIELDS,
        *_CHECKS.keys() - {"stop_sequences"},
        "betas",
        "cache_control",
        "container",
        "inference_geo",
        # Addresses and tokens that the provider itself needs to reach them.
        "mcp_servers",
        "messages",
        "model",
        "service_tier",
        "speed",
    }
)
"""Fields that hold no text or are read on their own; any other is scanned."""

_NORMAL_ENDS = ("end_turn", "stop_sequence", "tool_use")

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


_SHAPE = messages_stream.MessagesShape()


class MessagesDialect(Stateless):
    """Anthropic's messages."""

    name: DialectName = "messages"
    path = "/v1/messages"
    items: Items | None = None

    def check(self, body: JsonObject) -> None:
        check_prompt(body)
        if body.get("max_tokens") is None:
            raise BadRequest("max_tokens is required: a whole number", param="max_tokens")

    def places(self, body: JsonObject) -> list[Place]:
        places: list[Place] = []
        if "system" in body:
            places += _content_places(body, "system")
        for field in _DEFINITION_FIELDS:
            if field in body:
                places += definition_texts(body[field])
        for turn in as_objects(body.get("messages")):
            places += _content_places(turn, "content")
        places += further_texts(body, _WITHOUT_TEXT, _CALLER_FIELDS)
        return places

    def end_user(self, body: JsonObject) -> str | None:
        return as_text(as_object(body.get("metadata")).get("user_id")) or None

    def is_shareable(self, body: JsonObject) -> bool:
        return True

    def keyed(self, body: JsonObject) -> JsonObject:
        return keyed(body)

    def question(self, body: JsonObject) -> Question:
        return question_of(body, _exact_only(body))

    def opening(self, body: JsonObject) -> Any:
        return [body.get("system"), *first_turns(body["messages"])]

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        return {**without(body, "cache"), "model": model}

    def wants_usage(self, body: JsonObject) -> bool:
        """Always: usage is part of the protocol's stream."""
        return True

    def output_limit(self, body: JsonObject) -> int | None:
        return as_count(body.get("max_tokens"))

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        """As the protocol says; a thinking budget must stay below the limit, or it would be refused."""
        given = as_count(body.get("max_tokens"))
        limited = {**body, "max_tokens": tokens if given is None else min(tokens, given)}
        thinking = as_object(body.get("thinking"))
        budget = as_count(thinking.get("budget_tokens"))
        if budget is not None and budget >= limited["max_tokens"]:
            limited["thinking"] = {**thinking, "budget_tokens": max(0, limited["max_tokens"] - 1)}
        return limited

    def usage(self, answer: JsonObject) -> Usage | None:
        usage = as_object(answer.get("usage"))
        read, output = as_count(usage.get("input_tokens")), as_count(usage.get("output_tokens"))
        cached = optional_count(usage, "cache_read_input_tokens")
        written = optional_count(usage, "cache_creation_input_tokens")
        split = as_object(usage.get("cache_creation"))
        written_5m = optional_count(split, "ephemeral_5m_input_tokens")
        written_1h = optional_count(split, "ephemeral_1h_input_tokens")
        reasoning = optional_count(as_object(usage.get("output_tokens_details")), "thinking_tokens")
        if read is None or output is None or cached is None or written is None:
            return None
        if written_5m is None or written_1h is None or reasoning is None:
            return None
        return Usage(
            input_tokens=read,
            output_tokens=output,
            cached_read_tokens=cached,
            # What the split leaves out was written for five minutes, the protocol's default.
            cache_write_5m_tokens=max(written_5m, written - written_1h),
            cache_write_1h_tokens=written_1h,
            reasoning_tokens=min(reasoning, output),
            service_tier=as_text(usage.get("service_tier")) or None,
            web_searches=as_count(as_object(usage.get("server_tool_use")).get("web_search_requests")) or 0,
        )

    def answer_text(self, answer: JsonObject) -> str:
        blocks = as_objects(answer.get("content"))
        thoughts = [as_text(block.get("thinking")) for block in blocks if block.get("thinking")]
        return "\n".join([*thoughts, *(place.text for place in self.answer_places(answer))])

    def answer_places(self, answer: JsonObject) -> list[Place]:
        places: list[Place] = []
        for block in as_objects(answer.get("content")):
            places += messages_stream.block_places(block)
        if isinstance(answer.get("stop_sequence"), str):
            places.append(Place(answer, "stop_sequence"))
        return places

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        return list(spoken_texts(answer))

    def is_normal(self, answer: JsonObject) -> bool:
        """As the protocol says; an answer without content is more likely a fault than an answer."""
        has_ended = answer.get("type") == "message" and answer.get("stop_reason") in _NORMAL_ENDS
        return has_ended and bool(as_objects(answer.get("content")))

    def ends_stream(self, piece: bytes) -> bool:
        return messages_stream.ends_stream(piece)

    def delta_texts(self, event: JsonObject) -> list[str]:
        return delta_texts(_SHAPE, event)

    def cut(self, stream: bytes, usage: Usage) -> bytes:
        return messages_stream.cut(stream, usage)

    def assemble(self, stream: bytes) -> JsonObject | None:
        assembly = messages_stream.MessagesAssembly(stream)
        return assembly.answer() if assembly.is_complete else None

    def assemble_partial(self, stream: bytes) -> JsonObject:
        return messages_stream.MessagesAssembly(stream).answer()

    def replay(self, answer: JsonObject, *, with_usage: bool) -> bytes:
        return messages_stream.replay(answer)

    def rewriter(self, restore: StreamRestore | None, *, with_usage: bool) -> StreamRewriter | None:
        return None if restore is None else RestoringRewriter(messages_stream.MessagesShape(), restore)

    def error(self, error: RequestRefused) -> JsonObject:
        said: JsonObject = {"type": _ERROR_TYPES.get(error.status, "api_error"), "message": str(error)}
        if error.code is not None:
            said["code"] = error.code
        return {"type": "error", "error": {**said, **refusal_details(error)}}

    def error_event(self, error: RequestRefused) -> bytes:
        return json_event(self.error(error), name="error")


def check_prompt(body: JsonObject) -> None:
    """All but the limit, which only an answer needs."""
    check_model(body)
    check_turns(body, _check_turn)
    check_parameters(body, _CHECKS)


def _check_turn(path: str, turn: JsonObject) -> None:
    if not isinstance(turn.get("content"), str):
        check_parts(f"{path}.content", turn.get("content"))


def _content_places(holder: JsonObject, at: str) -> Iterator[Place]:
    content = holder.get(at)
    if isinstance(content, str):
        yield Place(holder, at)
    else:
        yield from content_texts(content)


def _exact_only(body: JsonObject) -> str | None:
    if body.get("tools") or body.get("mcp_servers"):
        return "tools"
    if body.get("container"):
        return "attachments"
    if as_object(body.get("thinking")).get("type") not in (None, "disabled"):
        return "thinking"
    return "temperature" if is_hot(body) else None
