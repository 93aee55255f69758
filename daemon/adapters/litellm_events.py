"""litellm's streams, put right where they are not as the protocol's own provider would send them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

import orjson

from ..exchange import JsonObject


async def numbered(events: AsyncIterator[JsonObject]) -> AsyncGenerator[bytes, None]:
    """Responses' events with the numbers that clients put them in order by; litellm leaves most out."""
    number = 0
    async for event in events:
        data = orjson.dumps({**event, "sequence_number": number})
        yield b"event: " + event["type"].encode() + b"\ndata: " + data + b"\n\n"
        number += 1


async def without_empty_texts(events: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Messages' events without text blocks that end as they began, which litellm adds after tool calls.

    Clients send all blocks back in the next turn, and a text that is empty is refused there.
    """
    held = b""
    async for event in events:
        kind = _kind_of(event)
        if kind == "opens text":
            held += event
        elif held and kind == "closes":
            held = b""
        else:
            yield held + event
            held = b""
    if held:
        yield held


def _kind_of(event: bytes) -> str:
    _, _, line = event.partition(b"data: ")  # litellm writes the data last, in one line
    data: JsonObject = orjson.loads(line) if line else {}
    if data.get("type") == "content_block_stop":
        return "closes"
    block = data.get("content_block")
    is_empty_text = isinstance(block, dict) and block.get("type") == "text" and not block.get("text")
    return "opens text" if is_empty_text and data.get("index") != 0 else ""
