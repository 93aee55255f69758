"""What an answer says to its caller, in any protocol, whole or as the events of a stream."""

from __future__ import annotations

import json
from typing import Any


def said(answer: bytes) -> tuple[str, str]:
    """The text of an answer, and the arguments of its tool calls as JSON texts in a row."""
    if answer.startswith((b"data:", b"event:")):
        return _said_by_events([json.loads(line[6:]) for line in answer.split(b"\n") if line.startswith(b"data: {")])
    return _said_whole(json.loads(answer))


def _said_whole(answer: dict[str, Any]) -> tuple[str, str]:
    text = arguments = ""
    for choice in answer.get("choices", ()):
        message = choice.get("message", choice)
        text += message.get("content") or message.get("text") or ""
        arguments += "".join(call["function"]["arguments"] for call in message.get("tool_calls", ()))
    for block in answer.get("content", ()):
        text += block.get("text", "")
        arguments += json.dumps(block["input"]) if "input" in block else ""
    for item in answer.get("output", ()):
        text += "".join(part["text"] for part in item.get("content", ()))
        arguments += item.get("arguments", "")
    return text, arguments


def _said_by_events(events: list[dict[str, Any]]) -> tuple[str, str]:
    text = arguments = ""
    for event in events:
        kind = event.get("type", "")
        for choice in event.get("choices", ()):
            delta = choice.get("delta", choice)
            text += delta.get("content") or delta.get("text") or ""
            arguments += "".join(call["function"].get("arguments", "") for call in delta.get("tool_calls", ()))
        if kind == "content_block_delta":
            text += event["delta"].get("text", "")
            arguments += event["delta"].get("partial_json", "")
        elif kind == "response.output_text.delta":
            text += event["delta"]
        elif kind == "response.function_call_arguments.delta":
            arguments += event["delta"]
    return text, arguments
