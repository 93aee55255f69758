"""A scope serves what its own checks allow, and stops where they say otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.adapters.store_embedded import EmbeddedStore
from daemon.caching.error_bound import BANDS, MIN_CHECKS, PRIOR_CHECKS, ErrorBounds, interval, is_picked
from daemon.errors import StoreUnavailable
from daemon.exchange import JsonObject

from .conftest import ManualClock

CERTIFIED = (0.07, 0.055, 0.04, 0.026, 0.019, 0.016, 0.011)


def bounds() -> ErrorBounds:
    return ErrorBounds(None, CERTIFIED)


def check(errors: ErrorBounds, probability: float, *, right: int = 0, wrong: int = 0, max_error: float = 0.02) -> None:
    for is_right, times in ((True, right), (False, wrong)):
        for _ in range(times):
            errors.count("key:ann", probability, max_error, is_right=is_right)


def test_a_scope_begins_in_shadow_and_serves_after_enough_right_checks() -> None:
    errors = bounds()
    check(errors, 0.975, right=MIN_CHECKS - 1)
    assert "shadow" == errors.mode("key:ann", 0.02)

    check(errors, 0.975, right=1)

    assert ("serving", 0.97) == (errors.mode("key:ann", 0.02), errors.threshold("key:ann", 0.02))
    assert "shadow" == errors.mode("key:bo", 0.02)


def test_more_right_checks_lower_the_threshold_and_wrong_ones_raise_it() -> None:
    errors = bounds()
    check(errors, 0.82, right=200)
    assert 0.80 == errors.threshold("key:ann", 0.02)

    check(errors, 0.82, wrong=3)

    assert errors.threshold("key:ann", 0.02) is None


def test_who_wants_fewer_errors_is_served_later() -> None:
    errors = bounds()
    check(errors, 0.96, right=2 * MIN_CHECKS)

    assert errors.threshold("key:ann", 0.01) is None
    assert 0.80 == errors.threshold("key:ann", 0.05)


def test_a_scope_that_turns_bad_is_stopped_and_stays_so() -> None:
    errors = bounds()
    check(errors, 0.96, right=400)
    check(errors, 0.96, wrong=3)
    assert "stopped" == errors.mode("key:ann", 0.02)

    check(errors, 0.96, right=1000)

    assert ("stopped", None) == (errors.mode("key:ann", 0.02), errors.threshold("key:ann", 0.02))


@given(st.lists(st.tuples(st.sampled_from(BANDS), st.booleans()), max_size=200), st.sampled_from([0.01, 0.02, 0.05]))
def test_what_is_served_keeps_the_posterior_below_max_error(checks: list[tuple[float, bool]], max_error: float) -> None:
    errors = bounds()
    for probability, is_right in checks:
        errors.count("key:ann", probability, max_error, is_right=is_right)

    threshold = errors.threshold("key:ann", max_error)

    if threshold is not None:
        above = [is_right for probability, is_right in checks if probability >= threshold]
        prior = PRIOR_CHECKS * CERTIFIED[BANDS.index(threshold)]
        assert len(above) >= MIN_CHECKS
        assert (above.count(False) + prior) / (len(above) + PRIOR_CHECKS) <= max_error


async def test_what_was_learned_survives_and_adds_up_over_nodes(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite", ManualClock())
    await store.open()
    ours, theirs = ErrorBounds(store, CERTIFIED), ErrorBounds(store, CERTIFIED)
    check(ours, 0.975, right=20)
    check(theirs, 0.975, right=10)
    await ours.save()
    await theirs.save()
    await ours.load()

    assert "serving" == ours.mode("key:ann", 0.02) == theirs.mode("key:ann", 0.02)
    await ours.forget("key:ann")
    await theirs.load()
    assert [] == theirs.scopes()
    await store.aclose()


class AwayAtFirst:
    """Records whose first write fails."""

    def __init__(self, store: EmbeddedStore) -> None:
        self._store = store
        self._has_failed = False

    async def records(self, kind: str) -> dict[str, JsonObject]:
        return await self._store.records(kind)

    async def put_record(self, kind: str, name: str, record: JsonObject) -> None:
        if not self._has_failed:
            self._has_failed = True
            raise StoreUnavailable("the disk is full")
        await self._store.put_record(kind, name, record)

    async def remove_record(self, kind: str, name: str) -> bool:
        return await self._store.remove_record(kind, name)


async def test_what_could_not_be_written_is_written_once_later(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite", ManualClock())
    await store.open()
    errors = ErrorBounds(AwayAtFirst(store), CERTIFIED)
    check(errors, 0.96, right=10, wrong=1)

    await errors.save()
    assert (11, 1) == errors.checks("key:ann", 0.02)
    await errors.save()
    await errors.save()

    again = ErrorBounds(store, CERTIFIED)
    await again.load()
    assert (11, 1) == errors.checks("key:ann", 0.02) == again.checks("key:ann", 0.02)
    await store.aclose()


def test_a_twentieth_of_the_requests_is_picked() -> None:
    assert pytest.approx(0.05, abs=0.005) == sum(is_picked(bytes([first])) for first in range(256)) / 256


def test_the_interval_is_wilsons() -> None:
    assert (0.0, 1.0) == interval(0, 0)
    assert (0.0055, 0.0700) == tuple(round(bound, 4) for bound in interval(2, 100))
