"""A scope serves what its own checks allow, and stops where they say otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.adapters.store_embedded import EmbeddedStore
from daemon.caching.error_bound import MIN_CHECKS, ErrorBounds, checks_needed, interval
from daemon.caching.error_estimate import BANDS, Checks, believed_errors, is_candidate
from daemon.caching.verifier import Odds
from daemon.errors import StoreUnavailable
from daemon.exchange import JsonObject

from .conftest import ManualClock

ENOUGH = round(checks_needed(0.02))
NEVER_PICKED = b"\xff"


def bounds() -> ErrorBounds:
    return ErrorBounds(None)


def check(
    errors: ErrorBounds,
    specific: float,
    *,
    right: int = 0,
    wrong: int = 0,
    topical: float = 0.0,
    max_error: float = 0.02,
) -> None:
    for is_right, times in ((True, right), (False, wrong)):
        for _ in range(times):
            errors.count("key:ann", Odds(specific, topical), max_error, is_right=is_right)


def test_a_scope_begins_in_shadow_and_serves_after_enough_right_checks() -> None:
    errors = bounds()
    check(errors, 0.995, right=ENOUGH - 1)
    assert ("shadow", None) == (errors.mode("key:ann", 0.02), errors.threshold("key:ann", 0.02))

    check(errors, 0.995, right=1)

    assert "serving" == errors.mode("key:ann", 0.02)
    assert "shadow" == errors.mode("key:bo", 0.02)


def test_wrong_checks_raise_the_threshold_and_more_right_ones_lower_it() -> None:
    errors = bounds()
    check(errors, 0.97, right=100)
    check(errors, 0.81, right=20, wrong=4)
    threshold = errors.threshold("key:ann", 0.02)
    assert threshold is not None and 0.81 < threshold.probability < 0.97

    check(errors, 0.81, right=600)

    lower = errors.threshold("key:ann", 0.02)
    assert lower is not None and lower.probability <= 0.81


def test_a_band_where_nothing_was_checked_is_judged_by_its_neighbours() -> None:
    """That all was right at .98 says much of .97 and little of .80."""
    above, below = Checks.none("specific"), Checks.none("specific")
    above.right[BANDS["specific"].index(0.98)] = 100
    below.right[BANDS["specific"].index(0.80)] = 100

    for checks in (above, below):
        checks.served[BANDS["specific"].index(0.90)] = 1_000

    lowest = BANDS["specific"].index(0.80)
    assert list(believed_errors(below, "specific"))[lowest] < 0.05 < list(believed_errors(above, "specific"))[lowest]


def test_who_wants_fewer_errors_is_served_later() -> None:
    errors = bounds()
    check(errors, 0.96, right=2 * MIN_CHECKS)

    assert errors.threshold("key:ann", 0.01) is None
    assert errors.threshold("key:ann", 0.05) is not None


def test_the_reading_that_holds_in_a_scope_is_the_one_that_admits_more() -> None:
    """At a help desk one answer stands for a concern, however its details read."""
    errors = bounds()
    check(errors, 0.50, topical=0.92, right=200)
    check(errors, 0.99, topical=0.92, right=50)

    threshold = errors.threshold("key:ann", 0.05)

    assert threshold is not None
    assert "topical" == threshold.reading
    assert threshold.admits(Odds(0.1, 0.92))
    assert not threshold.admits(Odds(0.99, 0.1))


def test_what_is_served_unchecked_counts_by_what_was_checked_of_its_kind() -> None:
    """Below a threshold everything is checked, above it one in 20: the doubtful tenth would otherwise weigh half."""
    doubtful, sure = (BANDS["specific"].index(band) for band in (0.90, 0.99))
    checks = Checks.none("specific")
    checks.right[doubtful], checks.wrong[doubtful], checks.right[sure] = 90, 10, 50
    unweighted = list(believed_errors(checks, "specific"))[doubtful]

    checks.served[sure] = 950

    assert list(believed_errors(checks, "specific"))[doubtful] < 0.04 < 0.06 < unweighted
    assert 1_100 == checks.candidates(doubtful)
    assert (50, 0) == checks.above(sure)


def test_what_is_nearly_the_same_text_is_served_while_its_own_checks_allow_it() -> None:
    errors = bounds()
    near = Odds(0.99, 0.99, "near")
    assert errors.serves_near("key:ann", 0.02)

    errors.count("key:ann", near, 0.02, is_right=False)
    assert not errors.serves_near("key:ann", 0.02)

    for _ in range(100):
        errors.count("key:ann", near, 0.02, is_right=True)
    assert errors.serves_near("key:ann", 0.02)


def test_a_scope_that_turns_bad_is_stopped_and_stays_so() -> None:
    errors = bounds()
    check(errors, 0.96, right=2_000)
    check(errors, 0.96, wrong=7)
    assert "stopped" == errors.mode("key:ann", 0.02)

    check(errors, 0.96, right=1_000)

    assert ("stopped", None) == (errors.mode("key:ann", 0.02), errors.threshold("key:ann", 0.02))


ODDS = st.builds(Odds, st.sampled_from(BANDS["specific"]), st.sampled_from(BANDS["topical"]))


@given(st.lists(st.tuples(ODDS, st.booleans()), max_size=200), st.sampled_from([0.01, 0.02, 0.05]))
def test_what_is_served_keeps_the_posterior_below_max_error(checks: list[tuple[Odds, bool]], max_error: float) -> None:
    errors = bounds()
    for odds, is_right in checks:
        errors.count("key:ann", odds, max_error, is_right=is_right)

    threshold = errors.threshold("key:ann", max_error)

    if threshold is not None:
        above = [is_right for odds, is_right in checks if threshold.admits(odds)]
        assert len(above) >= checks_needed(max_error)
        assert above.count(False) / len(above) <= max_error


async def test_what_was_learned_survives_and_adds_up_over_nodes(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite", ManualClock())
    await store.open()
    ours, theirs = ErrorBounds(store), ErrorBounds(store)
    check(ours, 0.975, right=ENOUGH - 10)
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
        await self._store.put_record(kind, name, record)

    async def replace_record(self, kind: str, name: str, record: JsonObject, *, instead_of: JsonObject | None) -> bool:
        if not self._has_failed:
            self._has_failed = True
            raise StoreUnavailable("the disk is full")
        return await self._store.replace_record(kind, name, record, instead_of=instead_of)

    async def remove_record(self, kind: str, name: str) -> bool:
        return await self._store.remove_record(kind, name)


async def test_what_could_not_be_written_is_written_once_later(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path / "store.sqlite", ManualClock())
    await store.open()
    errors = ErrorBounds(AwayAtFirst(store))
    check(errors, 0.96, right=10, wrong=1)

    await errors.save()
    assert (11, 1) == errors.checks("key:ann", 0.02)
    await errors.save()
    await errors.save()

    again = ErrorBounds(store)
    await again.load()
    assert (11, 1) == errors.checks("key:ann", 0.02) == again.checks("key:ann", 0.02)
    await store.aclose()


def picked(errors: ErrorBounds) -> float:
    return sum(errors.is_picked("key:ann", bytes([first]), 0.02) for first in range(256)) / 256


def test_fewer_are_picked_as_checks_grow_but_always_a_twentieth() -> None:
    errors = bounds()
    assert pytest.approx(0.05, abs=0.005) == picked(errors)

    check(errors, 0.975, right=100)
    assert pytest.approx(0.10, abs=0.005) == picked(errors)

    check(errors, 0.975, right=900)
    assert pytest.approx(0.05, abs=0.005) == picked(errors)


def test_a_candidate_is_what_some_threshold_would_admit() -> None:
    assert is_candidate(Odds(BANDS["specific"][0], 0.0))
    assert is_candidate(Odds(0.0, BANDS["topical"][0]))
    assert not is_candidate(Odds(BANDS["specific"][0] - 0.01, BANDS["topical"][0] - 0.01))


def test_the_interval_is_wilsons() -> None:
    assert (0.0, 1.0) == interval(0, 0)
    assert (0.0055, 0.0700) == tuple(round(bound, 4) for bound in interval(2, 100))
