"""No window ever holds more than the limit, and nothing that fits is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import RateLimited
from daemon.exchange import LedgerRow
from daemon.security.keys import new_key_id, wanted_key
from daemon.security.rate_limits import WINDOW_S, RateLimits, SlidingWindow, duration

LIMIT = 10
STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.5, 7.0, 29.5, 60.0]), st.integers(0, LIMIT + 2)), max_size=60)


@given(STEPS)
def test_every_window_holds_the_limit_and_what_fits_is_let_in(steps):
    window, now_s, admitted = SlidingWindow(LIMIT), 0.0, []
    for pause_s, amount in steps:
        now_s += pause_s
        used = sum(each for at_s, each in admitted if at_s > now_s - WINDOW_S)
        fits = window.wait_s(amount, now_s) == 0

        assert fits == (used + amount <= LIMIT)
        assert LIMIT - used == window.left(now_s)
        if fits:
            window.add(amount, now_s)
            admitted.append((now_s, amount))


@given(STEPS, st.integers(1, LIMIT))
def test_after_the_wait_it_fits_and_not_a_moment_before(steps, amount):
    window, now_s = SlidingWindow(LIMIT), 0.0
    for pause_s, each in steps:
        now_s += pause_s
        if window.wait_s(each, now_s) == 0:
            window.add(each, now_s)
    wait_s = window.wait_s(amount, now_s)

    assert window.wait_s(amount, now_s + wait_s - 0.25) > 0 or wait_s == 0
    assert 0 == window.wait_s(amount, now_s + wait_s)


@given(st.integers(0, 30), st.integers(0, 30), st.sampled_from([0.0, 30.0, 60.0, 90.0]))
def test_what_was_corrected_counts_from_the_correction_on(estimated, real, later_s):
    window = SlidingWindow(100)
    use = window.add(estimated, 0.0)
    window.correct(use, real, later_s)

    assert 100 - real == window.left(later_s) == window.left(later_s + WINDOW_S - 0.5)
    assert 100 == window.left(later_s + WINDOW_S)


def test_what_is_larger_than_the_limit_never_fits():
    assert float("inf") == SlidingWindow(10).wait_s(11, 0.0)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0ms"), (0.0123, "12ms"), (1, "1s"), (7.664, "7.66s"), (59.999, "1m0s"), (60, "1m0s"), (75.5, "1m15.5s")],
)
def test_durations_are_written_as_openai_does(seconds, said):
    assert said == duration(seconds)


@pytest.fixture
def limits(clock):
    return RateLimits(clock)


async def key_of(keys, **wanted):
    return (await keys.create(wanted_key(wanted), new_key_id()))[0]


def row(request_id, kind, tokens):
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return LedgerRow(request_id, request_id, at, kind, "", "chat", "m", input_tokens=tokens, output_tokens=1)


async def test_requests_of_a_minute(keys, clock, limits):
    key = await key_of(keys, rpm=2)
    for number in range(2):
        async with limits.admitting(key, f"{number}", 1) as headers:
            assert ("2", str(1 - number)) == (
                headers["x-ratelimit-limit-requests"],
                headers["x-ratelimit-remaining-requests"],
            )
        clock.elapsed_s += 20
    with pytest.raises(RateLimited) as refused:
        async with limits.admitting(key, "3", 1):
            pass

    assert "20" == refused.value.headers["retry-after"]
    assert "40s" == refused.value.headers["x-ratelimit-reset-requests"]
    assert "x-ratelimit-limit-tokens" not in refused.value.headers
    clock.elapsed_s += 20
    async with limits.admitting(key, "4", 1):
        pass


async def test_another_key_has_its_own_minute(keys, limits):
    one, two = await key_of(keys, rpm=1), await key_of(keys, rpm=1)
    for key in (one, two):
        async with limits.admitting(key, "1", 1):
            pass


async def test_at_the_same_time(keys, limits):
    key = await key_of(keys, parallel=1)
    async with limits.admitting(key, "1", 1):
        with pytest.raises(RateLimited):
            async with limits.admitting(key, "2", 1):
                pass
    async with limits.admitting(key, "3", 1):
        pass


async def test_a_request_that_failed_has_left(keys, limits):
    key = await key_of(keys, parallel=1)
    with pytest.raises(ZeroDivisionError):
        async with limits.admitting(key, "1", 1):
            raise ZeroDivisionError
    async with limits.admitting(key, "2", 1):
        pass


@pytest.mark.parametrize(("kind", "left"), [("call", "49"), ("hit", "100"), (None, "70")])
async def test_tokens_are_what_the_ledger_says_and_else_the_estimate(keys, limits, kind, left):
    """A hit costs no tokens; a request without any row is taken for what it seemed to be."""
    key = await key_of(keys, tpm=100)
    async with limits.admitting(key, "1", 30) as headers:
        assert "70" == headers["x-ratelimit-remaining-tokens"]
        if kind:
            limits.row(row("1", kind, 50))
    async with limits.admitting(key, "2", 0) as headers:
        assert left == headers["x-ratelimit-remaining-tokens"]


async def test_a_row_that_comes_late_is_not_kept_for_ever(keys, limits):
    key = await key_of(keys, tpm=100)
    async with limits.admitting(key, "1", 1):
        pass
    limits.row(row("1", "call", 50))

    assert {} == limits._spent_tokens


async def test_idle_keys_are_forgotten_and_busy_ones_are_not(keys, clock, limits):
    idle, busy, new = [await key_of(keys, rpm=1, tpm=9) for _ in range(3)]
    async with limits.admitting(idle, "1", 1):
        pass
    async with limits.admitting(busy, "2", 1):
        clock.elapsed_s += 60
        async with limits.admitting(new, "3", 1):
            assert {busy.id, new.id} == set(limits._uses)


async def test_a_refused_request_counts_nothing(keys, limits):
    key = await key_of(keys, rpm=2, tpm=10)
    with pytest.raises(RateLimited):
        async with limits.admitting(key, "1", 11):
            pass
    async with limits.admitting(key, "2", 10) as headers:
        assert "1" == headers["x-ratelimit-remaining-requests"]
