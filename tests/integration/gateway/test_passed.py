"""The rest of OpenAI's API, with its SDK: passed on, and yet inside privacy, security, budget and ledger."""

from __future__ import annotations

import openai
import pytest

from tests.upstream import Reply

AUDIO = bytes(range(256)) * 4096
PICTURES = {
    "created": 1,
    "data": [{"b64_json": "aGk=", "revised_prompt": "A cat for <EMAIL_ADDRESS_1>"}],
    "usage": {
        "input_tokens": 10,
        "input_tokens_details": {"text_tokens": 10, "image_tokens": 0},
        "output_tokens": 1000,
        "total_tokens": 1010,
    },
}
FILE = {"id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.jsonl", "purpose": "batch"}


async def test_pictures_are_made_of_a_hidden_prompt_and_booked_by_their_tokens(client, daemon, upstream):
    upstream.next(Reply(body=PICTURES))
    made = await client.images.generate(model="gpt-image-1", prompt="A cat for ann@example.com", size="1024x1024")

    assert ("aGk=", "A cat for ann@example.com") == (made.data[0].b64_json, made.data[0].revised_prompt)
    assert "/v1/images/generations" == upstream.last.path
    sent = {"model": "gpt-image-1", "prompt": "A cat for <EMAIL_ADDRESS_1>", "size": "1024x1024"}
    assert sent == upstream.last.body
    row = (await daemon.rows())[-1]
    assert ("gpt-image-1", 10, 1000) == (row["model"], row["input_tokens"], row["output_tokens"])
    # 5 dollars a million tokens of text, 40 a million of pictures.
    assert pytest.approx((10 * 5 + 1000 * 40) / 1e6) == float(row["cost_usd"])


async def test_speech_comes_byte_for_byte_and_is_unpriced(client, daemon, upstream):
    upstream.next(Reply(body=AUDIO, content_type="audio/mpeg"))
    spoken = await client.audio.speech.create(model="gpt-4o-mini-tts", voice="nova", input="Hello, Ann")

    assert AUDIO == spoken.content
    assert "audio/mpeg" == spoken.response.headers["content-type"]
    assert None is (await daemon.rows())[-1]["cost_usd"]


async def test_speech_that_breaks_off_is_no_whole_file(client, upstream):
    upstream.next(Reply(body=AUDIO, content_type="audio/mpeg", cuts=(1000, 2000), cut_after=1))
    with pytest.raises(openai.APIConnectionError):
        await client.audio.speech.create(model="gpt-4o-mini-tts", voice="nova", input="Hello")


async def test_a_recording_goes_up_as_it_is_and_its_fields_are_hidden(client, upstream):
    upstream.next(Reply(body={"text": "Hi", "usage": {"type": "duration", "seconds": 2}}))
    heard = await client.audio.transcriptions.create(
        model="openai/whisper-1", file=("a.wav", AUDIO, "audio/wav"), prompt="To ann@example.com"
    )

    assert "Hi" == heard.text
    assert AUDIO in upstream.last.raw
    assert b"To <EMAIL_ADDRESS_1>" in upstream.last.raw and not upstream.saw("ann@example.com")


async def test_subtitles_stay_text(client, upstream):
    upstream.next(Reply(body=b"1\n00:00:00,000 --> 00:00:01,000\nHi\n", content_type="text/plain; charset=utf-8"))
    heard = await client.audio.transcriptions.create(
        model="openai/whisper-1", file=("a.wav", b"RIFF", "audio/wav"), response_format="srt"
    )

    assert heard.startswith("1\n00:00:00,000")


async def test_a_form_goes_up_byte_for_byte(daemon, upstream):
    form = (
        b'--xyz\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.jsonl"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n{}\n\r\n--xy\r\n--xyz--\r\n"
    )
    upstream.next(Reply(body=FILE))
    headers = {"content-type": "multipart/form-data; boundary=xyz", "authorization": "Bearer sk-mine"}
    answer = await daemon.post("/v1/files", form, headers)

    assert (200, FILE) == (answer.status, answer.json)
    assert form == upstream.last.raw


async def test_a_form_without_authorization_is_refused(daemon, upstream):
    """A web page could send it: forms need no permission of the server's."""
    form = {"data": b"--x--\r\n", "headers": {"content-type": "multipart/form-data; boundary=x"}}
    async with daemon.session.post(f"{daemon.url}/v1/files", **form) as answer:
        assert 403 == answer.status
    assert [] == upstream.asked


async def test_a_form_with_two_models_is_refused(daemon, upstream):
    part = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n'
    headers = {"content-type": "multipart/form-data; boundary=x", "authorization": "Bearer sk-mine"}
    answer = await daemon.post("/v1/audio/transcriptions", part + part + b"--x--\r\n", headers)

    assert (400, "model") == (answer.status, answer.json["error"]["param"])


async def test_files_are_listed_fetched_and_removed_at_no_cost(client, daemon, upstream):
    lines = b'{"custom_id":"1"}\n' * 100_000
    upstream.next(
        Reply(body={"object": "list", "data": [FILE], "has_more": False}),
        Reply(body=lines, content_type="application/octet-stream"),
        Reply(body={"id": "file-1", "object": "file", "deleted": True}),
    )
    assert ["file-1"] == [file.id async for file in client.files.list(purpose="batch", limit=1)]
    assert lines == (await client.files.content("file-1")).content
    assert (await client.files.delete("file-1")).deleted

    asked = [(asked.method, asked.path) for asked in upstream.asked]
    assert [
        ("GET", "/v1/files?limit=1&purpose=batch"),
        ("GET", "/v1/files/file-1/content"),
        ("DELETE", "/v1/files/file-1"),
    ] == asked
    assert 0 == float((await daemon.rows())[-1]["cost_usd"])


async def test_moderations_and_rerank_scan_what_is_judged(client, daemon, upstream):
    upstream.next(Reply(body={"id": "modr-1", "model": "omni-moderation-latest", "results": []}))
    await client.moderations.create(model="openai/omni-moderation-latest", input=["ann@example.com is bad"])
    assert ["<EMAIL_ADDRESS_1> is bad"] == upstream.last.body["input"]

    documents = ["by ann@example.com", {"text": "by bo@example.com"}]
    answers = {"results": [{"index": 1, "relevance_score": 0.9, "document": {"text": "by <EMAIL_ADDRESS_2>"}}]}
    upstream.next(Reply(body=answers))
    asked = {"model": "gpt-rerank", "query": "who", "documents": documents, "top_n": 1}
    answer = await daemon.post("/v1/rerank", asked)

    assert "by bo@example.com" == answer.json["results"][0]["document"]["text"]
    assert ["by <EMAIL_ADDRESS_1>", {"text": "by <EMAIL_ADDRESS_2>"}] == upstream.last.body["documents"]


async def test_a_batch_is_not_had_within_a_budget(start_daemon, upstream):
    """It is worked off later, where no budget sees what it costs."""
    daemon = await start_daemon('[[budgets]]\nscope = "all"\nlimit_usd = 5.0\nwindow = "total"\n')
    answer = await daemon.post("/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions"})

    assert (403, "forbidden") == (answer.status, answer.json["error"]["code"])
    assert [] == upstream.asked


async def test_a_batch_without_budgets_is_unpriced(client, daemon, upstream):
    upstream.next(Reply(body={"id": "batch_1", "object": "batch", "status": "validating"}))
    await client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")

    row = (await daemon.rows())[-1]
    assert ("openai/batches", None) == (row["model"], row["cost_usd"])


async def test_a_key_for_some_models_makes_no_batch_and_no_pictures_of_others(daemon, upstream):
    made = await daemon.helix_json("keys", "create", "--models", "gpt-image-*")
    key = {"authorization": f"Bearer {made['key']}"}
    upstream.next(Reply(body=PICTURES))
    asked = {"prompt": "A cat", "model": "gpt-image-1"}

    assert 200 == (await daemon.post("/v1/images/generations", asked, key)).status
    assert 403 == (await daemon.post("/v1/images/generations", {**asked, "model": "dall-e-3"}, key)).status
    assert 403 == (await daemon.post("/v1/images/generations", {"prompt": "A cat"}, key)).status
    batch = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions"}
    assert 403 == (await daemon.post("/v1/batches", batch, key)).status


async def test_a_providers_refusal_goes_through(client, upstream):
    upstream.next(Reply.error(400, "no such size"))
    with pytest.raises(openai.BadRequestError, match="no such size"):
        await client.images.generate(model="gpt-image-1", prompt="A cat")


@pytest.mark.parametrize("path", ["/v1/files/..%2f..%2fadmin", "/v1/files/a%20b", "/v1/files?purpose=ann@example.com"])
async def test_an_address_holds_ids_only(daemon, upstream, path):
    async with daemon.session.get(daemon.url + path) as answer:
        assert answer.status in (400, 404)
    assert [] == upstream.asked
