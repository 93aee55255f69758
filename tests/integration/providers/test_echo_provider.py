"""The echo is a provider like any other, but answers with what it was told."""

from __future__ import annotations

import json

import pytest

from daemon.adapters.provider_echo import EchoProvider
from daemon.dialects import DIALECTS

TEXT = "Hello  there,\n<EMAIL_ADDRESS_1>! "


@pytest.fixture(params=["chat", "messages"])
def dialect(request):
    return DIALECTS[request.param]


async def answer_to(call, read) -> dict:
    return json.loads(await read(await EchoProvider().ask(call)))


async def test_it_says_what_the_user_said_last(dialect, make_call, read):
    call = make_call(dialect.name, text=TEXT)
    call.body["messages"] = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "no"},
        {"role": "user", "content": [{"type": "text", "text": TEXT}, {"type": "image"}]},
    ]
    answer = await answer_to(call, read)

    assert TEXT == dialect.answer_text(answer)
    assert dialect.is_normal(answer)


async def test_a_stream_amounts_to_the_whole_answer(dialect, make_call, read):
    usage = {"stream_options": {"include_usage": True}} if dialect.name == "chat" else {}
    whole = await answer_to(make_call(dialect.name, text=TEXT), read)
    streamed = await EchoProvider().ask(make_call(dialect.name, text=TEXT, stream=True, **usage))
    assembled = dialect.assemble(await read(streamed))

    assert streamed.is_event_stream
    assert TEXT == dialect.answer_text(assembled)
    assert dialect.usage(whole) == dialect.usage(assembled)
    assert whole["id"] == assembled["id"]


async def test_it_keeps_to_the_limit_and_counts_four_characters_a_token(dialect, make_call, read):
    answer = await answer_to(make_call(dialect.name, text="a" * 41, max_tokens=10), read)

    assert "a" * 40 == dialect.answer_text(answer)
    assert not dialect.is_normal(answer)
    usage = dialect.usage(answer)
    assert (11, 10) == (usage.input_tokens, usage.output_tokens)


async def test_a_stream_that_asks_for_no_usage_gets_none(make_call, read):
    stream = await read(await EchoProvider().ask(make_call("chat", stream=True)))

    assert b"usage" not in stream


async def test_nothing_said_is_said(dialect, make_call, read):
    call = make_call(dialect.name)
    call.body["messages"] = [{"role": "assistant", "content": None}]

    assert dialect.answer_text(await answer_to(call, read))
