"""The two providers that are called straight over HTTP keep the same promises."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import dataclass

import aiohttp
import pytest
from pydantic import SecretStr

from daemon.adapters.provider_anthropic import AnthropicProvider
from daemon.adapters.provider_http import failure
from daemon.adapters.provider_openai import OpenAiProvider
from daemon.errors import SettingsError, UpstreamFailed, UpstreamTimeout
from daemon.exchange import DialectName
from daemon.settings import ProviderSettings
from tests.upstream import Reply, Upstream

KEY = "sk-planted-provider-key"
CREDENTIAL = "sk-planted-caller-credential"


@dataclass(frozen=True)
class Wing:
    """One of the two adapters, and what differs."""

    type: DialectName
    adapter: type[OpenAiProvider] | type[AnthropicProvider]
    base: str
    path: str

    def provider(self, url: str, **fields):
        kind = "openai" if self.type == "chat" else "anthropic"
        settings = {"name": "p", "type": kind, "base_url": url + self.base, **fields}
        return self.adapter(ProviderSettings(**settings))


WINGS = [
    Wing("chat", OpenAiProvider, "/v1", "/v1/chat/completions"),
    Wing("messages", AnthropicProvider, "", "/v1/messages"),
]


@pytest.fixture(params=WINGS, ids=["openai", "anthropic"])
def wing(request) -> Wing:
    return request.param


@pytest.fixture
async def provider(wing, upstream):
    provider = wing.provider(upstream.url, api_key=SecretStr(KEY), timeout_s=5)
    yield provider
    await provider.aclose()


async def test_a_body_arrives_as_equal_json_with_fields_nobody_knows(wing, provider, upstream, make_call, read):
    call = make_call(wing.type, unknown={"deep": [1.5, None, "é\u2028"]}, seed=2**70)
    await read(await provider.ask(call))

    assert wing.path == upstream.last.path
    assert call.body == upstream.last.body
    assert "application/json" == upstream.last.headers["content-type"]


async def test_whole_answers_and_streams_pass_byte_for_byte(wing, provider, upstream, make_call, read):
    raw = b'data: {"a": "\xc3\xa9", "b":1}\n\nevent: x\ndata: {}\n\n'
    upstream.next(Reply(body=b'{ "spaced":  1e2 }'), Reply(raw_stream=raw, cuts=(1, 13, 14, 30)))
    whole = await provider.ask(make_call(wing.type))
    streamed = await provider.ask(make_call(wing.type, stream=True))

    assert (200, False) == (whole.status, whole.is_event_stream)
    assert b'{ "spaced":  1e2 }' == await read(whole)
    assert streamed.is_event_stream
    assert raw == await read(streamed)


async def test_a_stream_is_passed_on_while_it_comes(wing, provider, upstream, make_call):
    hold = asyncio.Event()
    upstream.next(Reply(hold=hold, hold_after=1))
    answer = await provider.ask(make_call(wing.type, stream=True))
    first = await anext(answer.pieces)
    hold.set()

    assert first.endswith(b"\n\n")
    assert b"upstream" in b"".join([piece async for piece in answer.pieces])


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
async def test_a_providers_own_error_goes_through(wing, provider, upstream, make_call, read, status):
    upstream.next(Reply.error(status, "because", retry_after_s=7))
    answer = await provider.ask(make_call(wing.type))

    assert (status, "7") == (answer.status, answer.headers["retry-after"])
    assert "because" == json.loads(await read(answer))["error"]["message"]


async def test_headers_of_one_connection_and_cookies_stay_behind(wing, provider, upstream, make_call, read):
    upstream.next(Reply(headers={"X-Request-Id": "r1", "Set-Cookie": "a=b", "Connection": "X-Hop", "X-Hop": "1"}))
    answer = await provider.ask(make_call(wing.type))
    await read(answer)

    assert "r1" == answer.headers["x-request-id"]
    assert not {"set-cookie", "connection", "x-hop", "content-length", "transfer-encoding"} & set(answer.headers)


async def test_a_compressed_answer_is_decoded_though_none_was_asked_for(wing, provider, upstream, make_call, read):
    upstream.next(Reply(body=b'{"plain": 1}', gzipped=True))
    answer = await provider.ask(make_call(wing.type))

    assert b'{"plain": 1}' == await read(answer)
    assert "content-encoding" not in answer.headers
    assert "identity" == upstream.last.headers["accept-encoding"]


async def test_cookies_are_not_remembered(wing, provider, upstream, make_call, read):
    upstream.always(Reply(headers={"set-cookie": "session=1; Path=/"}))
    for _ in range(2):
        await read(await provider.ask(make_call(wing.type)))

    assert "cookie" not in upstream.last.headers


async def test_small_writes_are_not_held_back(wing, provider, upstream, make_call, monkeypatch):
    """Nagle's algorithm and a delayed ACK would cost 40 ms a call (aiohttp sets the option; this keeps it)."""
    options = []
    request = aiohttp.ClientSession._request

    async def spy(session, *args, **kwargs):
        response = await request(session, *args, **kwargs)
        sock = response.connection.transport.get_extra_info("socket")
        options.append(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return response

    monkeypatch.setattr(aiohttp.ClientSession, "_request", spy)
    upstream.next(Reply(hold=asyncio.Event(), hold_after=1))
    await (await provider.ask(make_call(wing.type, stream=True))).pieces.aclose()

    assert [1] == options


async def test_a_connection_is_used_again_when_its_answer_was_read(wing, provider, upstream, make_call, read):
    for _ in range(2):
        await read(await provider.ask(make_call(wing.type)))

    assert 1 == len({asked.connection for asked in upstream.asked})


# Who pays: the credential.


async def test_the_providers_key_goes_before_the_callers_credential(wing, provider, upstream, make_call, read):
    await read(await provider.ask(make_call(wing.type, credential=CREDENTIAL)))

    assert upstream.saw(KEY)
    assert not upstream.saw(CREDENTIAL)


async def test_without_a_key_the_callers_credential_is_passed_on(wing, upstream, make_call, read):
    provider = wing.provider(upstream.url)
    await read(await provider.ask(make_call(wing.type, credential=CREDENTIAL)))
    await read(await provider.ask(make_call(wing.type)))
    await provider.aclose()

    name, value = ("authorization", "Bearer ") if wing.type == "chat" else ("x-api-key", "")
    assert value + CREDENTIAL == upstream.asked[0].headers[name]
    assert not {"authorization", "x-api-key"} & set(upstream.asked[1].headers)


async def test_an_oauth_token_goes_to_anthropic_as_a_bearer(upstream, make_call, read):
    provider = WINGS[1].provider(upstream.url)
    await read(await provider.ask(make_call("messages", credential="sk-ant-oat01-x")))
    await provider.aclose()

    assert "Bearer sk-ant-oat01-x" == upstream.last.headers["authorization"]
    assert "x-api-key" not in upstream.last.headers


async def test_anthropics_version_is_the_callers_or_a_known_one(upstream, make_call, read):
    provider = WINGS[1].provider(upstream.url)
    await read(await provider.ask(make_call("messages")))
    await read(await provider.ask(make_call("messages", headers={"anthropic-version": "2099-01-01"})))
    await provider.aclose()

    versions = [asked.headers["anthropic-version"] for asked in upstream.asked]
    assert ["2023-06-01", "2099-01-01"] == versions


async def test_the_callers_other_headers_go_upstream(wing, provider, upstream, make_call, read):
    headers = {"user-agent": "sdk/1", "idempotency-key": "i1"}
    await read(await provider.ask(make_call(wing.type, headers=headers)))

    assert headers.items() <= upstream.last.headers.items()


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "ftp://h/v1"},
        {"base_url": "api.openai.com/v1"},
        {"base_url": "https://user:planted@h/v1"},
        {"base_url": "https://h/v1?key=planted"},
        {"base_url": "https://[planted/v1"},
        {"api_key": SecretStr("planted\nx")},
        {"api_key": SecretStr("plantéd")},
    ],
)
def test_settings_that_cannot_be_used_are_refused_without_the_secret(fields):
    with pytest.raises(SettingsError) as refused:
        OpenAiProvider(ProviderSettings(name="p", type="openai", **fields))

    assert "providers.p." in str(refused.value)
    assert "plant" not in str(refused.value)


# What goes wrong on the way.


@pytest.mark.parametrize(
    "reply",
    [
        Reply(garbage=b""),
        Reply(garbage=b"\x16\x03\x01 not http at all\r\n\r\n"),
        Reply(garbage=b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 100_000 + b"\r\n\r\n"),
        Reply(garbage=b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n"),
        Reply(status=307, headers={"location": "/elsewhere"}, body=b"{}"),
    ],
    ids=["hangs up", "no http", "oversized header", "impossible length", "redirect"],
)
async def test_what_is_no_answer_is_upstream_failed(wing, provider, upstream, make_call, reply):
    upstream.always(reply)
    with pytest.raises(UpstreamFailed) as failed:
        await provider.ask(make_call(wing.type))

    assert 1 == len(upstream.asked)
    assert (502, "upstream_failed") == (failed.value.status, failed.value.code)
    assert KEY not in str(failed.value)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_breaks_off_is_upstream_failed(wing, provider, upstream, make_call, read, stream):
    upstream.next(Reply("word " * 50, cut_after=1))
    answer = await provider.ask(make_call(wing.type, stream=stream))

    with pytest.raises(UpstreamFailed):
        await read(answer)
    assert [] == [piece async for piece in answer.pieces]


async def test_bytes_that_do_not_decompress_are_upstream_failed(wing, provider, upstream, make_call, read):
    upstream.next(Reply(body=b"no gzip", headers={"content-encoding": "gzip"}))
    with pytest.raises(UpstreamFailed):
        await read(await provider.ask(make_call(wing.type)))


async def test_nobody_listening_is_upstream_failed(wing, make_call):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        provider = wing.provider("http://127.0.0.1:{1}".format(*unused.getsockname()))
        with pytest.raises(UpstreamFailed):
            await provider.ask(make_call(wing.type))
        await provider.aclose()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("hold_after", [None, 1])
async def test_a_silent_provider_is_upstream_timeout(wing, upstream, make_call, read, stream, hold_after):
    provider = wing.provider(upstream.url, timeout_s=0.2)
    upstream.next(Reply(hold=asyncio.Event(), hold_after=hold_after))
    with pytest.raises(UpstreamTimeout) as late:
        await read(await provider.ask(make_call(wing.type, stream=stream)))
    await provider.aclose()

    assert 504 == late.value.status


@pytest.mark.parametrize(
    ("limits", "hold_after"),
    [
        ({"first_token_timeout_s": 0.2}, None),
        ({"first_token_timeout_s": 0.2}, 0),
        ({"idle_timeout_s": 0.2}, 1),
        ({"timeout_s": 0.2}, 1),
    ],
    ids=["no head", "no first piece", "silence", "never ending"],
)
async def test_each_wait_has_a_bound_of_its_own(wing, upstream, make_call, read, limits, hold_after):
    provider = wing.provider(upstream.url, **limits)
    upstream.next(Reply("one two three", hold=asyncio.Event(), hold_after=hold_after))
    with pytest.raises(UpstreamTimeout):
        await read(await provider.ask(make_call(wing.type, stream=True)))
    await provider.aclose()
    await upstream.until_hung_up()


async def test_a_slow_reader_is_not_taken_for_a_silent_provider(wing, upstream, make_call):
    provider = wing.provider(upstream.url, idle_timeout_s=0.1)
    upstream.next(Reply("one two three", gap_s=0.02))
    answer = await provider.ask(make_call(wing.type, stream=True))
    pieces = [await anext(answer.pieces)]
    await asyncio.sleep(0.3)  # the caller's own time: nothing else can be waited for
    pieces += [piece async for piece in answer.pieces]
    await provider.aclose()

    assert b"three" in b"".join(pieces)


async def test_an_answer_may_take_longer_than_any_silence_in_it(wing, upstream, make_call, read):
    provider = wing.provider(upstream.url, idle_timeout_s=0.3, first_token_timeout_s=0.3)
    upstream.next(Reply("one two three four five six seven", gap_s=0.05))
    whole = await read(await provider.ask(make_call(wing.type, stream=True)))
    await provider.aclose()

    assert b"seven" in whole


async def test_a_header_that_cannot_be_sent_is_refused_without_its_value(wing, provider, make_call):
    with pytest.raises(UpstreamFailed) as failed:
        await provider.ask(make_call(wing.type, headers={"user-agent": "planted\r\nx: y"}))

    assert "planted" not in str(failed.value)


# Leaving early.


@pytest.mark.parametrize("started", [False, True])
async def test_closing_the_pieces_hangs_up(wing, provider, upstream, make_call, started):
    """Also where nobody has begun to read, as when the client left while the provider was thinking."""
    upstream.next(Reply(hold=asyncio.Event(), hold_after=2))
    answer = await provider.ask(make_call(wing.type, stream=True))
    if started:
        await anext(answer.pieces)
    await answer.pieces.aclose()
    await upstream.until_hung_up()

    assert [] == [piece async for piece in answer.pieces]


async def test_a_cancelled_call_hangs_up(wing, provider, upstream, make_call):
    upstream.next(Reply(hold=asyncio.Event()))
    asking = asyncio.create_task(provider.ask(make_call(wing.type)))
    await upstream.until_asked()
    asking.cancel()
    await upstream.until_hung_up()

    with pytest.raises(asyncio.CancelledError):
        await asking


def _aiohttp_errors(kind: type[BaseException] = aiohttp.ClientError) -> set[type[BaseException]]:
    return {kind}.union(*(_aiohttp_errors(inner) for inner in kind.__subclasses__()))


@pytest.mark.parametrize("kind", sorted(_aiohttp_errors(), key=lambda kind: kind.__name__))
def test_every_error_of_aiohttp_has_a_meaning(kind):
    meaning = failure("p", kind.__new__(kind))

    assert isinstance(meaning, UpstreamFailed)
    assert issubclass(kind, TimeoutError) == isinstance(meaning, UpstreamTimeout)
    assert kind is aiohttp.ClientError or not str(meaning).endswith("the call failed")


async def test_a_provider_opened_again_after_closing_answers(wing, make_call, read):
    async with Upstream() as upstream:
        provider = wing.provider(upstream.url)
        for _ in range(2):
            assert b"Hello" in await read(await provider.ask(make_call(wing.type)))
            await provider.aclose()
