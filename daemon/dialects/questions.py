"""The cache's side of a request in both protocols: what is keyed, the last user text, what rules out a near hit."""

from __future__ import annotations

from typing import Any

from ..exchange import JsonObject
from .dialect import Question
from .untrusted import without

MAX_QUESTION_BYTES = 1024
"""The embedder reads 256 tokens, about four bytes each; what lies beyond would be compared unseen."""

_TEXT_PARTS = frozenset({"text", "refusal", "thinking", "redacted_thinking"})


_WITHOUT_EFFECT = ("stream", "stream_options", "user", "metadata", "store", "cache")


def keyed(body: JsonObject) -> JsonObject:
    """A shallow copy without the fields that do not change the answer."""
    return without(body, *_WITHOUT_EFFECT)


def first_turns(turns: list[JsonObject]) -> list[JsonObject]:
    """A conversation's turns up to the user's first."""
    users = (position for position, turn in enumerate(turns) if turn.get("role") == "user")
    return turns[: next(users, 0) + 1]


def question_of(body: JsonObject, exact_only: str | None) -> Question:
    """The question of a checked and hidden request; `exact_only` says why its parameters allow no near hit."""
    *earlier, last = body["messages"]
    text, emptied = _plain_text(last.get("content"))
    context = {**keyed(body), "messages": [*earlier, {**last, "content": emptied}]}
    return Question(text, context, exact_only or _exact_only_for_turns(body["messages"], text))


def is_hot(body: JsonObject) -> bool:
    """Whether a temperature was set above 1: the caller wants answers to differ."""
    return (body.get("temperature") or 0) > 1


def unfit_length(text: str) -> str | None:
    """Why a text cannot be compared: there is none, or too much of it."""
    if not text.strip():
        return "empty last message"
    if len(text.encode("utf-8", "surrogatepass")) > MAX_QUESTION_BYTES:
        return "very long last message"
    return None


def _exact_only_for_turns(turns: list[JsonObject], text: str) -> str | None:
    if turns[-1]["role"] != "user":
        return "the last message is not the user's"
    for turn in turns:
        if reason := _exact_only_for_turn(turn):
            return reason
    return unfit_length(text)


def _exact_only_for_turn(turn: JsonObject) -> str | None:
    if turn["role"] in ("tool", "function") or turn.get("tool_calls") or turn.get("function_call"):
        return "tool results"
    if turn.get("audio"):
        return "attachments"
    content = turn.get("content")
    for part in content if isinstance(content, list) else ():
        kind = part.get("type")
        if not isinstance(kind, str) or kind not in _TEXT_PARTS:
            return "tool results" if "tool" in str(kind) else "attachments"
    return None


def _plain_text(content: Any) -> tuple[str, Any]:
    """A content's text, and the content with that text taken out."""
    if isinstance(content, str):
        return content, None
    if not isinstance(content, list) or any(part.get("type") != "text" for part in content):
        return "", content
    return "\n".join(part["text"] for part in content), [{**part, "text": None} for part in content]
