"""Each text of an embeddings request is kept by itself: a list asks for what is missing only."""

import asyncio

import pytest

from tests.upstream import Reply, Upstream, embedding_of

EMBEDDER = "gpt-embedder"


async def embed(daemon, given, headers=None, **fields):
    return await daemon.post("/v1/embeddings", {"model": EMBEDDER, "input": given, **fields}, headers=headers or {})


def vectors(answer):
    """In the order of their indexes, which must be the order in which they stand."""
    data = answer.json["data"]
    assert list(range(len(data))) == [vector["index"] for vector in data]
    return [vector["embedding"] for vector in data]


async def test_only_what_is_missing_is_asked_for(daemon, upstream):
    await embed(daemon, ["one", "three"])
    upstream.next(Reply(input_tokens=5))
    answer = await embed(daemon, ["zero", "one", "two", "three"])

    assert ["zero", "two"] == upstream.last.body["input"]
    assert [embedding_of(text) for text in ("zero", "one", "two", "three")] == vectors(answer)
    assert "miss" == answer.headers["x-helix-cache"]
    assert {"prompt_tokens": 5, "total_tokens": 5} == answer.json["usage"]


async def test_where_all_are_kept_nobody_is_asked(daemon, upstream):
    await embed(daemon, ["one", "two", "three"])
    answer = await embed(daemon, ["three", "one"])

    assert [embedding_of("three"), embedding_of("one")] == vectors(answer)
    assert "exact" == answer.headers["x-helix-cache"]
    assert {"prompt_tokens": 0, "total_tokens": 0} == answer.json["usage"]
    assert 1 == len(upstream.asked)


@pytest.mark.parametrize(
    ("first", "then"), [("one", ["one"]), (["one"], "one"), ([1, 2], [[1, 2]]), ([[1, 2]], [1, 2])]
)
async def test_a_text_is_the_same_alone_and_in_a_list(daemon, upstream, first, then):
    await embed(daemon, first)
    answer = await embed(daemon, then)

    assert "exact" == answer.headers["x-helix-cache"]
    assert 1 == len(upstream.asked)


async def test_lists_of_tokens_are_items_too(daemon, upstream):
    await embed(daemon, [1, 2])
    answer = await embed(daemon, [[3], [1, 2]])

    assert [[3]] == upstream.last.body["input"]
    assert [embedding_of([3]), embedding_of([1, 2])] == vectors(answer)


@pytest.mark.parametrize("fields", [{"encoding_format": "base64"}, {"dimensions": 8}, {"new_field": 1}])
async def test_what_changes_a_vector_is_part_of_its_key(daemon, upstream, fields):
    await embed(daemon, ["one", "two"])
    answer = await embed(daemon, ["one", "two"], **fields)

    assert "miss" == answer.headers["x-helix-cache"]
    assert ["one", "two"] == upstream.last.body["input"]


async def test_items_are_kept_with_their_placeholders(daemon, upstream):
    await embed(daemon, ["To ann@example.com", "plain"])
    answer = await embed(daemon, ["To bo@example.com", "and cy@example.com"])

    assert ["and <EMAIL_ADDRESS_2>"] == upstream.last.body["input"]
    assert embedding_of("To <EMAIL_ADDRESS_1>") == vectors(answer)[0]


async def test_unknown_fields_of_the_answer_are_kept(daemon, upstream):
    vector = {"embedding": [0.1], "index": 0, "kind": "dense"}
    upstream.next(Reply(body={"data": [vector, {**vector, "index": 1}], "version": 3}))
    await embed(daemon, ["one", "two"])
    upstream.next(Reply(body={"data": [vector], "version": 4, "usage": {"prompt_tokens": 2, "more": 1}}))
    answer = await embed(daemon, ["one", "new"])

    assert {
        "data": [vector, {**vector, "index": 1}],
        "version": 4,
        "usage": {"prompt_tokens": 2, "more": 1},
    } == answer.json


async def test_an_answer_goes_by_its_indexes_not_by_its_order(daemon, upstream):
    upstream.next(Reply(body={"data": [{"index": 1, "embedding": [1.5]}, {"index": 0, "embedding": [0.5]}]}))
    await embed(daemon, ["zero", "one"])

    assert [[1.5], [0.5]] == vectors(await embed(daemon, ["one", "zero"]))


async def test_an_answer_that_lacks_an_item_is_an_error_and_is_not_kept(daemon, upstream):
    await embed(daemon, ["one", "two"])
    upstream.next(Reply(body={"data": [{"index": 0, "embedding": [1.5]}]}))
    answer = await embed(daemon, ["one", "new", "newer"])
    again = await embed(daemon, ["one", "new", "newer"])

    assert 502 == answer.status
    assert 200 == again.status and ["new", "newer"] == upstream.last.body["input"]


async def test_nothing_changes_where_nothing_is_kept(daemon, upstream):
    raw = b'{ "data": [{"embedding": [0.10], "index": 0}, {"embedding": [1e0], "index": 1}],  "unknown": "\\u00e9" }'
    upstream.next(Reply(body=raw))
    answer = await embed(daemon, ["one", "two"])

    assert raw == answer.body
    assert {"model": EMBEDDER, "input": ["one", "two"]} == upstream.last.body


async def test_directives_hold_for_items(daemon, upstream):
    await embed(daemon, ["one"], headers={"cache-control": "no-store"})
    await embed(daemon, ["one", "two"])
    assert ["one", "two"] == upstream.last.body["input"]
    await embed(daemon, ["one", "three"], headers={"cache-control": "no-cache"})
    assert ["one", "three"] == upstream.last.body["input"]
    await embed(daemon, ["one", "two"], headers={"x-helix-cache-namespace": "other"})
    assert ["one", "two"] == upstream.last.body["input"]

    answer = await embed(daemon, ["one", "new"], headers={"x-helix-cache": "only"})
    assert 504 == answer.status
    assert 4 == len(upstream.asked)


async def test_the_ledger_has_what_the_call_cost(share_daemon, upstream):
    daemon = await share_daemon(f'[[models]]\nname = "{EMBEDDER}"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 9\n')
    await embed(daemon, ["one", "two"])
    partly = await embed(daemon, ["one", "three"])
    kept = await embed(daemon, ["one", "two", "three"])

    assert "0.000011" == partly.headers["x-helix-cost-usd"]
    assert "0.000022" == kept.headers["x-helix-saved-usd"]
    assert ["miss", "miss", "exact"] == [row["cache"] for row in await daemon.rows()]


async def test_a_fallback_is_asked_for_all_and_mixed_with_nothing(share_daemon, upstream):
    async with Upstream() as other:
        daemon = await share_daemon(
            f'[[models]]\nname = "{EMBEDDER}"\ntarget = "openai/small"\nfallbacks = ["other/large"]\n'
            f'[[providers]]\nname = "other"\ntype = "openai"\nbase_url = "{other.openai_url}"\napi_key = "k"\n'
        )
        await embed(daemon, ["one"])
        upstream.always(Reply.error(503))
        answer = await embed(daemon, ["one", "two"])

        assert 200 == answer.status
        assert {"model": "large", "input": ["one", "two"]} == other.last.body
        assert ["two"] == upstream.last.body["input"]
        assert [embedding_of("one"), embedding_of("two")] == vectors(answer)
        assert "miss" == answer.headers["x-helix-cache"]


async def test_the_same_lists_at_once_share_a_call(daemon, upstream):
    await embed(daemon, ["one"])
    hold = asyncio.Event()
    upstream.next(Reply(hold=hold))
    asking = [asyncio.create_task(embed(daemon, ["two", "one"])) for _ in range(3)]
    await asyncio.sleep(0.3)
    hold.set()
    answers = await asyncio.gather(*asking)

    assert all([embedding_of("two"), embedding_of("one")] == vectors(answer) for answer in answers)
    assert 2 == len(upstream.asked)


async def test_a_long_list_is_kept_whole(daemon, upstream):
    texts = [f"text {number}" for number in range(2048)]
    await embed(daemon, texts)
    answer = await embed(daemon, [*texts[::-1], "new"])

    assert ["new"] == upstream.last.body["input"]
    assert [embedding_of(text) for text in [*texts[::-1], "new"]] == vectors(answer)


async def test_the_sdk_gets_what_it_asked_for(client, upstream):
    for given in (["one"], ["two", "one"], ["one", "two"]):
        answer = await client.embeddings.create(model=EMBEDDER, input=given, encoding_format="float")
        assert [embedding_of(text) for text in given] == [vector.embedding for vector in answer.data]
    assert 2 == len(upstream.asked)
