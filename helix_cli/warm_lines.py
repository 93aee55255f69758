"""What a line of `helix cache warm` asks for: a question, a request, or a line of OpenAI's batch files."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

PATHS = frozenset({"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/messages"})
CHAT = "/v1/chat/completions"


class WarmRequest(NamedTuple):
    path: str
    body: dict[str, Any]


def request_of(line: str, *, model: str | None, system: str | None) -> WarmRequest:
    """The request that a line stands for; `system` goes before a question, which has nothing of its own.

    Raises:
        ValueError: it stands for none.
    """
    given: Any = json.loads(line) if line.lstrip().startswith(("{", '"')) else line.strip()
    if isinstance(given, str):
        given = {"question": given}
    path, body = _told_apart(given)
    if path == CHAT and "messages" not in body:
        body = _asking(body, system)
    if not body.get("model") and model is None:
        raise ValueError('no "model": name one with --model')
    return WarmRequest(path, {**body, "model": body.get("model") or model, "stream": False})


def _told_apart(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A line of a batch file says its path, and has its request in `body`."""
    if "body" not in given:
        return CHAT, given
    path, body = given.get("url", CHAT), given["body"]
    if path not in PATHS or not isinstance(body, dict):
        raise ValueError(f'expected "body" with a request and "url" with one of {", ".join(sorted(PATHS))}')
    return path, body


def _asking(given: dict[str, Any], system: str | None) -> dict[str, Any]:
    text = next((given[name] for name in ("prompt", "text", "question") if name in given), None)
    if not isinstance(text, str) or not text.strip():
        raise ValueError('expected "messages", "prompt", "text", "question" or "body"')
    turns = [{"role": "system", "content": system}] if system else []
    return {"model": given.get("model"), "messages": [*turns, {"role": "user", "content": text}]}
