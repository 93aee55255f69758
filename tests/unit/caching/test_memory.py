"""The entries used last: bounded in bytes, never served past their time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.caching.memory import EntryMemory
from daemon.exchange import CacheEntry, Selection


class StandingClock:
    def __init__(self) -> None:
        self.s = 0.0

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.s)

    def monotonic_s(self) -> float:
        return self.s


def entry(number: int, clock: StandingClock, size: int = 100, ttl_s: float = 60, **changes: object) -> CacheEntry:
    now = clock.now().timestamp()
    made = CacheEntry(
        key=b"%d" % number,
        partition=b"p",
        scope="key:ann",
        dialect="chat",
        model="fast",
        question="q",
        answer=b"a" * size,
        vector=None,
        cost_nanos=1,
        input_tokens=1,
        output_tokens=1,
        made_in_ms=1,
        created_at=now,
        expires_at=now + ttl_s,
        id=number,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def memory(clock: StandingClock, max_bytes: int = 10**6, believed_s: float | None = None) -> EntryMemory:
    return EntryMemory(max_bytes=max_bytes, believed_s=believed_s, clock=clock)


def test_the_one_used_longest_ago_leaves_first() -> None:
    clock = StandingClock()
    held = memory(clock, max_bytes=3_800)
    for number in (1, 2, 3):
        held.put(entry(number, clock))
    held.get(b"1")
    held.put(entry(4, clock))

    assert [True, False, True, True] == [held.get(b"%d" % n) is not None for n in (1, 2, 3, 4)]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3_000)), max_size=30))
def test_it_never_holds_more_than_its_bytes(puts: list[tuple[int, int]]) -> None:
    clock = StandingClock()
    held = memory(clock, max_bytes=5_000)
    for number, size in puts:
        held.put(entry(number, clock, size))
        assert held.held_bytes <= 5_000
    held.clear()
    assert 0 == held.held_bytes


def test_an_expired_entry_is_gone() -> None:
    clock = StandingClock()
    held = memory(clock)
    held.put(entry(1, clock, ttl_s=60))
    clock.s = 60

    assert held.get(b"1") is None
    assert 0 == held.held_bytes


def test_another_nodes_entry_is_believed_for_a_moment_only() -> None:
    clock = StandingClock()
    held = memory(clock, believed_s=2)
    held.put(entry(1, clock))
    clock.s = 2

    assert held.get(b"1") is None
    assert held.get(b"1", however_old=True) is not None


def test_clearing_one_scope_leaves_the_others() -> None:
    clock = StandingClock()
    held = memory(clock)
    held.put(entry(1, clock, scope="key:ann"))
    held.put(entry(2, clock, scope="key:bo"))
    held.put(entry(3, clock, scope="key:bo", model="large"))
    held.clear(Selection(scope="key:bo", model="fast"))

    assert [True, False, True] == [held.get(b"%d" % n) is not None for n in (1, 2, 3)]


def test_entries_are_discarded_by_their_id() -> None:
    clock = StandingClock()
    held = memory(clock)
    held.put(entry(1, clock))
    held.put(entry(1, clock, id=7))
    held.discard([1])
    assert held.get(b"1") is not None

    held.discard([7])
    assert held.get(b"1") is None
