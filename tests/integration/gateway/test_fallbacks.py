"""An outage: another target answers, the sick one is left alone, nothing is answered twice."""

import asyncio

import pytest

from tests.daemon_process import Daemon
from tests.integration.gateway.well_again import well_again
from tests.upstream import Reply, Upstream

ALIAS = """
[[models]]
name = "fast"
target = "sick/gpt-4o-mini"
fallbacks = ["well/gpt-4o"]
"""


def provider(name: str, url: str) -> str:
    return (
        f'[[providers]]\nname = "{name}"\ntype = "openai"\nbase_url = "{url}"\napi_key = "k"\nmodels = ["{name}-*"]\n'
    )


@pytest.fixture
async def sick(listener_of):
    async with Upstream(listener=listener_of("sick")) as server:
        yield server


@pytest.fixture
async def start(share_daemon, upstream, sick):
    async def start(alias: str, more_of_sick: str = "") -> Daemon:
        providers = provider("sick", sick.openai_url) + more_of_sick + provider("well", upstream.openai_url)
        daemon = await share_daemon(alias + providers)
        return await well_again(daemon, {"sick/gpt-4o-mini": sick, "well/gpt-4o": upstream})

    return start


@pytest.fixture
async def daemon(start):
    return await start(ALIAS)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fallback_answers_where_the_first_target_fails(daemon, upstream, sick, stream):
    sick.always(Reply.error(503))
    upstream.always("from the other one")
    answer = await daemon.post_chat("hello", model="fast", stream=stream)

    assert 200 == answer.status and b"other" in answer.body
    assert "gpt-4o" == answer.headers["x-helix-model"]
    assert "gpt-4o" == upstream.last.body["model"]
    assert ["failed", "settled"] == [row["outcome"] for row in await daemon.rows()]


async def test_an_answer_of_a_fallback_is_not_kept(daemon, sick):
    sick.always(Reply.error(503))

    assert ["miss", "miss"] == [(await daemon.post_chat("hello", model="fast")).verdict for _ in range(2)]


async def test_the_callers_own_mistake_goes_to_no_other(daemon, upstream, sick):
    sick.always(Reply.error(400))

    assert 400 == (await daemon.post_chat("hello", model="fast")).status
    assert not upstream.asked


async def test_where_all_fail_the_last_ones_status_and_body_go_through(daemon, upstream, sick):
    sick.always(Reply(garbage=b""))
    upstream.always(Reply.error(429, "both are busy", retry_after_s=9))
    answer = await daemon.post_chat("hello", model="fast")

    assert (429, "both are busy", "9") == (
        answer.status,
        answer.json["error"]["message"],
        answer.headers["retry-after"],
    )


async def test_a_sick_target_is_left_alone_after_some_failures(daemon, upstream, sick):
    sick.always(Reply.error(503))
    for number in range(12):
        assert 200 == (await daemon.post_chat(f"question {number}", model="fast")).status

    assert len(sick.asked) < 12
    assert 12 == len(upstream.asked)
    assert ["sick"] == list((await daemon.helix_json("status"))["unwell_providers"])
    async with daemon.session.get(f"{daemon.url}/metrics") as answer:
        metrics = await answer.text()
    assert 'helix_provider_unwell{provider="sick"} 1.0' in metrics
    assert 'helix_provider_unwell{provider="well"} 0.0' in metrics


BY_CAUSE = """
[[models]]
name = "fast"
target = "sick/gpt-4o-mini"
fallbacks = ["well/never-asked"]
context_window_fallbacks = ["well/large"]
content_policy_fallbacks = ["well/lenient"]
"""

TOO_LONG = Reply(
    status=400,
    body={"error": {"message": "maximum context length", "code": "context_length_exceeded", "type": "", "param": ""}},
)
FILTERED = Reply(status=400, body={"error": {"message": "no", "code": "content_filter", "type": "", "param": ""}})


@pytest.fixture
async def by_cause(start):
    return await start(BY_CAUSE)


@pytest.mark.parametrize(("refusal", "asked"), [(TOO_LONG, "large"), (FILTERED, "lenient")], ids=["window", "filter"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_refusal_goes_to_those_named_for_its_cause(by_cause, upstream, sick, refusal, asked, stream):
    sick.always(refusal)
    answer = await by_cause.post_chat("hello", model="fast", stream=stream)

    assert (200, asked) == (answer.status, answer.headers["x-helix-model"])
    assert [asked] == [one.body["model"] for one in upstream.asked]


async def test_what_a_filter_held_back_is_billed_and_asked_of_others(by_cause, upstream, sick):
    held_back = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "content_filter"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }
    sick.always(Reply(body=held_back))
    answer = await by_cause.post_chat("hello", model="fast")

    assert "lenient" == answer.headers["x-helix-model"]
    assert [9, 11] == [row["input_tokens"] for row in await by_cause.rows()]


async def test_a_stream_that_breaks_before_its_first_byte_is_asked_of_another(daemon, upstream, sick):
    sick.always(Reply("never seen", cut_after=0))
    answer = await daemon.post_chat("hello", model="fast", stream=True)

    assert b"[DONE]" in answer.body
    assert (1, 1) == (len(sick.asked), len(upstream.asked))


async def test_a_stream_that_begins_with_an_error_is_asked_of_another(daemon, upstream, sick):
    sick.always(Reply(raw_stream=b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error"}}\n\n'))
    answer = await daemon.post_chat("hello", model="fast", stream=True)

    assert b"overloaded" not in answer.body and b"[DONE]" in answer.body


@pytest.mark.parametrize("hold_after", [None, 0], ids=["no head", "no first event"])
async def test_a_stream_that_does_not_begin_in_time_is_asked_of_another(start, upstream, sick, hold_after):
    daemon = await start(ALIAS, "first_token_timeout_s = 0.3\n")
    sick.always(Reply("never seen", hold=asyncio.Event(), hold_after=hold_after))
    answer = await daemon.post_chat("hello", model="fast", stream=True)
    await sick.until_hung_up()

    assert b"[DONE]" in answer.body and b"never" not in answer.body
    assert (1, 1) == (len(sick.asked), len(upstream.asked))


async def test_a_stream_that_breaks_later_is_asked_of_nobody_else(daemon, upstream, sick):
    sick.always(Reply("half of an answer", cut_after=2))
    answer = await daemon.post_chat("hello", model="fast", stream=True)

    assert b"upstream_failed" in answer.body
    assert [] == upstream.asked
