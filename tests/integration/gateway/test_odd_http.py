"""Whatever comes down a socket: an answer is whole, in JSON, and neither it nor the log repeats what came."""

import asyncio
import gzip
import json

import pytest

SECRET = "sk-ant-very-secret-key"
HEAD = f"Host: localhost\r\nAuthorization: Bearer {SECRET}\r\n"
JSON_HEAD = HEAD + "Content-Type: application/json\r\n"

UNREADABLE = {
    "no HTTP": f"{SECRET}\r\n\r\n",
    "a header without a colon": f"GET /v1/models HTTP/1.1\r\n{HEAD}{SECRET}\r\n\r\n",
    "a header with a NUL": f"GET /v1/models HTTP/1.1\r\n{HEAD}x-api-key: {SECRET}\0\r\n\r\n",
    "a header too long": f"GET /v1/models HTTP/1.1\r\n{HEAD}x: {SECRET * 1000}\r\n\r\n",
    "very many headers": f"GET /v1/models HTTP/1.1\r\n{HEAD}" + f"x: {SECRET}\r\n" * 1000 + "\r\n",
    "two hosts": f"GET /v1/models HTTP/1.1\r\n{HEAD}Host: {SECRET}\r\n\r\n",
    "a length that is no number": f"POST /v1/messages HTTP/1.1\r\n{JSON_HEAD}Content-Length: {SECRET}\r\n\r\n",
    "two lengths": f"POST /v1/messages HTTP/1.1\r\n{JSON_HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}",
    "an unknown encoding": f"POST /v1/messages HTTP/1.1\r\n{JSON_HEAD}Content-Encoding: br\r\n\r\n",
    "another version": f"GET /{SECRET} HTTP/3.0\r\n{HEAD}\r\n",
}


async def speak(daemon, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send raw bytes; status, headers (lower-case names) and body of the first answer."""
    host, port = daemon.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    async with asyncio.timeout(10):
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = b"" if sent.startswith(b"HEAD") else await reader.readexactly(int(headers["content-length"]))
    writer.transport.abort()  # what the daemon did not want to read would wait in it for ever
    await asyncio.sleep(0)
    return int(first.split()[1]), headers, body


def with_body(path: str, body: bytes, headers: str = "") -> bytes:
    return f"POST {path} HTTP/1.1\r\n{JSON_HEAD}{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def test_what_is_no_request_is_answered_in_json_and_repeated_nowhere(daemon):
    for name, sent in UNREADABLE.items():
        status, headers, body = await speak(daemon, sent.encode())

        assert 400 == status, name
        assert "application/json" == headers["content-type"], name
        assert "invalid_request_error" == json.loads(body)["error"]["type"], name
        assert SECRET.encode() not in body, name
    assert SECRET not in daemon.stderr
    assert "Traceback" not in daemon.stderr


@pytest.mark.parametrize(("path", "is_anthropic"), [("/v1/chat/completions", False), ("/messages", True)])
async def test_a_body_that_is_not_what_its_encoding_says_is_a_bad_request(daemon, path, is_anthropic):
    status, _, body = await speak(daemon, with_body(path, b"{}" * 20, "Content-Encoding: gzip\r\n"))

    assert 400 == status
    assert ("error" == json.loads(body).get("type")) == is_anthropic
    assert "Traceback" not in daemon.stderr


async def test_a_gzipped_body_is_read_and_bounded(daemon, upstream):
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
    path, encoding = "/v1/chat/completions", "Content-Encoding: gzip\r\n"
    small, huge = gzip.compress(json.dumps(asked).encode()), gzip.compress(b"[" * 50_000_000)

    assert 200 == (await speak(daemon, with_body(path, small, encoding)))[0]
    assert 413 == (await speak(daemon, with_body(path, huge, encoding)))[0]
    assert ["hello"] == [asked.question for asked in upstream.asked]


async def test_a_route_asked_in_another_way_says_which(daemon):
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"):
        status, headers, _ = await speak(daemon, f"{method} /v1/chat/completions HTTP/1.1\r\n{HEAD}\r\n".encode())

        assert (405, "POST", "application/json") == (status, headers["allow"], headers["content-type"]), method


@pytest.mark.parametrize(
    ("sent", "expected", "is_anthropic"),
    [
        ("OPTIONS * HTTP/1.1", 404, False),
        ("CONNECT localhost:80 HTTP/1.1", 404, False),
        ("GET /v1/messages/batches HTTP/1.1", 404, True),
        ("GET /messages HTTP/1.1", 405, True),
        ("GET /tagged/run-1/v1/messages HTTP/1.1", 405, True),
        ("GET /tagged/run-1/v1/responses HTTP/1.1", 405, False),
    ],
)
async def test_what_no_handler_answers_is_json_too(daemon, sent, expected, is_anthropic):
    status, _, body = await speak(daemon, f"{sent}\r\n{HEAD}\r\n".encode())

    assert expected == status
    assert ("error" == json.loads(body).get("type")) == is_anthropic


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/tagged/run-1/v1/responses"])
async def test_a_websocket_is_declined_in_the_way_that_codex_goes_on_from(daemon, path):
    """Another status makes it try five times more, which takes six seconds."""
    status, headers, _ = await speak(
        daemon, f"GET {path} HTTP/1.1\r\n{HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
    )

    assert (426, "application/json") == (status, headers["content-type"])


async def test_an_expectation_that_cannot_be_met_is_said_in_json(daemon):
    status, _, body = await speak(daemon, with_body("/v1/messages", b"{}", "Expect: wonders\r\n"))

    assert (417, "error") == (status, json.loads(body)["type"])


async def test_after_a_refused_request_the_next_on_its_connection_is_answered(daemon):
    host, port = daemon.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(with_body("/v1/chat/completions", b"{"))
    writer.write(f"GET /v1/models HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode())
    async with asyncio.timeout(10):
        answers = await reader.read()
    writer.close()

    assert answers.startswith(b"HTTP/1.1 400 ")
    assert 1 == answers.count(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("header", ["x-helix-user", "x-helix-cache-namespace"])
async def test_a_header_that_is_no_text_is_a_bad_request(daemon, upstream, header):
    asked = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}).encode()
    head, _, rest = with_body("/v1/chat/completions", asked).partition(b"\r\n")
    status, _, body = await speak(daemon, head + b"\r\n" + header.encode() + b": \xff\xfe\r\n" + rest)

    assert (400, header) == (status, json.loads(body)["error"]["param"])
    assert not upstream.asked
