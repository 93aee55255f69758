"""What keys use in a minute, counted by nodes that share a Redis; and by each for itself while it is away."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.adapters.rates_redis import COUNTS_S, OPEN_LEASE_S, RedisRates
from daemon.errors import RateLimited
from daemon.exchange import LedgerRow
from daemon.ports.security import RateCaps
from daemon.security.keys import VirtualKey
from daemon.security.rate_limits import RateLimits

from .conftest import PATIENT, HandClock

CAPS = RateCaps(rpm=3, tpm=100, parallel=2)


@pytest.fixture
async def rates(redis_server, clock: HandClock) -> AsyncIterator[RedisRates]:
    rates = RedisRates(redis_server.url, clock, uuid.uuid4().hex, PATIENT)
    yield rates
    await rates.aclose()


def limited_key(**limits: int) -> VirtualKey:
    return VirtualKey(id=f"key_{uuid.uuid4().hex}", created_at=datetime(2026, 11, 1, tzinfo=UTC), secrets=(), **limits)


async def test_each_cap_holds_alone(rates: RedisRates) -> None:
    for caps, fits in ((RateCaps(1, None, None), 1), (RateCaps(None, 20, None), 2), (RateCaps(None, None, 3), 3)):
        key = uuid.uuid4().hex
        seen = [await rates.admit(key, f"{number}", caps, 10) for number in range(4)]
        assert [True] * fits + [False] * (4 - fits) == [each.is_admitted for each in seen]
        assert [min(number, fits) for number in range(4)] == [each.under_way for each in seen]


async def test_what_was_refused_counts_nothing(rates: RedisRates) -> None:
    assert not (await rates.admit("k", "1", CAPS, 101)).is_admitted
    seen = await rates.admit("k", "2", CAPS, 100)

    assert seen.is_admitted and (0, [], []) == (seen.under_way, seen.requests, seen.tokens)


async def test_what_was_really_spent_takes_the_place_of_the_estimate(rates: RedisRates, clock: HandClock) -> None:
    seen = await rates.admit("k", "1", CAPS, 30)
    clock.advance(10)
    await rates.leave("k", "1", seen.at, 30, 70)

    assert [(COUNTS_S, 70)] == [use for use in (await rates.admit("k", "2", CAPS, 30)).tokens if use[1]]
    assert not (await rates.admit("k", "3", CAPS, 1)).is_admitted


async def test_a_request_whose_node_died_leaves_by_itself(rates: RedisRates, clock: HandClock) -> None:
    for name in ("dead", "alive"):
        await rates.admit("k", name, RateCaps(None, None, 2), 0)
    clock.advance(OPEN_LEASE_S - 1)
    await rates.renew("k", ["alive", "never seen"])
    clock.advance(2)

    assert 1 == (await rates.admit("k", "next", RateCaps(None, None, 2), 0)).under_way


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.sampled_from([0.0, 0.3, 7.0, 30.0, 59.7, 61.0]), st.integers(0, 60)), max_size=25),
)
async def test_no_minute_holds_more_than_the_caps_and_what_fits_in_a_second_more_is_let_in(
    rates: RedisRates, clock: HandClock, steps: list[tuple[float, int]]
) -> None:
    key, admitted = uuid.uuid4().hex, []
    for number, (pause_s, tokens) in enumerate(steps):
        clock.advance(pause_s)
        now = clock.now().timestamp()
        is_in = (await rates.admit(key, f"{number}", RateCaps(3, 100, None), tokens)).is_admitted
        used = Counter(requests=1, tokens=tokens)
        longer = used.copy()
        for at, each in admitted:
            used += each if at > now - 60 else Counter()
            longer += each if at > now - COUNTS_S else Counter()
        assert not is_in or (used["requests"] <= 3 and used["tokens"] <= 100)
        assert is_in or longer["requests"] > 3 or longer["tokens"] > 100
        if is_in:
            admitted.append((now, Counter(requests=1, tokens=tokens)))


async def test_a_fleet_counts_together(redis_server, clock: HandClock) -> None:
    """Headers say what is left for all; a node that has asked nothing refuses what others have used up."""
    namespace, key = uuid.uuid4().hex, limited_key(rpm=3, tpm=100)
    one, two = (RateLimits(clock, RedisRates(redis_server.url, clock, namespace, PATIENT)) for _ in range(2))
    async with one.admitting(key, "1", 10):
        one.row(_row("1", tokens=40))
    async with two.admitting(key, "2", 10) as headers:
        assert ("1", "49") == (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-remaining-tokens"])
        with pytest.raises(RateLimited) as refused:
            async with one.admitting(key, "3", 60):
                pass

    assert "60" == refused.value.headers["retry-after"]
    assert "1" == refused.value.headers["x-ratelimit-remaining-requests"]
    for limits in (one, two):
        await limits.aclose()


async def test_while_the_store_is_away_each_node_counts_for_itself(own_redis_server, clock: HandClock) -> None:
    key = limited_key(rpm=2)
    async with AsyncExitStack() as stack:
        nodes = [RateLimits(clock, RedisRates(own_redis_server.url, clock)) for _ in range(2)]
        for node in nodes:
            stack.push_async_callback(node.aclose)
        async with nodes[0].admitting(key, "1", 1):
            own_redis_server.kill()
        async with nodes[0].admitting(key, "2", 1):
            pass
        with pytest.raises(RateLimited):
            async with nodes[0].admitting(key, "3", 1):
                pass
        async with nodes[1].admitting(key, "4", 1) as headers:
            assert "1" == headers["x-ratelimit-remaining-requests"]


def _row(request_id: str, tokens: int) -> LedgerRow:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return LedgerRow(request_id, request_id, at, "call", "settled", "chat", "m", input_tokens=tokens, output_tokens=1)
