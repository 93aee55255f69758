"""Every route of the contract, through a real daemon, with the official SDKs where they have it."""

import pytest

from tests.upstream import Reply, embedding_of

CLAUDE, EMBEDDER, INSTRUCT = "claude-opus-4-7", "gpt-embedder", "gpt-3.5-turbo-instruct"
TURNS = [{"role": "user", "content": "Greet ann@example.com"}]


async def test_tokens_are_counted_of_the_hidden_request_and_cost_nothing(claude, daemon, upstream):
    count = await claude.messages.count_tokens(model=CLAUDE, messages=TURNS)
    row = (await daemon.rows())[-1]

    assert 11 == count.input_tokens
    assert "/v1/messages/count_tokens" == upstream.last.path
    assert "Greet <EMAIL_ADDRESS_1>" == upstream.last.question
    assert ("claude-opus-4-7", 200, "bypass") == (row["model"], row["status"], row["cache"])
    assert 0 == float(row["cost_usd"]) and 0 == row["input_tokens"]


async def test_tokens_are_counted_anew_each_time(claude, upstream):
    for _ in range(2):
        await claude.messages.count_tokens(model=CLAUDE, messages=TURNS)

    assert 2 == len(upstream.asked)


async def test_an_embedding_is_asked_for_once(client, daemon, upstream):
    """Hidden, kept, and answered again for another name; the SDK asks for base64 and gets what the provider sent."""
    first = await client.embeddings.create(model=EMBEDDER, input="Greet ann@example.com", encoding_format="float")
    second = await client.embeddings.create(model=EMBEDDER, input="Greet bo@example.com", encoding_format="float")

    assert embedding_of("Greet <EMAIL_ADDRESS_1>") == first.data[0].embedding == second.data[0].embedding
    assert 1 == len(upstream.asked)
    assert "Greet <EMAIL_ADDRESS_1>" == upstream.last.question


async def test_every_text_of_a_list_is_hidden_before_it_is_embedded(client, upstream):
    await client.embeddings.create(model=EMBEDDER, input=["To ann@example.com", "To bo@example.com"])

    assert ["To <EMAIL_ADDRESS_1>", "To <EMAIL_ADDRESS_2>"] == upstream.last.body["input"]


async def test_tokens_are_embedded_as_they_are(client, upstream):
    await client.embeddings.create(model=EMBEDDER, input=[1, 2, 3])

    assert [1, 2, 3] == upstream.last.body["input"]


async def test_an_embedding_says_what_it_cost(share_daemon, upstream):
    priced = f'[[models]]\nname = "{EMBEDDER}"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 9\n'
    daemon = await share_daemon(priced)
    answer = await daemon.post("/v1/embeddings", {"model": EMBEDDER, "input": "hello"})

    assert "0.000011" == answer.headers["x-helix-cost-usd"]


async def test_a_text_completion_is_hidden_and_restored(client, upstream):
    upstream.next("Hello <EMAIL_ADDRESS_1>!")
    answer = await client.completions.create(model=INSTRUCT, prompt="Greet ann@example.com", max_tokens=20)

    assert "Hello ann@example.com!" == answer.choices[0].text
    assert ("/v1/completions", "Greet <EMAIL_ADDRESS_1>") == (upstream.last.path, upstream.last.question)


async def test_a_streamed_text_completion_is_restored_and_kept(client, upstream):
    upstream.next(Reply("Hello <EMAIL_ADDRESS_1>!", pieces=("Hello <EMA", "IL_ADDRESS", "_1>", "!")))
    for _ in range(2):
        stream = await client.completions.create(model=INSTRUCT, prompt="Greet ann@example.com", stream=True)
        assert "Hello ann@example.com!" == "".join([chunk.choices[0].text async for chunk in stream])

    whole = await client.completions.create(model=INSTRUCT, prompt="Greet ann@example.com")
    assert "Hello ann@example.com!" == whole.choices[0].text
    assert 18 == whole.usage.total_tokens
    assert 1 == len(upstream.asked)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"input": "hello"}),
        ("/v1/embeddings", {"input": ["hello", "again"], "encoding_format": "base64", "dimensions": 8}),
        ("/v1/completions", {"prompt": "hello"}),
        ("/v1/completions", {"prompt": "hello", "stream": True}),
        ("/v1/messages/count_tokens", {"messages": TURNS}),
        ("/completions", {"prompt": "hello"}),
    ],
)
async def test_the_echo_speaks_every_protocol(daemon, path, body):
    answer = await daemon.post(path, {"model": "helix/echo", **body})

    assert 200 == answer.status, answer.body


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/v1/embeddings", {"input": {}}, "input"),
        ("/v1/embeddings", {"input": []}, "input"),
        ("/v1/embeddings", {"input": "x", "stream": True}, "stream"),
        ("/v1/completions", {"prompt": 7}, "prompt"),
        ("/v1/messages/count_tokens", {"messages": []}, "messages"),
    ],
)
async def test_what_cannot_be_understood_is_refused_with_its_name(daemon, path, body, named):
    answer = await daemon.post(path, {"model": "helix/echo", **body})

    assert 400 == answer.status
    assert named in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": EMBEDDER, "input": "plain words", "new_field": {"a": [1]}}),
        ("/v1/completions", {"model": INSTRUCT, "prompt": "plain words", "suffix": "end", "new_field": 1.5}),
        ("/v1/messages/count_tokens", {"model": CLAUDE, "messages": [{"role": "user", "content": "hi"}], "tools": []}),
    ],
)
async def test_nothing_else_changes(daemon, upstream, path, body):
    """Equal JSON there, the same bytes back."""
    raw = b'{ "data": [{"embedding": [0.1]}],  "unknown": "\\u00e9" }'
    upstream.always(Reply(body=raw))
    answer = await daemon.post(path, body)

    assert body == upstream.last.body
    assert raw == answer.body
