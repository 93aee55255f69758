"""One request, end to end, through a real daemon: private, cached, accounted, and otherwise unchanged."""

import json

import pytest

from tests.upstream import Reply, ToolCall

QUESTION = "Write a short note to ann.lee@example.com, please."


async def test_the_provider_sees_a_placeholder_and_the_caller_gets_the_original_back(daemon, upstream):
    upstream.next("Sent to <EMAIL_ADDRESS_1>.")

    assert "Sent to ann.lee@example.com." == await daemon.chat(QUESTION)
    assert not upstream.saw("ann.lee@example.com")
    assert "Write a short note to <EMAIL_ADDRESS_1>, please." == upstream.last.question


async def test_two_addresses_share_one_cached_answer(daemon, upstream):
    """The cache sees placeholders, so a hit for one is a hit for the other, each with their own value back."""
    upstream.next("Sent to <EMAIL_ADDRESS_1>.")
    await daemon.chat("Write to ann.lee@example.com")
    second = await daemon.chat("Write to bo.chan@example.org")

    assert 1 == len(upstream.asked)
    assert "Sent to bo.chan@example.org." == second


async def test_an_answer_says_what_was_done(daemon, upstream):
    first = await daemon.post_chat(QUESTION)
    again = await daemon.post_chat(QUESTION)

    assert ["miss", "exact"] == [first.verdict, again.verdict]
    assert "EMAIL_ADDRESS=1" == first.headers["x-helix-pii"]
    assert first.headers["x-helix-request-id"] != again.headers["x-helix-request-id"]
    # gpt-4o-mini: 11 x 0.15 + 7 x 0.60 dollars a million
    assert "0.00000585" == first.headers["x-helix-cost-usd"]
    assert "0.00000585" == again.headers["x-helix-saved-usd"]
    assert float(first.headers["x-helix-overhead-ms"]) >= 0


async def test_what_says_the_same_in_nearly_the_same_words_is_a_semantic_hit(daemon, upstream):
    await daemon.until_ready("ok")
    await daemon.post_chat("How do I undo the last commit in git?")
    near = await daemon.post_chat("how do I undo the last commit in git")

    assert "semantic" == near.verdict
    assert 0.95 <= float(near.headers["x-helix-similarity"]) <= 1
    assert 1 == len(upstream.asked)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("How do I enable dark mode?", "How do I disable dark mode?"),
        ("Convert 12 miles to kilometers", "Convert 13 miles to kilometers"),
        ("Translate the word table from English to French", "Translate the word table from French to English"),
    ],
)
async def test_a_question_with_another_answer_is_a_miss(daemon, upstream, asked, near):
    await daemon.until_ready("ok")
    await daemon.post_chat(asked)

    assert "miss" == (await daemon.post_chat(near)).verdict


async def test_a_streamed_and_a_whole_request_share_an_entry(daemon, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    streamed = await daemon.post_chat("Greet ann@example.com", stream=True)
    whole = await daemon.post_chat("Greet ann@example.com")
    replay = await daemon.post_chat("Greet ann@example.com", stream=True)

    assert ["miss", "exact", "exact"] == [streamed.verdict, whole.verdict, replay.verdict]
    assert "Hello ann@example.com" == whole.json["choices"][0]["message"]["content"]
    assert "Hello ann@example.com" == text_of(streamed.body) == text_of(replay.body)


async def test_usage_is_asked_of_a_stream_and_hidden_from_who_did_not_ask(daemon, upstream):
    plain = await daemon.post_chat("one", stream=True)
    asking = await daemon.post_chat("two", stream=True, stream_options={"include_usage": True})

    assert {"include_usage": True} == upstream.asked[0].body["stream_options"]
    assert b'"usage":{' not in plain.body.replace(b" ", b"")
    assert b'"usage":{' in asking.body.replace(b" ", b"")
    [first, second] = await daemon.rows()
    assert ["0.00000585"] * 2 == [first["cost_usd"], second["cost_usd"]]


async def test_tool_call_arguments_are_restored_with_their_escapes(daemon, upstream):
    call = ToolCall("send", '{"to": "<EMAIL_ADDRESS_1>", "html": "\\u003cEMAIL_ADDRESS_1\\u003e"}')
    tools = [{"type": "function", "function": {"name": "send", "parameters": {"type": "object"}}}]
    upstream.always(Reply.tools(call))
    whole = await daemon.post_chat("Mail ann@example.com", tools=tools)
    streamed = await daemon.post_chat("Mail ann@example.com now", tools=tools, stream=True)

    expected = {"to": "ann@example.com", "html": "ann@example.com"}
    assert expected == json.loads(whole.json["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"])
    assert expected == json.loads(arguments_of(streamed.body))


async def test_messages_are_answered_the_same_way(daemon, upstream):
    upstream.always("Sent to <EMAIL_ADDRESS_1>.")
    body = {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": QUESTION}]}
    first = await daemon.post("/v1/messages", body)
    again = await daemon.post("/v1/messages", body)
    streamed = await daemon.post("/v1/messages", body | {"stream": True})

    assert "Sent to ann.lee@example.com." == first.json["content"][0]["text"]
    assert ["miss", "exact", "exact"] == [first.verdict, again.verdict, streamed.verdict]
    assert b"message_stop" in streamed.body and b"ann.lee@example.com" in streamed.body
    assert not upstream.saw("ann.lee@example.com")
    assert "sk-ant-upstream" == upstream.last.headers["x-api-key"]


async def test_each_route_answers_without_v1_too(daemon):
    assert 200 == (await daemon.post("/chat/completions", chat_body())).status
    async with daemon.session.get(daemon.url + "/models") as models:
        assert "helix/echo" in [model["id"] for model in (await models.json())["data"]]


async def test_the_request_goes_on_as_equal_json_and_the_answer_byte_for_byte(daemon, upstream):
    """Unknown fields, large integers and odd numbers included."""
    choice = b'{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"\\u00e9"}}'
    odd = b'{"id":"x",  "choices":[' + choice + b'], "n":1e2}'
    upstream.next(Reply(body=odd))
    body = chat_body() | {"x_unknown": {"deep": [1, 2**70, 0.1, None]}, "seed": 2**63}
    answer = await daemon.post("/v1/chat/completions", body)

    assert odd == answer.body
    assert body == upstream.last.body


async def test_only_the_headers_that_belong_there_go_upstream(daemon, upstream):
    sent = {
        "openai-organization": "o",
        "cookie": "c=1",
        "x-helix-tags": "t",
        "x-custom": "1",
        "authorization": "Bearer sk-mine",
    }
    await daemon.post_chat("hello", headers=sent)

    headers = upstream.last.headers
    assert "o" == headers["openai-organization"]
    assert "Bearer sk-upstream" == headers["authorization"]
    assert not {"cookie", "x-helix-tags", "x-custom"} & headers.keys()


async def test_the_echo_model_is_always_there(daemon, upstream):
    assert "Say hi to ann@example.com" in await daemon.chat("Say hi to ann@example.com", model="helix/echo")
    assert not upstream.asked


def chat_body(text: str = "hello") -> dict:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}


def events(stream: bytes) -> list[dict]:
    lines = [line[6:] for line in stream.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def text_of(stream: bytes) -> str:
    return "".join(e["choices"][0]["delta"].get("content") or "" for e in events(stream) if e["choices"])


def arguments_of(stream: bytes) -> str:
    calls = [c for e in events(stream) if e["choices"] for c in e["choices"][0]["delta"].get("tool_calls") or []]
    return "".join(call["function"].get("arguments") or "" for call in calls)
