"""Responses, through a real daemon, with OpenAI's SDK as Codex and others use it."""

import json

import openai
import pytest

from tests.upstream import Reply, ToolCall, responses_events

MODEL = "gpt-4o-mini"
ASKED = "Greet ann@example.com"
ANSWER, RESTORED = "Hello <EMAIL_ADDRESS_1>!", "Hello ann@example.com!"
CUT = ("Hello <EMA", "IL_ADDRESS", "_1>", "!")
TOOL = {
    "type": "function",
    "name": "send",
    "description": "Send to ann@example.com",
    "parameters": {"type": "object", "properties": {}},
    "strict": False,
}
CALL = ToolCall("send", '{"to": "<EMAIL_ADDRESS_1>", "quoted": "\\"yes\\""}')
CALLED = '{"to": "ann@example.com", "quoted": "\\"yes\\""}'


async def test_a_whole_response_is_hidden_and_restored(client, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_2>!")
    answer = await client.responses.create(model=MODEL, input=ASKED, instructions="You serve bo@example.com")

    assert RESTORED == answer.output_text
    assert "You serve bo@example.com" == answer.instructions
    assert "/v1/responses" == upstream.last.path
    assert not upstream.saw("@example.com")
    assert (11, 7) == (answer.usage.input_tokens, answer.usage.output_tokens)


async def test_a_streamed_response_is_restored_in_every_event(client, upstream):
    """Deltas, the events that end texts, parts and items, and the whole answer of the last event."""
    upstream.next(Reply(ANSWER, pieces=CUT))
    async with client.responses.stream(model=MODEL, input=ASKED) as stream:
        events = [event async for event in stream]
        final = await stream.get_final_response()

    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    done = next(event for event in events if event.type == "response.output_text.done")
    assert RESTORED == "".join(deltas) == done.text == final.output_text
    assert 18 == final.usage.total_tokens


async def test_function_calls_are_restored_with_their_escapes(client, upstream):
    upstream.next(Reply.tools(CALL))
    async with client.responses.stream(model=MODEL, input=ASKED, tools=[TOOL]) as stream:
        final = await stream.get_final_response()

    called = next(item for item in final.output if item.type == "function_call")
    assert json.loads(CALLED) == json.loads(called.arguments)
    assert "Send to <EMAIL_ADDRESS_1>" == upstream.last.body["tools"][0]["description"]


async def test_a_second_turn_hides_what_it_sends_back(client, upstream):
    """As Codex does: nothing stored, the whole conversation each time, reasoning sealed by its provider."""
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ann@example.com stays sealed"}
    conversation = [
        {"role": "user", "content": [{"type": "input_text", "text": ASKED}]},
        sealed,
        {"type": "function_call", "call_id": "call_1", "name": "send", "arguments": CALLED},
        {"type": "function_call_output", "call_id": "call_1", "output": "sent to ann@example.com"},
    ]
    await client.responses.create(model=MODEL, input=conversation, store=False, include=["reasoning.encrypted_content"])

    turn, reasoning, call, result = upstream.last.body["input"]
    assert "Greet <EMAIL_ADDRESS_1>" == turn["content"][0]["text"]
    assert sealed == reasoning
    assert {"to": "<EMAIL_ADDRESS_1>", "quoted": '"yes"'} == json.loads(call["arguments"])
    assert "sent to <EMAIL_ADDRESS_1>" == result["output"]


async def test_a_stream_is_kept_and_read_again_whole_and_streamed(client, upstream):
    upstream.next(Reply(ANSWER, pieces=CUT))
    for _ in range(2):
        stream = await client.responses.create(model=MODEL, input=ASKED, stream=True)
        last = [event async for event in stream][-1]
        assert RESTORED == last.response.output_text
    whole = await client.responses.create(model=MODEL, input="Greet bo@example.com")

    assert "Hello bo@example.com!" == whole.output_text
    assert 1 == len(upstream.asked)


async def test_a_replayed_stream_is_read_by_the_sdks_own_helper(client, upstream):
    upstream.next(Reply.tools(CALL, text=ANSWER))
    await client.responses.create(model=MODEL, input=ASKED, tools=[TOOL])
    async with client.responses.stream(model=MODEL, input=ASKED, tools=[TOOL]) as stream:
        final = await stream.get_final_response()

    assert RESTORED == final.output_text
    assert json.loads(CALLED) == json.loads(final.output[-1].arguments)
    assert 1 == len(upstream.asked)


async def test_a_long_last_event_that_comes_in_many_pieces_is_settled_and_kept(daemon, upstream):
    text = "word " * 4_000
    upstream.next(Reply(text, pieces=(text,), cuts=tuple(range(500, 200_000, 9_000))))
    body = {"model": MODEL, "input": "say a lot", "stream": True}
    first = await daemon.post("/v1/responses", body)
    second = await daemon.post("/v1/responses", body)

    assert (first.verdict, second.verdict) == ("miss", "exact")
    assert text.encode() in second.body


async def test_a_near_question_may_be_answered_only_where_nothing_is_stored_or_called(daemon, upstream):
    answers = [
        await daemon.post("/v1/responses", {"model": MODEL, "input": "What is the capital of France?", **more})
        for more in ({"previous_response_id": "resp_1"}, {"previous_response_id": "resp_2"}, {"conversation": "conv_1"})
    ]

    assert ["miss", "miss", "bypass"] == [answer.verdict for answer in answers]


async def test_where_nothing_is_hidden_the_bytes_are_the_providers(daemon, upstream):
    body = {"model": MODEL, "input": "plain words", "stream": True, "new_field": {"a": [1]}}
    asked = await daemon.post("/v1/responses", body)

    assert b"".join(responses_events(Reply(), MODEL, 1, body)) == asked.body
    assert body == upstream.last.body


async def test_the_echo_speaks_responses(client):
    whole = await client.responses.create(model="helix/echo", input="hello there")
    async with client.responses.stream(model="helix/echo", input="hello there again") as stream:
        streamed = await stream.get_final_response()

    assert ("hello there", "hello there again") == (whole.output_text, streamed.output_text)


async def test_refusals_come_as_openai_errors(daemon):
    answer = await daemon.post("/v1/responses", {"model": MODEL, "input": 7})

    assert 400 == answer.status
    assert "input" == answer.json["error"]["param"]


async def test_stored_responses_are_fetched_listed_cancelled_and_deleted(client, daemon, upstream):
    """Passed on with the provider's key, in the ledger at no cost."""
    upstream.always(Reply(body={"id": "resp_1", "object": "response", "output": [], "usage": {"input_tokens": 9}}))
    fetched = await client.responses.retrieve("resp_1", include=["reasoning.encrypted_content"])
    await client.responses.cancel("resp_1")
    upstream.always(Reply(body={"object": "list", "data": []}))
    await client.responses.input_items.list("resp_1", limit=5)
    upstream.always(Reply(body={"id": "resp_1", "object": "response.deleted", "deleted": True}))
    await client.responses.delete("resp_1")

    assert "resp_1" == fetched.id
    assert [
        ("GET", "/v1/responses/resp_1?include[]=reasoning.encrypted_content"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items?limit=5"),
        ("DELETE", "/v1/responses/resp_1"),
    ] == [(asked.method, asked.path.replace("%5B%5D", "[]")) for asked in upstream.asked]
    assert all(asked.headers["authorization"] == "Bearer sk-upstream" and not asked.raw for asked in upstream.asked)
    assert [0.0] * 4 == [float(row["cost_usd"]) for row in await daemon.rows()]


async def test_a_providers_refusal_of_a_stored_response_comes_through(client, upstream):
    upstream.always(Reply.error(404, "no such response"))
    with pytest.raises(openai.NotFoundError, match="no such response"):
        await client.responses.retrieve("resp_gone")


@pytest.mark.parametrize("path", ["resp_1?after=ann@example.com", "ann@example.com", "resp_1%2F..%2F..%2Ffiles"])
async def test_nothing_but_an_id_leaves_by_a_path(daemon, upstream, path):
    async with daemon.session.get(f"{daemon.url}/v1/responses/{path}") as answer:
        assert 400 == answer.status or 404 == answer.status
    assert [] == upstream.asked
