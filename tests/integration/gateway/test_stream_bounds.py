"""A stream whose provider ignores the limit that it is sent ends where its reservation does, in each protocol's words.

The upstream writes 60 words, one a delta, whatever it is told. A token costs a tenth of a cent.
"""

from collections.abc import AsyncIterator
from decimal import Decimal

import anthropic
import openai
import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, anthropic_settings, openai_settings
from tests.upstream import Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

WORDS = tuple(f"w{number} " for number in range(60))
WITHIN = "".join(WORDS[:10])
ASKED = [{"role": "user", "content": "Count"}]

SETTINGS = """
[cache]
mode = "exact"

[[models]]
name = "gpt-priced"
input_usd_per_mtok = 0
output_usd_per_mtok = 1000

[[models]]
name = "claude-priced"
input_usd_per_mtok = 0
output_usd_per_mtok = 1000

[[budgets]]
scope = "all"
window = "total"
limit_usd = 1000
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream(Reply("".join(WORDS), pieces=WORDS, output_tokens=60)) as provider:
        yield provider


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def daemon(upstream, tmp_path_factory) -> AsyncIterator[Daemon]:
    openai_part = openai_settings(upstream.openai_url, 'models = ["gpt-*"]\n')
    anthropic_part = anthropic_settings(upstream.url, 'models = ["claude-*"]\n')
    async with Daemon(tmp_path_factory.mktemp("bounds"), SETTINGS + openai_part + anthropic_part) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def chat(daemon):
    async with openai.AsyncOpenAI(base_url=f"{daemon.url}/v1", api_key="sk-mine", max_retries=0) as client:
        yield client


async def assert_counted_as_reserved(daemon):
    row = await daemon.helix_json("logs", "--limit", "1")
    assert ("estimated", 10, Decimal("0.01")) == (row["outcome"], row["output_tokens"], Decimal(row["cost_usd"]))
    assert "ended at its bound of 10 output tokens" in row["reason"]


async def test_chat(chat, daemon):
    stream = await chat.chat.completions.create(
        model="gpt-priced", messages=ASKED, max_tokens=10, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    choices = [choice for chunk in chunks for choice in chunk.choices]

    assert WITHIN == "".join(choice.delta.content or "" for choice in choices)
    assert "length" == choices[-1].finish_reason
    assert 10 == chunks[-1].usage.completion_tokens
    await assert_counted_as_reserved(daemon)


async def test_messages(daemon):
    async with (
        anthropic.AsyncAnthropic(base_url=daemon.url, api_key="sk-ant-mine", max_retries=0) as client,
        client.messages.stream(model="claude-priced", messages=ASKED, max_tokens=10) as stream,
    ):
        message = await stream.get_final_message()

    assert (WITHIN, "max_tokens", 10) == (message.content[0].text, message.stop_reason, message.usage.output_tokens)
    await assert_counted_as_reserved(daemon)


async def test_responses(chat, daemon):
    stream = await chat.responses.create(model="gpt-priced", input="Count", max_output_tokens=10, stream=True)
    events = [event async for event in stream]
    answer = events[-1].response

    assert ("response.incomplete", "max_output_tokens") == (events[-1].type, answer.incomplete_details.reason)
    assert (WITHIN, 10) == (answer.output_text, answer.usage.output_tokens)
    assert sorted(event.sequence_number for event in events) == [event.sequence_number for event in events]
    await assert_counted_as_reserved(daemon)


async def test_completions(chat, daemon):
    stream = await chat.completions.create(model="gpt-priced", prompt="Count", max_tokens=10, stream=True)
    choices = [choice async for chunk in stream for choice in chunk.choices]

    assert (WITHIN, "length") == ("".join(choice.text for choice in choices), choices[-1].finish_reason)
    await assert_counted_as_reserved(daemon)


async def test_values_are_put_back_up_to_the_end(chat, upstream):
    """A placeholder that the end cuts in two stays as far as it came."""
    pieces = ("For ", "<EMAIL_", "ADDRESS_1>", " and ", "<EMAIL_", "ADDRESS_1>", " again")
    upstream.next(Reply("".join(pieces), pieces=pieces))
    stream = await chat.chat.completions.create(
        model="gpt-priced", messages=[{"role": "user", "content": "To ann@example.com"}], max_tokens=5, stream=True
    )
    choices = [choice async for chunk in stream for choice in chunk.choices]

    assert "For ann@example.com and <EMAIL_" == "".join(choice.delta.content or "" for choice in choices)
    assert "length" == choices[-1].finish_reason


async def test_what_was_cut_is_asked_anew(chat, upstream):
    asked = len(upstream.asked)
    for _ in range(2):
        stream = await chat.chat.completions.create(
            model="gpt-priced", messages=[{"role": "user", "content": "Again"}], max_tokens=3, stream=True
        )
        async for _ in stream:
            pass

    assert asked + 2 == len(upstream.asked)
