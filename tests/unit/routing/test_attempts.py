"""One request's way through its targets."""

from __future__ import annotations

import pytest

from daemon.errors import UpstreamFailed, UpstreamTimeout
from daemon.exchange import Target
from daemon.routing.attempts import Dispatcher
from daemon.routing.health import Health

A, B = Target("a", "m"), Target("b", "m")


@pytest.fixture
def dispatcher(clock):
    return Dispatcher(clock, Health(clock), sleep=clock.sleep)


async def asked(attempts, *outcomes) -> list[Target]:
    """Whom a request asks that meets these outcomes, one after the other: statuses, (status, headers), errors."""
    targets = []
    for outcome in outcomes:
        if (target := await attempts.next()) is None:
            return targets
        targets.append(target)
        if isinstance(outcome, UpstreamFailed):
            goes_on = attempts.goes_on_after_failure(outcome)
        else:
            goes_on = attempts.goes_on_after(*(outcome if isinstance(outcome, tuple) else (outcome, {})))
        if not goes_on:
            attempts.completed()
            return targets
    return targets


async def test_an_answer_is_the_end(dispatcher):
    assert [A] == await asked(dispatcher.attempts((A, B), retries=1), 200, 200)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_is_the_callers_fault_is_asked_once(dispatcher, status):
    assert [A] == await asked(dispatcher.attempts((A, B), retries=1), status, 200)


@pytest.mark.parametrize("outcome", [429, 500, 502, 503, 529, UpstreamFailed("gone"), UpstreamTimeout("slow")])
async def test_another_target_is_asked_at_once(dispatcher, clock, outcome):
    assert [A, B] == await asked(dispatcher.attempts((A, B), retries=1), outcome, 200)
    assert [] == clock.slept


async def test_the_only_target_is_asked_once_more_after_a_wait(dispatcher, clock):
    assert [A, A] == await asked(dispatcher.attempts((A,), retries=1), UpstreamFailed("gone"), 503, 200)
    assert 1 == len(clock.slept)


async def test_where_the_owner_wants_no_retries_there_are_none(dispatcher):
    assert [A, B] == await asked(dispatcher.attempts((A, B), retries=0), 503, 503, 200)


async def test_a_wait_is_as_long_as_the_provider_asks(dispatcher, clock):
    assert [A, A] == await asked(dispatcher.attempts((A,), retries=1), (429, {"retry-after": "2"}), 200)
    assert [2.0] == clock.slept


@pytest.mark.parametrize(
    "outcome", [(429, {"retry-after": "60"}), (500, {"x-should-retry": "false"}), UpstreamTimeout("slow")]
)
async def test_what_another_try_would_not_help_is_passed_on(dispatcher, outcome):
    assert [A] == await asked(dispatcher.attempts((A,), retries=1), outcome, 200)


async def test_an_outage_is_not_multiplied_by_retries(dispatcher):
    """A hundred requests to a provider that is down: the budget's ten, and a tenth of the others."""
    total = sum([len(await asked(dispatcher.attempts((A,), retries=1), 503, 503)) for _ in range(100)])

    assert 100 < total <= 100 + 10 + 10


async def test_the_load_on_the_sick_falls_and_it_returns_by_itself(dispatcher, clock):
    for _ in range(3):
        await asked(dispatcher.attempts((A, B), retries=1), UpstreamFailed("gone"), 200)
    first = [(await asked(dispatcher.attempts((A, B), retries=1), 200))[0] for _ in range(20)]
    clock.at_s += 10
    probe = await asked(dispatcher.attempts((A, B), retries=1), 200)

    assert [B] * 20 == first
    assert [A] == probe == await asked(dispatcher.attempts((A, B), retries=1), 200)
