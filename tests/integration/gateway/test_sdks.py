"""The official SDKs, unchanged, as clients of a real daemon."""

import anthropic
import openai
import pytest

from tests.upstream import Reply, ToolCall

MODEL, CLAUDE = "gpt-4o-mini", "claude-opus-4-7"
ASKED = [{"role": "user", "content": "Greet ann@example.com"}]
ANSWER, RESTORED = "Hello <EMAIL_ADDRESS_1>!", "Hello ann@example.com!"
TOOL = {"type": "function", "function": {"name": "send", "strict": True, "parameters": {"type": "object"}}}
CLAUDE_TOOL = {"name": "send", "input_schema": {"type": "object", "properties": {}}}


async def test_openai_whole(client, upstream):
    upstream.next(ANSWER)
    answer = await client.chat.completions.create(model=MODEL, messages=ASKED)

    assert RESTORED == answer.choices[0].message.content
    assert answer.usage is not None and 18 == answer.usage.total_tokens


async def test_openai_streamed(client, upstream):
    """Cut so that the placeholder comes in three deltas."""
    upstream.next(Reply(ANSWER, pieces=("Hello <EMA", "IL_ADDRESS", "_1>", "!")))
    stream = await client.chat.completions.create(model=MODEL, messages=ASKED, stream=True)

    assert RESTORED == "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def test_openai_streamed_with_usage(client):
    stream = await client.chat.completions.create(
        model=MODEL, messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert 18 == chunks[-1].usage.total_tokens


async def test_openai_tools_streamed_by_its_own_helper(client, upstream):
    upstream.next(Reply.tools(ToolCall("send", '{"to": "<EMAIL_ADDRESS_1>"}')))
    async with client.chat.completions.stream(model=MODEL, messages=ASKED, tools=[TOOL]) as stream:
        final = await stream.get_final_completion()

    assert '{"to": "ann@example.com"}' == final.choices[0].message.tool_calls[0].function.arguments


async def test_openai_json_mode(client, upstream):
    upstream.next('{"to": "<EMAIL_ADDRESS_1>"}')
    answer = await client.chat.completions.create(model=MODEL, messages=ASKED, response_format={"type": "json_object"})

    assert '{"to": "ann@example.com"}' == answer.choices[0].message.content


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, openai.AuthenticationError), (429, openai.RateLimitError), (500, openai.InternalServerError)],
)
async def test_openai_errors_are_the_providers(client, upstream, status, error):
    upstream.always(Reply.error(status, "the provider says no"))
    with pytest.raises(error, match="the provider says no"):
        await client.chat.completions.create(model=MODEL, messages=ASKED)


async def test_openai_retries_what_can_be_retried(client, upstream):
    upstream.next(Reply.error(429, retry_after_s=0), "second time")
    answer = await client.with_options(max_retries=2).chat.completions.create(model=MODEL, messages=ASKED)

    assert "second time" == answer.choices[0].message.content


async def test_openai_unknown_model(daemon, client):
    with pytest.raises(openai.NotFoundError, match="nobody-knows"):
        await client.chat.completions.create(model="helix/nobody-knows", messages=ASKED)


async def test_openai_models(client):
    assert "helix/echo" in [model.id async for model in client.models.list()]
    assert "helix/echo" == (await client.models.retrieve("helix/echo")).id


async def test_openai_sync(daemon, upstream):
    """The synchronous client, in a thread beside the loop that serves the upstream."""
    import asyncio

    def ask() -> str:
        with openai.OpenAI(base_url=f"{daemon.url}/v1", api_key=daemon.key, max_retries=0) as client:
            return client.chat.completions.create(model=MODEL, messages=ASKED).choices[0].message.content or ""

    upstream.next(ANSWER)
    assert RESTORED == await asyncio.to_thread(ask)


async def test_anthropic_whole(claude, upstream):
    upstream.next(ANSWER)
    answer = await claude.messages.create(model=CLAUDE, max_tokens=50, messages=ASKED)

    assert RESTORED == answer.content[0].text


async def test_anthropic_streamed(claude, upstream):
    upstream.next(Reply(ANSWER, pieces=("Hello <", "EMAIL_ADDRESS_1", ">!")))
    async with claude.messages.stream(model=CLAUDE, max_tokens=50, messages=ASKED) as stream:
        texts = [text async for text in stream.text_stream]
        final = await stream.get_final_message()

    assert RESTORED == "".join(texts) == final.content[0].text
    assert 7 == final.usage.output_tokens


async def test_anthropic_tools_streamed(claude, upstream):
    upstream.next(Reply.tools(ToolCall("send", '{"to": "<EMAIL_ADDRESS_1>"}')))
    async with claude.messages.stream(model=CLAUDE, max_tokens=50, messages=ASKED, tools=[CLAUDE_TOOL]) as stream:
        final = await stream.get_final_message()

    assert {"to": "ann@example.com"} == final.content[-1].input


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, anthropic.AuthenticationError), (429, anthropic.RateLimitError), (500, anthropic.InternalServerError)],
)
async def test_anthropic_errors_are_the_providers(claude, upstream, status, error):
    upstream.always(Reply.error(status, "the provider says no"))
    with pytest.raises(error, match="the provider says no"):
        await claude.messages.create(model=CLAUDE, max_tokens=50, messages=ASKED)


async def test_anthropic_bad_request_is_an_anthropic_error(claude):
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await claude.messages.create(model=CLAUDE, max_tokens=-1, messages=ASKED)


async def test_openai_model_that_a_pattern_serves(client):
    """It can be asked, so it can be looked up, though no list names it."""
    assert "openai" == (await client.models.retrieve("gpt-4o-mini")).owned_by
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("nobody-serves-this")


@pytest.fixture
def litellm_ask(daemon, monkeypatch):
    """LiteLLM's own SDK, pointed here as either vendor."""
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    async def ask(vendor, model, **more):
        base = f"{daemon.url}/v1" if vendor == "openai" else daemon.url
        options = {"api_base": base, "api_key": daemon.key, "extra_headers": {"x-helix-cache": "off"}}
        return await litellm.acompletion(model=f"{vendor}/{model}", messages=ASKED, **options, **more)

    return ask


@pytest.mark.parametrize(("vendor", "model"), [("openai", MODEL), ("anthropic", CLAUDE)])
async def test_litellms_sdk_whole_and_streamed(litellm_ask, upstream, vendor, model):
    upstream.next(ANSWER, Reply(ANSWER, pieces=("Hello <EMA", "IL_ADDRESS", "_1>", "!")))
    whole = await litellm_ask(vendor, model)
    stream = await litellm_ask(vendor, model, stream=True, max_tokens=50)

    assert RESTORED == whole.choices[0].message.content
    assert RESTORED == "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert not upstream.saw("ann@example.com")


async def test_litellms_sdk_is_told_the_providers_errors(litellm_ask, upstream):
    import litellm

    upstream.always(Reply.error(429, "the provider says no"))
    with pytest.raises(litellm.RateLimitError, match="the provider says no"):
        await litellm_ask("openai", MODEL)
