"""One request's way through its targets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from daemon.errors import UpstreamFailed, UpstreamTimeout
from daemon.exchange import Target
from daemon.routing.attempts import Dispatcher
from daemon.routing.balancing import Asking
from daemon.routing.route import Cause, Route

A, B, C, D = (Target(name, "m") for name in "abcd")


@pytest.fixture
def dispatcher(clock):
    return replace(Dispatcher.of(clock), sleep=clock.sleep)


def begin(dispatcher, *targets, retries=0, by_cause=None):
    return dispatcher.attempts(Route(targets, by_cause=by_cause or {}), Asking(), retries=retries)


async def asked(attempts, *outcomes) -> list[Target]:
    """Whom a request asks that meets these outcomes, one after the other: statuses, (status, headers), errors, causes
    of a refusal."""
    targets = []
    with attempts:
        for outcome in outcomes:
            if (target := await attempts.next()) is None:
                return targets
            targets.append(target)
            if not goes_on(attempts, outcome):
                attempts.completed()
                return targets
    return targets


def goes_on(attempts, outcome) -> bool:
    if isinstance(outcome, UpstreamFailed):
        return attempts.goes_on_after_failure(outcome)
    if isinstance(outcome, Cause):
        return attempts.goes_on_after(400, {}) or attempts.goes_on_because(outcome)
    status, headers = outcome if isinstance(outcome, tuple) else (outcome, {})
    return attempts.goes_on_after(status, headers)


async def test_an_answer_is_the_end(dispatcher):
    assert [A] == await asked(begin(dispatcher, A, B, retries=1), 200, 200)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_is_the_callers_fault_is_asked_once(dispatcher, status):
    assert [A] == await asked(begin(dispatcher, A, B, retries=1), status, 200)


@pytest.mark.parametrize("outcome", [429, 500, 502, 503, 529, UpstreamFailed("gone"), UpstreamTimeout("slow")])
async def test_another_target_is_asked_at_once(dispatcher, clock, outcome):
    assert [A, B] == await asked(begin(dispatcher, A, B, retries=1), outcome, 200)
    assert [] == clock.slept


async def test_the_only_target_is_asked_once_more_after_a_wait(dispatcher, clock):
    assert [A, A] == await asked(begin(dispatcher, A, retries=1), UpstreamFailed("gone"), 503, 200)
    assert 1 == len(clock.slept)


async def test_where_the_owner_wants_no_retries_there_are_none(dispatcher):
    assert [A, B] == await asked(begin(dispatcher, A, B, retries=0), 503, 503, 200)


async def test_a_wait_is_as_long_as_the_provider_asks(dispatcher, clock):
    assert [A, A] == await asked(begin(dispatcher, A, retries=1), (429, {"retry-after": "2"}), 200)
    assert [2.0] == clock.slept


@pytest.mark.parametrize(
    "outcome", [(429, {"retry-after": "60"}), (500, {"x-should-retry": "false"}), UpstreamTimeout("slow")]
)
async def test_what_another_try_would_not_help_is_passed_on(dispatcher, outcome):
    assert [A] == await asked(begin(dispatcher, A, retries=1), outcome, 200)


async def test_an_outage_is_not_multiplied_by_retries(dispatcher):
    """A hundred requests to a provider that is down: the budget's ten, and a tenth of the others."""
    total = sum([len(await asked(begin(dispatcher, A, retries=1), 503, 503)) for _ in range(100)])

    assert 100 < total <= 100 + 10 + 10


async def test_the_load_on_the_sick_falls_and_it_returns_by_itself(dispatcher, clock):
    for _ in range(3):
        await asked(begin(dispatcher, A, B, retries=1), UpstreamFailed("gone"), 200)
    first = [(await asked(begin(dispatcher, A, B, retries=1), 200))[0] for _ in range(20)]
    clock.at_s += 10
    probe = await asked(begin(dispatcher, A, B, retries=1), 200)

    assert [B] * 20 == first
    assert [A] == probe == await asked(begin(dispatcher, A, B, retries=1), 200)


@pytest.mark.parametrize("cause", Cause)
async def test_a_refusal_goes_to_those_who_are_named_for_its_cause(dispatcher, cause):
    assert [A, C] == await asked(begin(dispatcher, A, B, by_cause={cause: (C, D)}), cause, 200)


async def test_of_those_each_is_asked_once_and_the_last_refusal_stands(dispatcher):
    window = Cause.CONTEXT_WINDOW
    attempts = begin(dispatcher, A, B, by_cause={window: (A, C, D)})

    assert [A, C, D] == await asked(attempts, window, window, window, 200)


async def test_where_nobody_is_named_for_the_cause_the_refusal_stands(dispatcher):
    attempts = begin(dispatcher, A, B, by_cause={Cause.CONTEXT_WINDOW: (C,)})

    assert [A] == await asked(attempts, Cause.CONTENT_POLICY, 200)


async def test_who_refuses_is_well(dispatcher):
    window = Cause.CONTEXT_WINDOW
    for _ in range(5):
        await asked(begin(dispatcher, A, by_cause={window: (B,)}), window, 200)

    assert {} == dispatcher.health.unwell()


async def test_a_target_is_busy_until_its_answer_has_ended(dispatcher):
    with begin(dispatcher, A, B) as attempts:
        await attempts.next()
        first = dispatcher.loads.busy(A), dispatcher.loads.busy(B)
        await attempts.next()
        second = dispatcher.loads.busy(A), dispatcher.loads.busy(B)

    assert [(1, 0), (0, 1), (0, 0)] == [first, second, (dispatcher.loads.busy(A), dispatcher.loads.busy(B))]


async def test_a_stream_that_begins_with_an_error_does_not_make_its_provider_well(dispatcher):
    """Its status was good; where nobody else is left it is passed on all the same."""
    for _ in range(3):
        with begin(dispatcher, A) as attempts:
            await attempts.next()
            attempts.goes_on_after(200, {})
            attempts.goes_on_after(503, {})
            attempts.completed()

    assert {"a"} == set(dispatcher.health.unwell())
