"""OpenAI's text completions, the older protocol. https://platform.openai.com/docs/api-reference/completions"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exchange import DialectName, JsonObject, Usage
from . import chat_stream
from .chat import chat_usage, usage_block
from .dialect import Items, Place, Question, StreamRestore, StreamRewriter
from .parameters import (
    Check,
    check_model,
    check_parameters,
    is_boolean,
    is_number,
    is_object,
    is_string,
    is_string_or_strings,
    whole_number,
    wrong,
)
from .questions import keyed
from .refusals import OpenAiErrors
from .sse import json_event
from .stateless import Stateless
from .stream_rewriter import RestoringRewriter, delta_texts
from .texts import further_texts, kind_of, spoken_texts, strings_at
from .untrusted import MAX_TOKENS, as_count, as_index, as_object, as_objects, as_text, without

_CHECKS: Mapping[str, Check] = {
    "best_of": whole_number(1),
    "cache": is_object,
    "echo": is_boolean,
    "frequency_penalty": is_number,
    "logit_bias": is_object,
    "logprobs": whole_number(0),
    # 0 is for those who want the prompt's own log probabilities.
    "max_tokens": whole_number(0),
    "metadata": is_object,
    "n": whole_number(1, 128),
    "presence_penalty": is_number,
    "seed": is_number,
    "stop": is_string_or_strings,
    "stream": is_boolean,
    "stream_options": is_object,
    "suffix": is_string,
    "temperature": is_number,
    "top_p": is_number,
    "user": is_string,
}
_CALLER_FIELDS = ("user", "metadata")
_WITHOUT_TEXT = frozenset({*_CALLER_FIELDS, *_CHECKS.keys() - {"stop", "suffix"}, "model", "prompt"})

_DEFAULT_TOKENS = 16
"""What the protocol allows where the request says nothing."""


class CompletionsDialect(OpenAiErrors, Stateless):
    """OpenAI's text completions, as any compatible server speaks them."""

    name: DialectName = "completions"
    path = "/completions"
    items: Items | None = None

    def check(self, body: JsonObject) -> None:
        """The prompt may be a text, texts, tokens, or lists of tokens; without one the model begins by itself."""
        check_model(body)
        prompt = body.get("prompt")
        if prompt is not None and not isinstance(prompt, str | list):
            raise wrong("prompt", prompt, "a string or an array")
        check_parameters(body, _CHECKS)

    def places(self, body: JsonObject) -> list[Place]:
        prompt = strings_at(body, "prompt") if "prompt" in body else ()
        return [*prompt, *further_texts(body, _WITHOUT_TEXT, _CALLER_FIELDS)]

    def end_user(self, body: JsonObject) -> str | None:
        return as_text(body.get("user")) or None

    def is_shareable(self, body: JsonObject) -> bool:
        return True

    def keyed(self, body: JsonObject) -> JsonObject:
        return keyed(body)

    def question(self, body: JsonObject) -> Question:
        """A text to be continued is no question that another could stand for."""
        return Question("", self.keyed(body), "a text is continued")

    def opening(self, body: JsonObject) -> Any:
        return self.keyed(body)

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        sent = {**without(body, "cache"), "model": model}
        if body.get("stream"):
            sent["stream_options"] = {**as_object(body.get("stream_options")), "include_usage": True}
        return sent

    def wants_usage(self, body: JsonObject) -> bool:
        return as_object(body.get("stream_options")).get("include_usage") is True

    def output_limit(self, body: JsonObject) -> int | None:
        given = as_count(body.get("max_tokens"))
        return min((_DEFAULT_TOKENS if given is None else given) * _texts_written(body), MAX_TOKENS)

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        """As the protocol says, shared evenly by all that is written."""
        given = as_count(body.get("max_tokens"))
        each = max(1, tokens // _texts_written(body))
        return {**body, "max_tokens": min(each, _DEFAULT_TOKENS if given is None else given)}

    def usage(self, answer: JsonObject) -> Usage | None:
        return chat_usage(answer)

    def answer_text(self, answer: JsonObject) -> str:
        return "\n".join(place.text for place in self.answer_places(answer))

    def answer_places(self, answer: JsonObject) -> list[Place]:
        choices = as_objects(answer.get("choices"))
        return [Place(choice, "text", kind_of(choice["text"])) for choice in choices if as_text(choice.get("text"))]

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        return list(spoken_texts(answer))

    def is_normal(self, answer: JsonObject) -> bool:
        choices = as_objects(answer.get("choices"))
        is_ended = all(choice.get("finish_reason") == "stop" and choice.get("text") for choice in choices)
        return bool(choices) and not answer.get("error") and is_ended

    def ends_stream(self, piece: bytes) -> bool:
        return chat_stream.ends_stream(piece)

    def delta_texts(self, event: JsonObject) -> list[str]:
        return delta_texts(_SHAPE, event)

    def cut(self, stream: bytes, usage: Usage) -> bytes:
        answer, closing = self.assemble_partial(stream), {"text": "", "logprobs": None}
        envelope = without(answer, "choices", "usage")
        return chat_stream.ended_by_length(envelope, answer["choices"], closing, usage_block(usage))

    def assemble(self, stream: bytes) -> JsonObject | None:
        assembly = _Assembly(stream)
        return assembly.answer() if assembly.is_complete else None

    def assemble_partial(self, stream: bytes) -> JsonObject:
        return _Assembly(stream).answer()

    def replay(self, answer: JsonObject, *, with_usage: bool) -> bytes:
        """Each choice is one event; the last has its reason, as the protocol allows."""
        envelope = without(answer, "choices", "usage")
        events = [json_event({**envelope, "choices": [choice]}) for choice in as_objects(answer.get("choices"))]
        if with_usage and isinstance(answer.get("usage"), dict):
            events.append(json_event({**envelope, "choices": [], "usage": answer["usage"]}))
        return b"".join(events) + chat_stream.DONE

    def rewriter(self, restore: StreamRestore | None, *, with_usage: bool) -> StreamRewriter | None:
        if restore is not None:
            return RestoringRewriter(_Shape(with_usage=with_usage), restore)
        return None if with_usage else chat_stream.UsageFilter()


class _Shape(chat_stream.ChatShape):
    """Text completions as a StreamShape; a channel is the choice's index."""

    __slots__ = ()

    def places(self, event: JsonObject) -> list[Place]:
        return [
            Place(choice, "text", channel=f"{as_index(choice.get('index'), otherwise=position)}/")
            for position, choice in enumerate(as_objects(event.get("choices")))
            if isinstance(choice.get("text"), str)
        ]

    def delta(self, channel: str, text: str, like: JsonObject) -> bytes:
        choice = {"index": int(channel[:-1]), "text": text, "logprobs": None, "finish_reason": None}
        return json_event({**without(like, "choices", "usage"), "choices": [choice]})


_SHAPE = _Shape(with_usage=True)


class _Assembly(chat_stream.ChatAssembly):
    """An answer that grows by chunks; a choice has its text where chat has a message."""

    __slots__ = ()

    def answer(self) -> JsonObject:
        choices = [chat_stream.joined(choice) for _, choice in sorted(self._choices.items())]
        return {"object": "text_completion", **self._envelope, "choices": choices}

    def _add_choice(self, index: int, chunk: JsonObject) -> None:
        choice = self._choices.setdefault(index, {"index": index, "text": "", "finish_reason": None})
        chat_stream.merge(choice, without(chunk, "index", "finish_reason"))
        if chunk.get("finish_reason") is not None:
            choice["finish_reason"] = chunk["finish_reason"]


def _texts_written(body: JsonObject) -> int:
    """How many texts the provider writes: so many for each prompt, `best_of` where that is more than are given out."""
    prompt = body.get("prompt")
    prompts = len(prompt) if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else 1
    each = max(as_count(body.get("n")) or 1, as_count(body.get("best_of")) or 1)
    return prompts * each
