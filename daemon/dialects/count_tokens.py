"""Anthropic's token counting. https://docs.anthropic.com/en/api/messages-count-tokens

A request is one of messages without a limit, so its texts are found and hidden in the same way; the count is that of
the hidden request, which is what a call would be billed for. Counting itself costs nothing.
"""

from __future__ import annotations

from ..exchange import DialectName, JsonObject, Usage
from .dialect import Place, Question
from .messages import MessagesDialect, check_prompt
from .parameters import check_parameters, is_not_streamed
from .whole_only import WholeOnly


class CountTokensDialect(WholeOnly, MessagesDialect):
    """Anthropic's `/v1/messages/count_tokens`."""

    name: DialectName = "count_tokens"
    path = "/v1/messages/count_tokens"

    def check(self, body: JsonObject) -> None:
        check_prompt(body)
        check_parameters(body, {"stream": is_not_streamed})

    def is_shareable(self, body: JsonObject) -> bool:
        return False

    def question(self, body: JsonObject) -> Question:
        return Question("", self.keyed(body), "tokens are counted")

    def usage(self, answer: JsonObject) -> Usage | None:
        """Counting uses none of the tokens that it counts; a refusal counts nothing."""
        return None if answer.get("type") == "error" else Usage(0, 0)

    def answer_text(self, answer: JsonObject) -> str:
        return ""

    def answer_places(self, answer: JsonObject) -> list[Place]:
        return []

    def is_normal(self, answer: JsonObject) -> bool:
        return False
