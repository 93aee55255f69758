"""What cannot be understood is refused in the caller's protocol; nothing of it is kept, charged or left open."""

import asyncio
import json

import pytest

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}


def chat(**changes) -> bytes:
    return json.dumps({name: value for name, value in (CHAT | changes).items() if value is not ...}).encode()


BAD = {
    "nothing": b"",
    "not JSON": b"{nonsense",
    "not an object": b"[1, 2]",
    "invalid UTF-8": b'{"model": "\xff\xfe"}',
    "a lone surrogate": b'{"model": "m", "messages": [{"role": "user", "content": "\\ud800"}]}',
    "not a number": b'{"model": "m", "temperature": NaN, "messages": []}',
    "infinite": b'{"model": "m", "temperature": 1e999, "messages": []}',
    "deep": b'{"model": "m", "messages": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "rather deep": chat(x=json.loads("[" * 300 + "]" * 300)),
    "no model": chat(model=...),
    "an empty model": chat(model=""),
    "a model of another type": chat(model=4),
    "no messages": chat(messages=...),
    "no message": chat(messages=[]),
    "messages of another type": chat(messages="hello"),
    "a message of another type": chat(messages=["hello"]),
    "content of another type": chat(messages=[{"role": "user", "content": 7}]),
    "a huge limit": chat(max_tokens=10**30),
    "a negative limit": chat(max_tokens=-1),
    "stream of another type": chat(stream="yes"),
    "temperature of another type": chat(temperature="hot"),
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_bad_bodies_are_bad_requests(daemon, upstream, path):
    for name, body in BAD.items():
        answer = await daemon.post(path, body)

        assert 400 == answer.status, f"{name}: {answer.status} {answer.body[:200]!r}"
        error = answer.json["error"]
        assert "invalid_request_error" == error["type"], name
        assert isinstance(error["message"], str) and error["message"], name
        assert ("error" == answer.json.get("type")) == (path == "/v1/messages"), name
    assert not upstream.asked
    assert [] == await daemon.rows()


async def test_odd_but_valid_texts_pass(daemon, upstream):
    for text in ("", "\x00", "a\x00b", "\u202e", "😀" * 1000, "<EMAIL_ADDRESS_1>", "&lt;", "\\u003c"):
        answer = await daemon.post_chat(text, max_tokens=5)

        assert 200 == answer.status, answer.body
        assert text == upstream.last.question


async def test_numbers_of_any_size_pass(daemon, upstream):
    await daemon.post_chat("hello", x_number=10**40)

    assert 10**40 == upstream.last.body["x_number"]


async def test_a_body_that_is_too_long_is_413(own_daemon, upstream):
    """Of a daemon that ends with the test, since what it did not read keeps its connection open."""
    body = b'{"model": "m", "messages": [{"role": "user", "content": "' + b"x" * 50 * 2**20 + b'"}]}'
    answer = await own_daemon.post("/v1/chat/completions", body)

    assert 413 == answer.status
    assert not upstream.asked


async def test_a_body_without_a_length_is_bounded_too(own_daemon):
    async def endless():
        for _ in range(50):
            yield b"x" * 2**20

    url = own_daemon.url + "/v1/chat/completions"
    async with own_daemon.session.post(url, data=endless(), headers={"content-type": "application/json"}) as answer:
        assert 413 == answer.status


async def test_an_unknown_model_is_404_and_names_it(daemon):
    answer = await daemon.post_chat("hello", model="helix/missing")

    assert (404, "model_not_found") == (answer.status, answer.json["error"]["code"])


async def test_an_unknown_route_is_404_in_json(daemon):
    answer = await daemon.post("/v1/nothing", {})

    assert (404, "not_found_error") == (answer.status, answer.json["error"]["type"])


async def test_half_a_body_and_a_hang_up_leave_nothing_open(daemon, upstream):
    host, port = daemon.url.removeprefix("http://").split(":")
    for _ in range(20):
        _, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
        writer.write(b'content-length: 1000\r\n\r\n{"model": "gpt-4o')
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    assert "Hello from upstream" == await daemon.chat("still there?")
    assert 1 == len(upstream.asked)


async def test_a_duplicate_key_is_read_one_way_only(daemon, upstream):
    """What is checked is what is sent: the last one wins, here and at the provider."""
    hidden = b'[{"role": "user", "content": "Mail ann@example.com"}]'
    body = (
        b'{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "harmless"}], "messages": ' + hidden + b"}"
    )
    await daemon.post("/v1/chat/completions", body)

    assert "Mail <EMAIL_ADDRESS_1>" == upstream.last.question
    assert 1 == upstream.last.raw.count(b'"messages"')
    assert not upstream.saw("harmless")
