"""Calls whose earlier turns their provider keeps: each turn has back what any turn before it hid."""

import json
import re

import pytest

from tests.daemon_process import Daemon
from tests.upstream import Reply

MODEL = "gpt-4o-mini"
STORES = ["embedded", "redis"]


@pytest.fixture(params=STORES)
def storage(request) -> str:
    url = "embedded" if request.param == "embedded" else request.getfixturevalue("redis_server").url
    return f'[storage]\nurl = "{url}"'


@pytest.fixture
async def daemon(storage, share_daemon) -> Daemon:
    return await share_daemon(storage)


async def test_values_of_earlier_turns_come_back_and_numbers_go_on(client, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    first = await client.responses.create(model=MODEL, input="I am ann@example.com")
    upstream.next(
        Reply("Tell <EMAIL_ADDRESS_1> of <EMAIL_ADDRESS_2>", pieces=("Tell <EMAIL_ADD", "RESS_1> of <EMAIL_ADDRESS_2>"))
    )
    async with client.responses.stream(
        model=MODEL, input="and of bo@example.com", previous_response_id=first.id
    ) as stream:
        second = await stream.get_final_response()
    asked_second = upstream.last.body["input"]
    upstream.next("All: <EMAIL_ADDRESS_2>, <EMAIL_ADDRESS_1>")
    third = await client.responses.create(model=MODEL, input="ann@example.com, who?", previous_response_id=second.id)

    assert "and of <EMAIL_ADDRESS_2>" == asked_second
    assert "Tell ann@example.com of bo@example.com" == second.output_text
    assert "<EMAIL_ADDRESS_1>, who?" == upstream.last.body["input"]
    assert "All: bo@example.com, ann@example.com" == third.output_text


async def test_they_come_back_after_a_restart_and_rest_sealed(start_daemon, storage, upstream):
    daemon = await start_daemon(storage)
    ask = {"model": MODEL, "input": "I am ann@example.com"}
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    first = (await daemon.post("/v1/responses", ask)).json
    await daemon.stop()
    kept = b"".join(path.read_bytes() for path in daemon.data_dir.rglob("*") if path.is_file())
    await daemon.start()
    upstream.next("You are <EMAIL_ADDRESS_1>")
    second = await daemon.post("/v1/responses", {"model": MODEL, "input": "who?", "previous_response_id": first["id"]})

    assert b"ann@example" not in kept
    assert "You are ann@example.com" in second.body.decode()


async def test_what_an_earlier_turn_had_instead_of_a_placeholder_stays_what_it_was(client, upstream):
    first = await client.responses.create(model=MODEL, input="What does <EMAIL_ADDRESS_1> stand for?")
    upstream.next("<EMAIL_ADDRESS_1> is what you wrote, and you are <EMAIL_ADDRESS_2>")
    second = await client.responses.create(model=MODEL, input="I am ann@example.com", previous_response_id=first.id)

    assert "I am <EMAIL_ADDRESS_2>" == upstream.last.body["input"]
    assert "<EMAIL_ADDRESS_1> is what you wrote, and you are ann@example.com" == second.output_text


async def test_nobody_elses_values_are_put_back(daemon, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    first = (await daemon.post("/v1/responses", {"model": MODEL, "input": "I am ann@example.com"})).json
    upstream.next("You are <EMAIL_ADDRESS_1>, he is <EMAIL_ADDRESS_2>")
    stolen = {"model": MODEL, "input": "I am eve@example.com: who?", "previous_response_id": first["id"]}
    answer = await daemon.post("/v1/responses", stolen, {"Authorization": "Bearer sk-of-eve"})

    assert "<EMAIL_ADDRESS_1>" in answer.body.decode()
    assert "ann@" not in answer.body.decode()


async def test_a_cached_answer_in_two_conversations_puts_neithers_value_into_the_other(daemon, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    first, cached = [
        await daemon.post("/v1/responses", {"model": MODEL, "input": f"I am {name}@example.com"})
        for name in ("ann", "bo")
    ]
    upstream.next("You are <EMAIL_ADDRESS_1>")
    follow_up = {"model": MODEL, "input": "who?", "previous_response_id": first.json["id"]}
    answer = await daemon.post("/v1/responses", follow_up)

    assert "exact" == cached.verdict
    assert "You are <EMAIL_ADDRESS_1>" in answer.body.decode()


@pytest.mark.parametrize("conversation", ["conv_1", {"id": "conv_1"}])
async def test_a_conversation_has_one_vault(daemon, upstream, conversation):
    """What was said in it before Helix saw it is not known, so its numbers begin apart."""
    asked = {"model": MODEL, "conversation": conversation}
    await daemon.post("/v1/responses", {**asked, "input": "I am ann@example.com"})
    await daemon.post("/v1/responses", {**asked, "input": "he is bo@example.com", "conversation": "conv_1"})
    names = " and ".join(
        re.findall(r"<EMAIL_ADDRESS_\d+>", json.dumps([asked.body["input"] for asked in upstream.asked]))
    )
    upstream.next(names)
    answer = await daemon.post("/v1/responses", {**asked, "input": "who are we?"})

    assert "<EMAIL_ADDRESS_1>" not in names
    assert "ann@example.com and bo@example.com" in answer.body.decode()


async def test_what_is_not_stored_leaves_no_vault(daemon, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    first = await daemon.post("/v1/responses", {"model": MODEL, "input": "I am ann@example.com", "store": False})
    upstream.next("You are <EMAIL_ADDRESS_1>")
    follow_up = {"model": MODEL, "input": "who?", "previous_response_id": first.json["id"]}

    assert "You are <EMAIL_ADDRESS_1>" in (await daemon.post("/v1/responses", follow_up)).body.decode()


async def test_a_stored_response_is_fetched_as_its_caller_knows_it(client, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>")
    first = await client.responses.create(model=MODEL, input="I am ann@example.com")
    message = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi <EMAIL_ADDRESS_1>"}],
    }
    upstream.next(Reply(body={"id": first.id, "object": "response", "output": [message]}))
    fetched = await client.responses.retrieve(first.id)
    asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "I am <EMAIL_ADDRESS_1>"}]}
    upstream.next(Reply(body={"object": "list", "data": [asked]}))
    items = await client.responses.input_items.list(first.id)
    upstream.next(Reply(body={"id": first.id, "object": "response.deleted", "deleted": True}))
    await client.responses.delete(first.id)
    upstream.next("You are <EMAIL_ADDRESS_1>")
    after = await client.responses.create(model=MODEL, input="who?", previous_response_id=first.id)

    assert "Hi ann@example.com" == fetched.output_text
    assert "I am ann@example.com" == items.data[0].content[0].text
    assert "You are <EMAIL_ADDRESS_1>" == after.output_text
