"""Three real servers behind one request's attempts: slow, cut, refusing, limiting, and well again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing

import pytest

from daemon.adapters.provider_openai import OpenAiProvider
from daemon.clock import SystemClock
from daemon.errors import UpstreamFailed
from daemon.exchange import Call, Target
from daemon.routing.attempts import Dispatcher
from daemon.routing.balancing import Asking
from daemon.routing.health import FAILURES_IN_A_ROW
from daemon.routing.route import Route, Sharing
from daemon.settings import ProviderSettings
from tests.upstream import Reply, Upstream

NAMES = ("one", "two", "three")
TARGETS = tuple(Target(name, "m") for name in NAMES)


class Clock(SystemClock):
    """The real one, which a test can put forward."""

    ahead_s = 0.0

    def monotonic_s(self) -> float:
        return super().monotonic_s() + self.ahead_s


@pytest.fixture
async def servers():
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Upstream(f"from {name}")) for name in NAMES]


@pytest.fixture
async def providers(servers):
    settings = [
        ProviderSettings(name=name, type="openai", base_url=server.openai_url, timeout_s=0.5)
        for name, server in zip(NAMES, servers, strict=True)
    ]
    providers = {each.name: OpenAiProvider(each) for each in settings}
    yield providers
    for provider in providers.values():
        await provider.aclose()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def dispatcher(clock):
    return Dispatcher.of(clock)


IN_ORDER = Route(TARGETS)


async def answer(dispatcher, providers, route=IN_ORDER, conversation=b"") -> tuple[str, int, bytes]:
    """As the gateway fetches: who answered, with which status and body."""
    with dispatcher.attempts(route, Asking(conversation), retries=0) as attempts:
        while (target := await attempts.next()) is not None:
            call = Call(target, "chat", {"model": "m", "messages": [{"role": "user", "content": "hi"}]}, False, {})
            try:
                reply = await providers[target.provider].ask(call)
                async with aclosing(reply.pieces):
                    if attempts.goes_on_after(reply.status, reply.headers):
                        continue
                    body = b"".join([piece async for piece in reply.pieces])
                    attempts.began(0.01)
                    attempts.completed()
                    return target.provider, reply.status, body
            except UpstreamFailed as error:
                if not attempts.goes_on_after_failure(error):
                    raise
    raise AssertionError("attempts ended without an answer")


SICK = {
    "slow": lambda: Reply(hold=asyncio.Event()),
    "hangs up": lambda: Reply(garbage=b""),
    "speaks nonsense": lambda: Reply(garbage=b"nonsense\r\n\r\n"),
    "breaks off": lambda: Reply(cut_after=1),
    "refuses": lambda: Reply.error(503),
    "limits": lambda: Reply.error(429, retry_after_s=30),
}


@pytest.mark.parametrize("how", SICK)
async def test_another_answers_and_the_load_on_the_sick_falls(servers, providers, dispatcher, how):
    servers[0].always(SICK[how]())
    answers = [await answer(dispatcher, providers) for _ in range(8)]

    assert all((name, status) == ("two", 200) for name, status, _ in answers)
    assert FAILURES_IN_A_ROW >= len(servers[0].asked)
    assert (8, 0) == (len(servers[1].asked), len(servers[2].asked))


async def test_it_returns_by_itself(servers, providers, dispatcher, clock):
    servers[0].next(*[Reply.error(503)] * FAILURES_IN_A_ROW)
    for _ in range(FAILURES_IN_A_ROW):
        await answer(dispatcher, providers)
    clock.ahead_s += 10

    assert ["one"] * 3 == [(await answer(dispatcher, providers))[0] for _ in range(3)]


async def test_many_at_once_send_one_probe(servers, providers, dispatcher, clock):
    servers[0].always(Reply.error(503))
    for _ in range(FAILURES_IN_A_ROW):
        await answer(dispatcher, providers)
    clock.ahead_s += 10
    answers = await asyncio.gather(*[answer(dispatcher, providers) for _ in range(20)])

    assert {"two"} == {name for name, _, _ in answers}
    assert FAILURES_IN_A_ROW + 1 == len(servers[0].asked)


async def test_where_all_are_sick_the_last_ones_own_answer_comes_through(servers, providers, dispatcher):
    for server in servers:
        server.always(Reply.error(429, "too much", retry_after_s=60))
    _, status, body = await answer(dispatcher, providers)

    assert 429 == status
    assert b"too much" in body
    assert [1, 1, 1] == [len(server.asked) for server in servers]


async def test_no_request_is_answered_twice(servers, providers, dispatcher):
    """Each request that one server answered well reached no other after it."""
    servers[0].next(Reply.error(500), "well", Reply(garbage=b""), "well")
    names = [(await answer(dispatcher, providers))[0] for _ in range(4)]

    assert ["two", "one", "two", "one"] == names
    assert (4, 2, 0) == tuple(len(server.asked) for server in servers)


STRATEGIES = ("weighted", "least_busy", "lowest_latency", "cheapest")


def shared(strategy, *, sticky=False) -> Route:
    return Route(TARGETS, Sharing((1.0, 1.0, 1.0), strategy, sticky))


@pytest.mark.parametrize("how", SICK)
@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_of_three_that_share_a_model_the_well_ones_answer(servers, providers, dispatcher, clock, strategy, how):
    """All are answered, once, while one is sick; the load on it falls, and it is back once it is well."""
    servers[0].always(SICK[how]())
    rounds = [
        await asyncio.gather(*(answer(dispatcher, providers, shared(strategy), b"%d %d" % (at, n)) for n in range(6)))
        for at in range(6)
    ]
    sick, well = len(servers[0].asked), len(servers[1].asked) + len(servers[2].asked)
    servers[0].always("well again")
    clock.ahead_s += 60
    later = [await answer(dispatcher, providers, shared(strategy), b"later %d" % n) for n in range(30)]

    assert all(status == 200 and name != "one" for answers in rounds for name, status, _ in answers)
    assert 36 == well
    # The first six may all be under way before it is known to be sick; then it is asked no more.
    assert 6 + FAILURES_IN_A_ROW >= sick
    assert all(status == 200 for _, status, _ in later)
    assert "one" in {name for name, _, _ in later}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_conversation_leaves_a_sick_target_and_stays_with_the_next(servers, providers, dispatcher, strategy):
    route = shared(strategy, sticky=True)
    home, _, _ = await answer(dispatcher, providers, route, b"conversation")
    servers[NAMES.index(home)].always(Reply.error(503))
    names = [(await answer(dispatcher, providers, route, b"conversation"))[0] for _ in range(6)]

    assert home not in names
    assert 1 == len(set(names))
