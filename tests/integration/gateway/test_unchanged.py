"""With everything off equal JSON goes on and the provider's own bytes come back, on every route."""

import json

import pytest

from tests.daemon_process import Daemon
from tests.upstream import Reply

OFF = '[cache]\nmode = "off"\n[pii]\nmode = "off"\n'
ODD = {"x_unknown": {"deep": [1, 2**70, 0.1, None, "\u00e9\u2028"]}, "metadata": {"k": "v"}}
TURN = {"role": "user", "content": "Hi", "x_part": True}

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "system", "content": "s"}, TURN], "seed": 2**63, **ODD}
COMPLETIONS = {"model": "gpt-4o-mini", "prompt": ["a", "b"], "logit_bias": {"50256": -100}, **ODD}
EMBEDDINGS = {"model": "gpt-4o-mini", "input": ["a", "b"], "dimensions": 8, **ODD}
RESPONSES = {"model": "gpt-4o-mini", "input": [TURN], "reasoning": {"effort": "low"}, "store": False, **ODD}
THOUGHT = {"type": "thinking", "thinking": "h\u00e9", "signature": "EqQBCkYI+/=="}
MESSAGES = {
    "model": "claude-opus-4-7",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [TURN, {"role": "assistant", "content": [THOUGHT, {"type": "redacted_thinking", "data": "x"}]}, TURN],
    **ODD,
}

CHAT_STREAM = (
    b': OPENROUTER PROCESSING\n\ndata: {"id":"c","object":"chat.completion.chunk","x_new":[1e2],"choices":[{"index":0,'
    b'"delta":{"role":"assistant","content":"\\u00e9"},"finish_reason":null}]}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"why"},"finish_reason":null}]}\r\n\r\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":'
    b'{"name":"f","arguments":"{\\"a\\": "}}]},"finish_reason":null}]}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'
    b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
    b"data: [DONE]\n\n"
)
MESSAGES_STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    b'"model":"claude-opus-4-7","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: ping\ndata: {"type": "ping"}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":'
    b'{"type":"thinking","thinking":"","signature":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"thinking_delta","thinking":"h\xc3\xa9"}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":'
    b'{"type":"signature_delta","signature":"EqQBCkYI+/=="}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: x_tomorrow\ndata: {"type":"x_tomorrow","n":1e2}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":7}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
RESPONSES_STREAM = (
    b'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"r"}}\n\n'
    b'event: response.x_tomorrow\ndata: {"type":"response.x_tomorrow","sequence_number":1,"n":1e2}\n\n'
    b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":2,'
    b'"item_id":"i","output_index":0,"content_index":0,"delta":"\\u00e9"}\n\n'
    b'event: response.completed\ndata: {"type":"response.completed","sequence_number":3,"response":{"id":"r",'
    b'"status":"completed","output":[],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}}\n\n'
)

ROUTES = [
    ("/v1/chat/completions", CHAT),
    ("/v1/completions", COMPLETIONS),
    ("/v1/embeddings", EMBEDDINGS),
    ("/v1/responses", RESPONSES),
    ("/v1/messages", MESSAGES),
    ("/v1/messages/count_tokens", {**MESSAGES, "max_tokens": 9}),
]
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
STREAMS = [
    ("/v1/chat/completions", {**CHAT, **WITH_USAGE}, CHAT_STREAM),
    ("/v1/messages", {**MESSAGES, "stream": True}, MESSAGES_STREAM),
    ("/v1/responses", {**RESPONSES, "stream": True}, RESPONSES_STREAM),
]


@pytest.fixture
async def transparent(share_daemon) -> Daemon:
    return await share_daemon(OFF)


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_whole_answer_and_an_error_are_the_providers_own_bytes(transparent, upstream, path, body):
    odd = b'{ "id":"x", "x_new":[1e2, {"a":"\\u00e9"}],\n "usage":{"input_tokens":1}}'
    for status in (200, 400, 404, 422):
        upstream.next(Reply(status=status, body=odd))
        answer = await transparent.post(path, body)

        assert (status, odd) == (answer.status, answer.body)
        assert body == upstream.last.body
        assert path == upstream.last.path


@pytest.mark.parametrize(("path", "body", "stream"), STREAMS)
@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
async def test_a_stream_is_the_providers_own_bytes_however_it_is_cut(transparent, upstream, path, body, stream, size):
    upstream.next(Reply(raw_stream=stream, cuts=tuple(range(size, len(stream), size))))
    answer = await transparent.post(path, body)

    assert stream == answer.body
    assert json.loads(json.dumps(body)) == upstream.last.body
