"""OpenAI's responses. https://platform.openai.com/docs/api-reference/responses

What a call refers to at its provider (`previous_response_id`, `conversation`) was hidden by an earlier request. Its
vault is kept under what the provider calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import RequestRefused
from ..exchange import DialectName, JsonObject, Usage
from ..json_text import canonical
from . import responses_stream
from .dialect import Items, Place, Question, StreamRestore, StreamRewriter
from .parameters import (
    Check,
    check_model,
    check_parameters,
    check_parts,
    is_array_of_objects,
    is_array_of_strings,
    is_boolean,
    is_number,
    is_object,
    is_string,
    whole_number,
    wrong,
)
from .questions import first_turns, is_hot, unfit_length
from .refusals import OpenAiErrors
from .responses_items import answer_places, input_places
from .sse import json_event
from .stream_rewriter import RestoringRewriter, delta_texts
from .texts import definition_texts, further_texts, spoken_texts, strings_at
from .untrusted import as_count, as_object, as_objects, as_text, optional_count, without

_CHECKS: Mapping[str, Check] = {
    "background": is_boolean,
    "cache": is_object,
    "include": is_array_of_strings,
    "max_output_tokens": whole_number(1),
    "max_tool_calls": whole_number(1),
    "metadata": is_object,
    "parallel_tool_calls": is_boolean,
    "previous_response_id": is_string,
    "prompt": is_object,
    "reasoning": is_object,
    "store": is_boolean,
    "stream": is_boolean,
    "stream_options": is_object,
    "temperature": is_number,
    "text": is_object,
    "tools": is_array_of_objects,
    "top_logprobs": whole_number(0),
    "top_p": is_number,
    "user": is_string,
}

_DEFINITION_FIELDS = ("tools", "text")
"""Read as definitions."""
_CALLER_FIELDS = ("prompt_cache_key", "safety_identifier", "user", "metadata")
_WITHOUT_TEXT = frozenset(
    {
        *_DEFINITION_FIELDS,
        *_CALLER_FIELDS,
        *_CHECKS,
        "conversation",
        "input",
        "instructions",
        "model",
        "prompt_cache_retention",
        "service_tier",
        "tool_choice",
        "truncation",
    }
)
"""Fields that hold no text or are read on their own; any other is scanned."""

_WITHOUT_EFFECT = ("stream", "stream_options", "cache")
"""What does not change an answer. `user`, `metadata` and `store` do: the answer repeats them."""


_SHAPE = responses_stream.ResponsesShape()


class ResponsesDialect(OpenAiErrors):
    """OpenAI's responses, as any compatible server speaks them."""

    name: DialectName = "responses"
    path = "/responses"
    items: Items | None = None

    def check(self, body: JsonObject) -> None:
        """The input is a text or items; it may be absent where a prompt or an earlier response stands for it."""
        check_model(body)
        given = body.get("input")
        if isinstance(given, list):
            _check_items(given)
        elif not isinstance(given, str | None):
            raise wrong("input", given, "a string or an array of items")
        check_parameters(body, _CHECKS)

    def places(self, body: JsonObject) -> list[Place]:
        places: list[Place] = []
        if "instructions" in body:
            places += input_places(body, "instructions")
        for field in _DEFINITION_FIELDS:
            if field in body:
                places += definition_texts(body[field])
        if "variables" in as_object(body.get("prompt")):
            places += strings_at(body["prompt"], "variables")
        if "input" in body:
            places += input_places(body, "input")
        places += further_texts(body, _WITHOUT_TEXT, _CALLER_FIELDS)
        return places

    def end_user(self, body: JsonObject) -> str | None:
        return as_text(body.get("user")) or as_text(as_object(body.get("metadata")).get("user_id")) or None

    def earlier_turns(self, body: JsonObject) -> str | None:
        conversation = body.get("conversation")
        referred = as_object(conversation).get("id") or conversation or body.get("previous_response_id")
        return None if referred is None else referred if isinstance(referred, str) else canonical(referred).decode()

    def is_kept(self, body: JsonObject) -> bool:
        return body.get("store") is not False

    def kept_as(self, body: JsonObject, answer: JsonObject) -> tuple[str, ...]:
        """Its id, and the conversation that it is part of."""
        response_id = as_text(answer.get("id"))
        if not response_id:
            return ()
        conversation = self.earlier_turns(body) if body.get("conversation") else None
        return (response_id,) if conversation is None else (response_id, conversation)

    def removes_kept(self, body: JsonObject) -> bool:
        return False

    def spends_unseen(self, body: JsonObject) -> bool:
        return False

    def is_shareable(self, body: JsonObject) -> bool:
        """A conversation grows with each call, and what runs in the background is fetched later."""
        return not body.get("conversation") and not body.get("background")

    def keyed(self, body: JsonObject) -> JsonObject:
        return without(body, *_WITHOUT_EFFECT)

    def question(self, body: JsonObject) -> Question:
        text, emptied = _question_in(body.get("input"))
        context = {**self.keyed(body), "input": emptied}
        return Question(text, context, _exact_only(body) or unfit_length(text))

    def opening(self, body: JsonObject) -> Any:
        """A client that names its conversation to the provider's prompt cache names it to us: Codex's first turn is
        the same in all conversations of a directory. A call that follows on a stored one has that for its beginning."""
        if key := body.get("prompt_cache_key"):
            return key
        given = body.get("input")
        turns = first_turns(given) if isinstance(given, list) else given
        return [body.get("instructions"), body.get("previous_response_id") or body.get("conversation") or turns]

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        return {**without(body, "cache"), "model": model}

    def wants_usage(self, body: JsonObject) -> bool:
        """Always: usage is part of the protocol's last event."""
        return True

    def output_limit(self, body: JsonObject) -> int | None:
        return as_count(body.get("max_output_tokens"))

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        given = as_count(body.get("max_output_tokens"))
        return {**body, "max_output_tokens": tokens if given is None else min(tokens, given)}

    def usage(self, answer: JsonObject) -> Usage | None:
        usage = as_object(answer.get("usage"))
        read, output = as_count(usage.get("input_tokens")), as_count(usage.get("output_tokens"))
        details = as_object(usage.get("input_tokens_details"))
        cached = optional_count(details, "cached_tokens")
        reasoning = optional_count(as_object(usage.get("output_tokens_details")), "reasoning_tokens")
        if read is None or output is None or cached is None or reasoning is None or cached > read:
            return None
        kept = min(optional_count(details, "cache_write_tokens") or 0, read - cached)
        return Usage(
            input_tokens=read - cached - kept,
            output_tokens=output,
            cached_read_tokens=cached,
            cache_write_5m_tokens=kept,
            reasoning_tokens=min(reasoning, output),
            service_tier=as_text(answer.get("service_tier")) or None,
            web_searches=sum(item.get("type") == "web_search_call" for item in as_objects(answer.get("output"))),
        )

    def answer_text(self, answer: JsonObject) -> str:
        """What the model wrote, its summaries of thoughts included; not what the answer repeats of the request."""
        written = {"output": answer.get("output")}
        thoughts = [item for item in as_objects(answer.get("output")) if item.get("type") == "reasoning"]
        texts = [as_text(part.get("text")) for item in thoughts for part in as_objects(item.get("summary"))]
        return "\n".join([*texts, *(place.text for place in answer_places(written))])

    def answer_places(self, answer: JsonObject) -> list[Place]:
        return list(answer_places(answer))

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        return list(spoken_texts(answer))

    def is_normal(self, answer: JsonObject) -> bool:
        """As the protocol says; a refusal, or an answer without output, is none to repeat."""
        items = as_objects(answer.get("output"))
        parts = [part for item in items for part in as_objects(item.get("content"))]
        is_refused = any(part.get("type") == "refusal" for part in parts)
        return answer.get("status") == "completed" and not answer.get("error") and bool(items) and not is_refused

    def ends_stream(self, piece: bytes) -> bool:
        return responses_stream.ends_stream(piece)

    def delta_texts(self, event: JsonObject) -> list[str]:
        return delta_texts(_SHAPE, event)

    def cut(self, stream: bytes, usage: Usage) -> bytes:
        return responses_stream.cut(stream, usage)

    def assemble(self, stream: bytes) -> JsonObject | None:
        assembly = responses_stream.ResponsesAssembly(stream)
        return assembly.answer() if assembly.is_complete else None

    def assemble_partial(self, stream: bytes) -> JsonObject:
        return responses_stream.ResponsesAssembly(stream).answer()

    def replay(self, answer: JsonObject, *, with_usage: bool) -> bytes:
        return responses_stream.replay(answer)

    def rewriter(self, restore: StreamRestore | None, *, with_usage: bool) -> StreamRewriter | None:
        return None if restore is None else RestoringRewriter(responses_stream.ResponsesShape(), restore)

    def error_event(self, error: RequestRefused) -> bytes:
        """Its fields stand beside `type`; the SDKs look into `error`."""
        said = self.error(error)
        return json_event({"type": "error", **said["error"], "sequence_number": 0, **said}, name="error")


def _check_items(items: list[Any]) -> None:
    is_array_of_objects("input", items)
    for position, item in enumerate(items):
        content = item.get("content")
        if content is not None and not isinstance(content, str):
            check_parts(f"input[{position}].content", content)


def _question_in(given: Any) -> tuple[str, Any]:
    """The text that is asked, and the input with it taken out; no text where something else is asked."""
    if isinstance(given, str):
        return given, None
    if not isinstance(given, list) or not given or not all(map(_is_said, given)) or given[-1].get("role") != "user":
        return "", given
    *earlier, last = given
    content = last["content"]
    if isinstance(content, str):
        return content, [*earlier, {**last, "content": None}]
    return "\n".join(_texts(content)), [*earlier, {**last, "content": [{**part, "text": None} for part in content]}]


def _is_said(item: JsonObject) -> bool:
    """Whether an item is a message of nothing but text."""
    content = item.get("content")
    if item.get("type", "message") != "message" or not isinstance(content, str | list):
        return False
    return isinstance(content, str) or len(list(_texts(content))) == len(content)


def _texts(parts: list[JsonObject]) -> Iterator[str]:
    for part in parts:
        if part.get("type") in ("input_text", "output_text") and isinstance(part.get("text"), str):
            yield part["text"]


def _exact_only(body: JsonObject) -> str | None:
    if body.get("tools"):
        return "tools"
    if body.get("previous_response_id") or body.get("prompt"):
        return "it refers to what its provider stores"
    if body.get("top_logprobs") or body.get("include"):
        return "logprobs"
    return "temperature" if is_hot(body) else None
