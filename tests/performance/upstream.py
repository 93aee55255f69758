"""A fast, deterministic provider to put behind a gateway under test.

A bare asyncio protocol on uvloop with llhttp, so that it is not the bottleneck. It speaks chat completions, messages,
responses and text completions, whole and streamed, and embeddings. Each answer holds `digest()` of the last user
message: who asked can check that it got the answer to its own question.

    python tests/performance/upstream.py --port 9101 --gap-ms 5
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from typing import Any

import httptools
import orjson
import uvloop

SAID = " the quick brown fox jumps over the lazy dog while a calm river carries small boats"


def digest(text: str) -> str:
    """By which a client knows the answer to `text`."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def last_user_text(messages: list[dict[str, Any]]) -> str:
    return next((str(m.get("content") or "") for m in reversed(messages) if m.get("role") == "user"), "")


def words(text: str) -> list[str]:
    return [digest(text), *(f" {word}" for word in SAID.split())]


def prompt_tokens(body: dict[str, Any]) -> int:
    return sum(max(1, len(str(m.get("content") or "")) // 4) for m in body["messages"])


def chat_whole(body: dict[str, Any]) -> dict[str, Any]:
    said = words(last_user_text(body["messages"]))
    read = prompt_tokens(body)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "".join(said)}}],
        "usage": {"prompt_tokens": read, "completion_tokens": len(said), "total_tokens": read + len(said)},
    }


def chat_events(body: dict[str, Any]) -> list[bytes]:
    said = words(last_user_text(body["messages"]))
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": body["model"]}

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: %s\n\n" % orjson.dumps({**head, "choices": [choice]})

    events = [event({"role": "assistant", "content": ""}), *(event({"content": word}) for word in said)]
    events.append(event({}, "stop"))
    if (body.get("stream_options") or {}).get("include_usage"):
        usage = chat_whole(body)["usage"]
        events.append(b"data: %s\n\n" % orjson.dumps({**head, "choices": [], "usage": usage}))
    return [*events, b"data: [DONE]\n\n"]


def messages_whole(body: dict[str, Any]) -> dict[str, Any]:
    said = words(last_user_text(body["messages"]))
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [{"type": "text", "text": "".join(said)}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": prompt_tokens(body), "output_tokens": len(said)},
    }


def messages_events(body: dict[str, Any]) -> list[bytes]:
    said = words(last_user_text(body["messages"]))
    message = messages_whole(body) | {"content": [], "stop_reason": None}

    def event(kind: str, **fields: Any) -> bytes:
        return b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))

    return [
        event("message_start", message=message),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in said),
        event("content_block_stop", index=0),
        event(
            "message_delta",
            delta={"stop_reason": "end_turn", "stop_sequence": None},
            usage={"output_tokens": len(said)},
        ),
        event("message_stop"),
    ]


def responses_whole(body: dict[str, Any]) -> dict[str, Any]:
    said = words(str(body["input"]))
    part = {"type": "output_text", "text": "".join(said), "annotations": []}
    item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    read = max(1, len(str(body["input"])) // 4)
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "model": body["model"],
        "output": [item],
        "usage": {"input_tokens": read, "output_tokens": len(said), "total_tokens": read + len(said)},
    }


def responses_events(body: dict[str, Any]) -> list[bytes]:
    whole = responses_whole(body)
    (item,) = whole["output"]
    at = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = item["content"][0]
    events: list[tuple[str, dict[str, Any]]] = [
        ("response.created", {"response": whole | {"status": "in_progress", "output": [], "usage": None}}),
        ("response.output_item.added", {"output_index": 0, "item": item | {"status": "in_progress", "content": []}}),
        ("response.content_part.added", {**at, "part": part | {"text": ""}}),
        *(("response.output_text.delta", {**at, "delta": word}) for word in words(str(body["input"]))),
        ("response.output_text.done", {**at, "text": part["text"]}),
        ("response.content_part.done", {**at, "part": part}),
        ("response.output_item.done", {"output_index": 0, "item": item}),
        ("response.completed", {"response": whole}),
    ]
    return [
        b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps({"type": kind, "sequence_number": at, **fields}))
        for at, (kind, fields) in enumerate(events)
    ]


def completions_whole(body: dict[str, Any]) -> dict[str, Any]:
    said = words(str(body["prompt"]))
    read = max(1, len(str(body["prompt"])) // 4)
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": [{"index": 0, "text": "".join(said), "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": read, "completion_tokens": len(said), "total_tokens": read + len(said)},
    }


def completions_events(body: dict[str, Any]) -> list[bytes]:
    whole = completions_whole(body)
    head = {name: whole[name] for name in ("id", "object", "created", "model")}
    ends = [*((word, None) for word in words(str(body["prompt"]))), ("", "stop")]
    choices = [{"index": 0, "text": text, "logprobs": None, "finish_reason": end} for text, end in ends]
    events = [b"data: %s\n\n" % orjson.dumps({**head, "choices": [choice]}) for choice in choices]
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append(b"data: %s\n\n" % orjson.dumps({**head, "choices": [], "usage": whole["usage"]}))
    return [*events, b"data: [DONE]\n\n"]


def embeddings_whole(body: dict[str, Any]) -> dict[str, Any]:
    """384 values; the digest stands where a client can look for it."""
    given = body["input"]
    texts = given if isinstance(given, list) else [given]
    vector = [round(n / 384 - 0.5, 6) for n in range(384)]
    data = [{"object": "embedding", "index": at, "embedding": vector, "of": digest(t)} for at, t in enumerate(texts)]
    read = sum(max(1, len(text) // 4) for text in texts)
    return {
        "object": "list",
        "data": data,
        "model": body["model"],
        "usage": {"prompt_tokens": read, "total_tokens": read},
    }


# The longer path first: `/chat/completions` ends in `/completions`.
ANSWERS = (
    (b"/chat/completions", chat_whole, chat_events),
    (b"/completions", completions_whole, completions_events),
    (b"/messages", messages_whole, messages_events),
    (b"/responses", responses_whole, responses_events),
    (b"/embeddings", embeddings_whole, None),
)


class Upstream(asyncio.Protocol):
    """One connection. `gap_s` is the pause between a stream's events; 0 writes it at once."""

    gap_s = 0.0
    asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.parser = httptools.HttpRequestParser(self)
        self.task: asyncio.Task[None] | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self.task is not None:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.url, self.body = b"", b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if self.url == b"/asked":
            self._whole({"asked": Upstream.asked})
            return
        Upstream.asked += 1
        body = orjson.loads(self.body)
        whole, events = next((whole, events) for path, whole, events in ANSWERS if self.url.endswith(path))
        if body.get("stream") and events is not None:
            self._stream(events(body))
        else:
            self._whole(whole(body))

    def _whole(self, answer: dict[str, Any]) -> None:
        raw = orjson.dumps(answer)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(raw)
        self.transport.write(head + raw)

    def _stream(self, events: list[bytes]) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        chunks = [b"%x\r\n%s\r\n" % (len(event), event) for event in events] + [b"0\r\n\r\n"]
        if self.gap_s:
            self.task = asyncio.get_running_loop().create_task(self._paced([head, *chunks]))
        else:
            self.transport.write(head + b"".join(chunks))

    async def _paced(self, chunks: list[bytes]) -> None:
        for chunk in chunks:
            self.transport.write(chunk)
            await asyncio.sleep(self.gap_s)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--gap-ms", type=float, default=0.0)
    given = arguments.parse_args()
    Upstream.gap_s = given.gap_ms / 1e3
    uvloop.run(serve(given.port))
