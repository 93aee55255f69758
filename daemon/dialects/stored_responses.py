"""Responses that OpenAI's provider keeps: fetched, deleted, cancelled by their id.

https://platform.openai.com/docs/api-reference/responses/get

Such a request has no body. What stands for it inside is an object: `method`, `path` below `/responses`, `query` as
pairs, and `model`, which only leads to the provider. Its caller's vault is kept for as long as the response.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import BadRequest
from ..exchange import DialectName, JsonObject, Usage
from .dialect import Place, Question
from .parameters import check_query
from .responses import ResponsesDialect
from .responses_items import input_places

_PATH = re.compile(r"[\w.-]{1,200}(?:/(?:input_items|cancel))?", re.ASCII)
"""Narrow, because nothing here is scanned for what should not leave."""


class StoredResponsesDialect(ResponsesDialect):
    """OpenAI's `/v1/responses/{id}`."""

    name: DialectName = "stored_responses"
    path = "/responses"

    def check(self, body: JsonObject) -> None:
        if not _PATH.fullmatch(body["path"]):
            raise BadRequest("expected the id of a response", param="response_id")
        check_query(body["query"])

    def places(self, body: JsonObject) -> list[Place]:
        return []

    def end_user(self, body: JsonObject) -> str | None:
        return None

    def earlier_turns(self, body: JsonObject) -> str | None:
        return str(body["path"]).partition("/")[0]

    def is_kept(self, body: JsonObject) -> bool:
        return False

    def removes_kept(self, body: JsonObject) -> bool:
        return bool(body["method"] == "DELETE")

    def is_shareable(self, body: JsonObject) -> bool:
        return False

    def question(self, body: JsonObject) -> Question:
        return Question("", self.keyed(body), "it refers to what its provider stores")

    def opening(self, body: JsonObject) -> Any:
        return None

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        return body

    def output_limit(self, body: JsonObject) -> int | None:
        return 0

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        return body

    def usage(self, answer: JsonObject) -> Usage | None:
        """What a stored response used was paid when it was made; a refusal uses nothing."""
        return None if "error" in answer and "object" not in answer else Usage(0, 0)

    def answer_text(self, answer: JsonObject) -> str:
        return ""

    def answer_places(self, answer: JsonObject) -> list[Place]:
        """Those of a response, or of the items in a list of its input."""
        return list(input_places(answer, "data")) if "data" in answer else super().answer_places(answer)

    def is_normal(self, answer: JsonObject) -> bool:
        return False
