"""`storage.encrypt`: what rests on disk or in Redis tells nothing of what was asked and answered."""

import pytest

from daemon import storage_keys
from tests.integration.gateway.sinks import files_of, redis_sinks

KEY = storage_keys.text_of([b"k" * 32])
QUESTION, NEAR = "How do I write an email to the landlord?", "how do I write an email to the landlord"
ANSWER = "Say that limestone is heavy."


def readable(daemon, url):
    sinks = [*files_of(daemon), *(redis_sinks(url) if url.startswith("redis") else ())]
    return [name for name, text in sinks if "landlord" in text or "limestone" in text]


@pytest.fixture(params=["embedded", "redis"])
def url(request):
    return "embedded" if request.param == "embedded" else request.getfixturevalue("own_redis_server").url


async def test_no_question_and_no_answer_is_readable(start_daemon, upstream, url):
    daemon = await start_daemon(f'[storage]\nurl = "{url}"\nencrypt = true\nencryption_key = "env:K"', K=KEY)
    await daemon.until_ready("ok")
    upstream.always(ANSWER)
    verdicts = [(await daemon.post_chat(QUESTION, stream=stream)).verdict for stream in (False, True)]
    near = await daemon.post_chat(NEAR)
    found = readable(daemon, url)
    await daemon.stop()
    found += readable(daemon, url)
    await daemon.start()
    again = await daemon.post_chat(QUESTION)

    assert ["miss", "exact"] == verdicts
    assert "semantic" == near.verdict
    assert [] == found
    assert "exact" == again.verdict and ANSWER in again.body.decode()


async def test_the_test_would_find_them(start_daemon, upstream, url):
    daemon = await start_daemon(f'[storage]\nurl = "{url}"')
    upstream.always(ANSWER)
    await daemon.post_chat(QUESTION)
    await daemon.stop()

    assert [] != readable(daemon, url)


async def test_nodes_of_a_fleet_read_what_the_others_encrypted(start_daemon, upstream, own_redis_server):
    storage = f'[storage]\nurl = "{own_redis_server.url}"\nencrypt = true\nencryption_key = "env:K"\n'
    storage += '[cache]\nscope = "everyone"'
    one = await start_daemon(storage, name="one", K=KEY)
    other = await start_daemon(storage, name="other", K=KEY)
    upstream.always(ANSWER)

    assert "miss" == (await one.post_chat(QUESTION)).verdict
    assert "exact" == (await other.post_chat(QUESTION)).verdict


async def test_a_fleet_without_a_common_key_is_refused_with_a_sentence(start_daemon):
    with pytest.raises(AssertionError, match=r"storage\.encryption_key.*the same on each node"):
        await start_daemon('[storage]\nurl = "redis://127.0.0.1:1/0"\nencrypt = true')
