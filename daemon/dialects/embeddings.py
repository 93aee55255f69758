"""OpenAI's embeddings. https://platform.openai.com/docs/api-reference/embeddings"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exchange import DialectName, JsonObject, Usage
from .dialect import Items, Place, Question
from .embedding_items import EmbeddingItems
from .parameters import Check, check_model, check_parameters, is_not_streamed, is_object, is_string, whole_number, wrong
from .questions import keyed
from .refusals import OpenAiErrors
from .stateless import Stateless
from .texts import further_texts, spoken_texts, strings_at
from .untrusted import as_count, as_object, as_objects, as_text, without
from .whole_only import WholeOnly

_CHECKS: Mapping[str, Check] = {
    "cache": is_object,
    "dimensions": whole_number(1),
    "encoding_format": is_string,
    "metadata": is_object,
    "stream": is_not_streamed,
    "user": is_string,
}
_CALLER_FIELDS = ("user", "metadata")
_WITHOUT_TEXT = frozenset({*_CALLER_FIELDS, *_CHECKS, "input", "model"})


class EmbeddingsDialect(OpenAiErrors, Stateless, WholeOnly):
    """OpenAI's embeddings, as any compatible server speaks them. Texts are embedded with their placeholders."""

    name: DialectName = "embeddings"
    path = "/embeddings"
    items: Items | None = EmbeddingItems()

    def check(self, body: JsonObject) -> None:
        """The input may be a text, texts, tokens, or lists of tokens."""
        check_model(body)
        given = body.get("input")
        if not isinstance(given, str | list) or given == []:
            raise wrong("input", given, "a string or a non-empty array")
        check_parameters(body, _CHECKS)

    def places(self, body: JsonObject) -> list[Place]:
        return [*strings_at(body, "input"), *further_texts(body, _WITHOUT_TEXT, _CALLER_FIELDS)]

    def end_user(self, body: JsonObject) -> str | None:
        return as_text(body.get("user")) or None

    def is_shareable(self, body: JsonObject) -> bool:
        return True

    def keyed(self, body: JsonObject) -> JsonObject:
        """A list of one item asks for what the item alone asks for."""
        given = body["input"]
        is_one = isinstance(given, list) and len(given) == 1 and isinstance(given[0], str | list)
        return keyed({**body, "input": given[0]} if is_one else body)

    def question(self, body: JsonObject) -> Question:
        return Question("", self.keyed(body), "embeddings")

    def opening(self, body: JsonObject) -> Any:
        return self.keyed(body)

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        return {**without(body, "cache"), "model": model}

    def usage(self, answer: JsonObject) -> Usage | None:
        read = as_count(as_object(answer.get("usage")).get("prompt_tokens"))
        return None if read is None else Usage(read, 0)

    def answer_text(self, answer: JsonObject) -> str:
        return ""

    def answer_places(self, answer: JsonObject) -> list[Place]:
        return []

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        return list(spoken_texts(answer))

    def is_normal(self, answer: JsonObject) -> bool:
        vectors = as_objects(answer.get("data"))
        return bool(vectors) and not answer.get("error") and all(vector.get("embedding") for vector in vectors)
