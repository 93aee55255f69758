"""A kept answer as the official SDKs read it: whole or streamed, whichever way it was kept, with its usage and free.

Each test asks twice the same; what comes from the cache must read like what came from the provider.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, both_settings
from tests.upstream import Reply, ToolCall, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICED = "".join(
    f'[[models]]\nname = "{name}"\ntarget = "{target}"\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0\n'
    for name, target in (("gpt-priced", "openai/gpt-4o"), ("claude-priced", "anthropic/claude-opus-4-7"))
)
COST_USD = Decimal("0.000025")
"""11 tokens in, 7 out."""
ANSWER, RESTORED = "Hello <EMAIL_ADDRESS_1>, it is done.", "Hello ann@example.com, it is done."


@dataclass
class Answered:
    """What a caller reads of an answer; `headers` are the HTTP answer's."""

    text: str
    ended: str | None
    usage: tuple[int, int] | None
    ids: set[str]
    headers: Any
    model: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream(Reply(ANSWER, pieces=("Hello <EMA", "IL_ADDRESS_1>", ", it is", " done."))) as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(upstream, tmp_path_factory) -> AsyncIterator[Daemon]:
    async with Daemon(tmp_path_factory.mktemp("replays"), both_settings(upstream, PRICED)) as daemon:
        yield daemon


@pytest_asyncio.fixture(loop_scope="module")
async def gpt(daemon) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{daemon.url}/v1", api_key="sk-mine", max_retries=0) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def claude(daemon) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=daemon.url, api_key="sk-ant-mine", max_retries=0) as client:
        yield client


async def chat(gpt: openai.AsyncOpenAI, text: str, *, stream: bool, usage: bool) -> Answered:
    body: dict[str, Any] = {"model": "gpt-priced", "messages": [{"role": "user", "content": text}]}
    raw = await gpt.chat.completions.with_raw_response.create(**body, **_streaming(stream=stream, usage=usage))
    if stream:
        return await _of_chunks(raw, lambda choice: choice.delta.content)
    return _of_whole(raw, lambda choice: choice.message.content)


async def completion(gpt: openai.AsyncOpenAI, text: str, *, stream: bool, usage: bool) -> Answered:
    body: dict[str, Any] = {"model": "gpt-priced", "prompt": text}
    raw = await gpt.completions.with_raw_response.create(**body, **_streaming(stream=stream, usage=usage))
    return await _of_chunks(raw, lambda choice: choice.text) if stream else _of_whole(raw, lambda choice: choice.text)


def _streaming(*, stream: bool, usage: bool) -> dict[str, Any]:
    options = {"stream_options": {"include_usage": True}} if stream and usage else {}
    return {"stream": True, **options} if stream else {}


def _of_whole(raw: Any, text_of: Callable[[Any], str]) -> Answered:
    whole = raw.parse()
    counts = (whole.usage.prompt_tokens, whole.usage.completion_tokens)
    choice = whole.choices[0]
    return Answered(text_of(choice), choice.finish_reason, counts, {whole.id}, raw.headers, whole.model)


async def _of_chunks(raw: Any, text_of: Callable[[Any], str | None]) -> Answered:
    chunks = [chunk async for chunk in raw.parse()]
    parts = [choice for chunk in chunks for choice in chunk.choices]
    counted = [chunk.usage for chunk in chunks if chunk.usage]
    return Answered(
        "".join(text_of(part) or "" for part in parts),
        parts[-1].finish_reason,
        (counted[-1].prompt_tokens, counted[-1].completion_tokens) if counted else None,
        {chunk.id for chunk in chunks},
        raw.headers,
        chunks[0].model,
    )


async def response(gpt: openai.AsyncOpenAI, text: str, *, stream: bool, usage: bool) -> Answered:
    body: dict[str, Any] = {"model": "gpt-priced", "input": text, "store": False}
    if stream:
        raw = await gpt.responses.with_raw_response.create(**body, stream=True)
        events = [event async for event in raw.parse()]
        assert list(range(len(events))) == [event.sequence_number for event in events]
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        whole = events[-1].response
        assert deltas == whole.output_text
        ids = {event.response.id for event in events if hasattr(event, "response")}
    else:
        raw = await gpt.responses.with_raw_response.create(**body)
        whole = raw.parse()
        ids = {whole.id}
    counts = (whole.usage.input_tokens, whole.usage.output_tokens)
    return Answered(whole.output_text, whole.status, counts, ids, raw.headers, whole.model)


async def message(claude: anthropic.AsyncAnthropic, text: str, *, stream: bool, usage: bool) -> Answered:
    body: dict[str, Any] = {
        "model": "claude-priced",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": text}],
    }
    if stream:
        async with claude.messages.stream(**body) as events:
            spoken = "".join([part async for part in events.text_stream])
            whole, headers = await events.get_final_message(), events.response.headers
        assert spoken == whole.content[0].text
    else:
        raw = await claude.messages.with_raw_response.create(**body)
        whole, headers = await raw.parse(), raw.headers
    counts = (whole.usage.input_tokens, whole.usage.output_tokens)
    return Answered(whole.content[0].text, whole.stop_reason, counts, {whole.id}, headers, whole.model)


ENDS = {"chat": "stop", "completion": "stop", "response": "completed", "message": "end_turn"}
Asking = Callable[..., Awaitable[Answered]]


@pytest.fixture(params=[chat, completion, response, message], ids=lambda one: one.__name__)
def asking(request, gpt, claude) -> tuple[str, Asking]:
    ask, client = request.param, claude if request.param is message else gpt

    async def one(text: str, *, stream: bool, usage: bool = False) -> Answered:
        return await ask(client, text, stream=stream, usage=usage)

    return ask.__name__, one


async def last_row(daemon: Daemon) -> Any:
    return json.loads((await daemon.helix("logs", "--json", "--limit", "1"))[1].splitlines()[-1])


@pytest.mark.parametrize(
    ("kept", "given"), list(product((False, True), repeat=2)), ids=lambda one: "stream" if one else "whole"
)
async def test_a_replay_reads_like_the_first_answer(daemon, asking, kept, given):
    name, ask = asking
    text = f"Greet ann@example.com, {name} {kept} {given}"
    first = await ask(text, stream=kept, usage=True)
    second = await ask(text, stream=given, usage=True)
    row = await last_row(daemon)

    assert ["miss", "exact"] == [one.headers["x-helix-cache"] for one in (first, second)]
    assert RESTORED == first.text == second.text
    assert (ENDS[name], (11, 7)) == (second.ended, second.usage) == (first.ended, first.usage)
    assert first.ids == second.ids and 1 == len(second.ids)
    assert first.model == second.model
    assert ("hit", "exact", 11, 7) == (row["kind"], row["cache"], row["input_tokens"], row["output_tokens"])
    assert (0, COST_USD) == (Decimal(row["cost_usd"]), Decimal(row["saved_usd"]))
    if not given:
        assert ("0", COST_USD) == (
            second.headers["x-helix-cost-usd"],
            Decimal(second.headers["x-helix-saved-usd"]),
        )


@pytest.mark.parametrize("asking", [chat, completion], indirect=True, ids=lambda one: one.__name__)
@pytest.mark.parametrize("kept", [False, True], ids=["whole", "stream"])
async def test_usage_stands_in_a_stream_for_who_asked_for_it_only(asking, kept):
    name, ask = asking
    text = f"Usage, {name} {kept}"
    await ask(text, stream=kept)

    replays = [await ask(text, stream=True, usage=usage) for usage in (False, True, False)]

    assert [None, (11, 7), None] == [one.usage for one in replays]


async def test_tool_calls_are_replayed_as_calls(gpt, upstream):
    upstream.next(Reply.tools(ToolCall("send", '{"to": "<EMAIL_ADDRESS_1>"}')))
    tool = {"type": "function", "function": {"name": "send", "strict": True, "parameters": {"type": "object"}}}
    asked = {
        "model": "gpt-priced",
        "messages": [{"role": "user", "content": "Send to ann@example.com"}],
        "tools": [tool],
    }
    whole = await gpt.chat.completions.create(**asked)
    async with gpt.chat.completions.stream(**asked) as stream:
        streamed = await stream.get_final_completion()

    assert 1 == len([one for one in upstream.asked if one.body.get("tools")])
    calls = [one.choices[0].message.tool_calls[0] for one in (whole, streamed)]
    assert [("send", '{"to": "ann@example.com"}')] * 2 == [
        (call.function.name, call.function.arguments) for call in calls
    ]
    assert calls[0].id == calls[1].id
    assert "tool_calls" == streamed.choices[0].finish_reason


async def test_embeddings_are_replayed_with_their_tokens_for_nothing(gpt, daemon):
    asked = {"model": "gpt-priced", "input": "one text", "encoding_format": "float"}
    first = await gpt.embeddings.with_raw_response.create(**asked)
    second = await gpt.embeddings.with_raw_response.create(**asked)
    row = await last_row(daemon)

    assert ["miss", "exact"] == [one.headers["x-helix-cache"] for one in (first, second)]
    assert first.parse() == second.parse()
    assert "0" == second.headers["x-helix-cost-usd"]
    assert ("hit", row["saved_usd"]) == (row["kind"], second.headers["x-helix-saved-usd"])


async def test_a_hit_passes_the_door_the_budget_and_the_scanner(upstream, tmp_path):
    """A model that a key may not ask and PII that is blocked are refused though an answer is kept; a budget that is
    used up refuses no hit, which costs nothing."""
    settings = both_settings(
        upstream, '[pii]\nentities = { US_SSN = "block" }\n[server]\nrequire_key = true\n' + PRICED
    )
    async with Daemon(tmp_path, settings) as daemon:
        key = await daemon.helix_json("keys", "create", "--models", "gpt-priced")
        auth = {"authorization": f"Bearer {key['key']}"}
        first = await daemon.post_chat("What is 6 times 7?", model="gpt-priced", headers=auth, max_tokens=10)
        await daemon.helix("budget", "set", f"key:{key['id']}", "0.00001", "--window", "total")
        assert 429 == (await daemon.post_chat("And 7 times 8?", model="gpt-priced", headers=auth, max_tokens=10)).status
        again = await daemon.post_chat("What is 6 times 7?", model="gpt-priced", headers=auth, max_tokens=10)
        blocked = await daemon.post_chat("Is 219-09-9999 my SSN?", model="gpt-priced", headers=auth)
        other_model = await daemon.post_chat("What is 6 times 7?", model="gpt-4o", headers=auth, max_tokens=10)
        await daemon.helix("keys", "revoke", key["id"], "--yes")
        revoked = await daemon.post_chat("What is 6 times 7?", model="gpt-priced", headers=auth, max_tokens=10)

    assert [(200, "miss"), (200, "exact")] == [(one.status, one.verdict) for one in (first, again)]
    assert [400, 403, 401] == [one.status for one in (blocked, other_model, revoked)]
