"""A cached answer never crosses a scope (CONTRACT §5, 3), and requests make the cache stricter, never laxer."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio

from tests.daemon_process import Daemon, openai_settings
from tests.upstream import Reply, Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN = {"authorization": "Bearer sk-ann"}
BO = {"authorization": "Bearer sk-bo"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider() -> AsyncIterator[Upstream]:
    """Each answer is another one, so that it shows whose it is."""
    numbers = count(1)
    async with Upstream(lambda asked: f"answer {next(numbers)}") as upstream:
        yield upstream


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(provider, tmp_path_factory) -> AsyncIterator[Daemon]:
    """A daemon whose provider gets the caller's own credential."""
    passing = openai_settings(provider.openai_url).replace('api_key = "sk-upstream"\n', "")
    async with Daemon(tmp_path_factory.mktemp("scopes"), passing) as daemon:
        await daemon.until_ready("ok")
        yield daemon


def said(answer) -> str:
    assert 200 == answer.status, answer.body
    return answer.json["choices"][0]["message"]["content"]


async def verdicts(daemon: Daemon, question: str, *headers: dict[str, str], **body) -> list[str | None]:
    """What the cache says to the same question again and again."""
    return [(await daemon.post_chat(question, headers=ANN | more, **body)).verdict for more in headers]


async def test_two_keys_never_get_each_others_answers(shared):
    """Not the same request, not one in nearly the same words, not one of a stream, not one in flight."""
    question, near = "How do I rename a git branch?", "how do I rename a git branch"
    mine = said(await shared.post_chat(question, headers=ANN))
    for number, stranger in enumerate((BO, {"x-api-key": "sk-cy"}, {})):
        answer = await shared.post_chat(question, headers=stranger)
        assert "miss" == answer.verdict and said(answer) != mine
        answer = await shared.post_chat(near, headers={"authorization": f"Bearer sk-other-{number}"})
        assert "miss" == answer.verdict and said(answer) != mine

    assert mine == said(await shared.post_chat(question, headers=ANN))
    assert mine == said(await shared.post_chat(near, headers=ANN))


async def test_identical_requests_of_two_keys_in_flight_are_two_calls(shared, provider):
    hold, asked = asyncio.Event(), len(provider.asked)
    provider.next(Reply("for one", hold=hold), Reply("for the other", hold=hold))
    asking = [asyncio.create_task(shared.post_chat("At the same time?", headers=who)) for who in (ANN, BO)]
    await provider.until_asked(asked + 2)
    hold.set()
    answers = await asyncio.gather(*asking)

    assert {"for one", "for the other"} == {said(answer) for answer in answers}
    assert ["miss", "miss"] == [answer.verdict for answer in answers]


async def test_no_header_and_no_field_of_a_request_chooses_anothers_scope(shared):
    """What a key is bound to wins: neither users nor scopes can be claimed."""
    claims = {"x-helix-user": "ann", "x-helix-scope": "everyone", "x-helix-key": "sk-ann", "x-helix-team": "ann"}
    mine = said(await shared.post_chat("Whose is this?", headers=ANN, user="ann"))
    answer = await shared.post_chat("Whose is this?", headers=BO | claims, user="ann", metadata={"user_id": "ann"})

    assert "miss" == answer.verdict and mine != said(answer)


async def test_a_namespace_is_a_cache_of_its_own(shared):
    one, other = {"x-helix-cache-namespace": "one"}, {"x-helix-cache-namespace": "other"}
    question = "What is in a namespace?"

    assert ["miss", "miss", "miss", "exact", "exact"] == await verdicts(shared, question, {}, one, other, one, {})
    assert ["exact"] == await verdicts(shared, question, {}, cache={"namespace": "one"})
    assert ["semantic"] == await verdicts(shared, "what is in a namespace", one)
    assert ["miss"] == await verdicts(shared, "what is in a namespace", {"x-helix-cache-namespace": "third"})


async def test_on_off_exact_refresh_and_only(shared):
    def word(value: str) -> dict[str, str]:
        return {"x-helix-cache": value}

    question, near = "How tall is the Eiffel Tower?", "how tall is the Eiffel Tower"
    alone = await shared.post_chat(question, headers=ANN | word("only"))
    assert (504, "cache_miss") == (alone.status, alone.json["error"]["code"])
    assert ["bypass", "miss", "bypass"] == await verdicts(shared, question, word("off"), word("on"), word("off"))
    first = said(await shared.post_chat(question, headers=ANN))
    assert ["exact", "exact"] == await verdicts(shared, question, word("only"), word("exact"))
    assert ["semantic", "miss", "exact"] == await verdicts(shared, near, word("only"), word("exact"), word("exact"))
    assert ["miss"] == await verdicts(shared, question, word("refresh"))
    assert first != said(await shared.post_chat(question, headers=ANN | word("only")))
    assert 400 == (await shared.post_chat(question, headers=ANN | word("laxer"))).status


@pytest.mark.parametrize(
    ("name", "directive", "first", "then"),
    [
        ("no-cache", {"cache-control": "no-cache"}, "miss", "miss"),
        ("no-store", {"cache-control": "no-store"}, "bypass", "bypass"),
        ("both", {"cache-control": "no-cache, no-store"}, "bypass", "bypass"),
        ("max-age", {"cache-control": "max-age=0"}, "miss", "miss"),
        ("max-age long", {"cache-control": "max-age=3600"}, "miss", "exact"),
        ("unknown", {"cache-control": "private, stale-if-error=5"}, "miss", "exact"),
        ("ttl 0", {"x-helix-cache-ttl": "0"}, "miss", "miss"),
        ("ttl", {"x-helix-cache-ttl": "3600"}, "miss", "exact"),
        ("laxer never", {"x-helix-cache": "on", "cache-control": "no-store"}, "bypass", "bypass"),
    ],
)
async def test_cache_control_and_ttl(shared, name, directive, first, then):
    assert [first, then] == await verdicts(shared, f"Tell me about {name}", directive, directive)


@pytest.mark.parametrize(
    ("field", "expected", "afterwards"),
    [
        ({"no-cache": True}, ["miss", "miss"], "exact"),
        ({"no-store": True}, ["bypass", "bypass"], "miss"),
        ({"ttl": 0}, ["miss", "miss"], "miss"),
        ({"ttl": 600}, ["miss", "exact"], "exact"),
    ],
)
async def test_litellms_field_says_the_same_and_stays_here(shared, provider, field, expected, afterwards):
    question = f"Tell me about the field {sorted(field.items())}"

    assert expected == await verdicts(shared, question, {}, {}, cache=field)
    assert [afterwards] == await verdicts(shared, question, {})
    assert all("cache" not in asked.body for asked in provider.asked)


async def test_an_entry_ends_with_its_ttl(shared):
    headers = {"x-helix-cache-ttl": "0.2"}
    assert ["miss"] == await verdicts(shared, "How long does this last?", headers)
    async with asyncio.timeout(20):
        while ["exact"] == await verdicts(shared, "How long does this last?", {"x-helix-cache": "exact"}):
            await asyncio.sleep(0.05)


async def test_no_request_is_laxer_than_the_policy(provider, tmp_path):
    settings = '[cache]\nmode = "exact"\nttl_s = 3600\n' + openai_settings(provider.openai_url)
    async with Daemon(tmp_path, settings) as daemon:
        on = {"x-helix-cache": "on"}
        question, near = "Is this near?", "is this near"
        assert ["miss", "exact"] == await verdicts(daemon, question, on, on)
        assert ["miss"] == await verdicts(daemon, near, on)
        assert ["exact"] == await verdicts(daemon, question, {"x-helix-cache-ttl": "999999999"})
