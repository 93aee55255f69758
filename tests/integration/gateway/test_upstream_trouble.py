"""A provider that misbehaves: its status and body go through, nothing wrong is kept, what it charged is booked."""

import asyncio

import pytest

from tests.daemon_process import openai_settings
from tests.upstream import Reply


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_its_error_goes_through_and_is_not_kept(daemon, upstream, status):
    upstream.next(Reply.error(status, "no", retry_after_s=7), "better now")
    refused = await daemon.post_chat("hello")
    better = await daemon.post_chat("hello")

    assert (status, "no") == (refused.status, refused.json["error"]["message"])
    assert "7" == refused.headers["retry-after"]
    assert "miss" == better.verdict
    assert ["failed", "settled"] == [row["outcome"] for row in await daemon.rows()]


async def test_broken_json_goes_through_and_is_not_kept(daemon, upstream):
    upstream.always(Reply(body=b'{"choices": [{"index"', content_type="application/json"))
    first = await daemon.post_chat("hello")
    second = await daemon.post_chat("hello")

    assert b'{"choices": [{"index"' == first.body
    assert ["miss", "miss"] == [first.verdict, second.verdict]


async def test_an_answer_that_was_cut_by_length_is_not_kept(daemon, upstream):
    upstream.always(Reply("cut", stop="length"))
    await daemon.post_chat("hello")

    assert "miss" == (await daemon.post_chat("hello")).verdict


async def test_a_cut_stream_is_not_kept_and_is_booked_as_estimated(daemon, upstream):
    upstream.next(Reply("a rather long answer that ends early", cut_after=3))
    cut = await daemon.post_chat("hello", stream=True)
    again = await daemon.post_chat("hello", stream=True)

    assert b"[DONE]" not in cut.body and b"upstream_failed" in cut.body
    assert "miss" == again.verdict
    [row, _] = await daemon.rows()
    assert "estimated" == row["outcome"] and float(row["cost_usd"]) > 0


async def test_nobody_there_is_a_502(start_daemon):
    daemon = await start_daemon(
        openai_settings("http://127.0.0.1:1/v1", 'models = ["gone-*"]\n').replace('"openai"', '"gone"', 1)
    )
    answer = await daemon.post_chat("hello", model="gone-4o")

    assert (502, "upstream_failed") == (answer.status, answer.json["error"]["code"])


async def test_a_slow_provider_is_a_504(start_daemon, upstream):
    hold = asyncio.Event()
    upstream.always(Reply(hold=hold))
    daemon = await start_daemon(
        openai_settings(upstream.openai_url, "timeout_s = 0.2\n").replace('"openai"', '"slow"', 1)
    )
    answer = await daemon.post_chat("hello")
    hold.set()

    assert (504, "upstream_timeout") == (answer.status, answer.json["error"]["code"])


async def test_a_caller_that_hangs_up_cancels_the_call_and_it_is_booked(daemon, upstream):
    hold = asyncio.Event()
    upstream.next(Reply("one two three", hold=hold, hold_after=2))
    asking = asyncio.create_task(daemon.post_chat("hello", stream=True))
    await upstream.until_asked()
    asking.cancel()
    await upstream.until_hung_up()
    hold.set()

    [row] = await daemon.rows()
    assert "estimated" == row["outcome"] and float(row["cost_usd"]) > 0


async def test_identical_requests_in_flight_are_asked_once(daemon, upstream):
    """Each caller gets its own value back; streamed and whole share the call."""
    hold = asyncio.Event()
    upstream.next(Reply("Hello <EMAIL_ADDRESS_1>", hold=hold))
    asking = [asyncio.create_task(daemon.post_chat(f"Greet {name}@example.com")) for name in ("ann", "bo", "cy")]
    streamed = asyncio.create_task(daemon.post_chat("Greet di@example.com", stream=True))
    await upstream.until_asked()
    await until_waiting(daemon, 4)
    hold.set()
    answers = await asyncio.gather(*asking)

    assert 1 == len(upstream.asked)
    assert ["Hello ann@example.com", "Hello bo@example.com", "Hello cy@example.com"] == [
        answer.json["choices"][0]["message"]["content"] for answer in answers
    ]
    assert b"di@example.com" in (await streamed).body
    assert 3 == sorted(answer.verdict for answer in [*answers, await streamed]).count("coalesced")


async def test_a_follower_is_not_cancelled_by_the_leaders_leaving(daemon, upstream):
    hold = asyncio.Event()
    upstream.next(Reply("shared", hold=hold))
    leader = asyncio.create_task(daemon.post_chat("hello"))
    await upstream.until_asked()
    follower = asyncio.create_task(daemon.post_chat("hello"))
    await until_waiting(daemon, 2)
    leader.cancel()
    await until_waiting(daemon, 1)
    hold.set()

    assert "shared" == (await follower).json["choices"][0]["message"]["content"]
    assert 1 == len(upstream.asked)


async def until_waiting(daemon, count: int) -> None:
    """Wait until so many requests wait for the provider, as the daemon's metrics say."""
    async with asyncio.timeout(10):
        while True:
            async with daemon.session.get(f"{daemon.url}/metrics") as metrics:
                text = await metrics.text()
            if f"helix_waiting_for_provider {count}.0" in text:
                return
            await asyncio.sleep(0.01)
