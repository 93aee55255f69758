"""Near hits that are remembered for an audit: bounded, of each scope a fair share, each request once."""

from __future__ import annotations

from datetime import UTC, datetime

from daemon.caching.lookup import Lookup
from daemon.dialects import dialect_named
from daemon.exchange import Ask, CacheDirectives, CacheEntry, Caller, Selection, Target, Verdict
from daemon.fetch import Request
from daemon.near_hits import MAX_REMEMBERED, NearHits
from daemon.pii.privacy import Hidden
from daemon.routing.route import Route


def note(near_hits: NearHits, number: int, scope: str, user: str | None = None) -> None:
    ask = Ask(
        id=f"ask-{number}",
        dialect="chat",
        body={},
        model="m",
        stream=False,
        caller=Caller("key", user=user, credential="sk-secret"),
        tags=(),
        directives=CacheDirectives(),
        forward_headers={},
        received_at=datetime.now(UTC),
        started_s=0.0,
    )
    lookup = Lookup(Verdict.SEMANTIC, number.to_bytes(32, "big"))
    request = Request(ask, dialect_named("chat"), Hidden(), Route((Target("p", "m"),)), lookup)
    entry = CacheEntry(b"", b"", scope, "chat", "m", "q", b"{}", None, 0, 0, 0, 0, 0.0, 1.0, id=1)
    near_hits.note(request, entry)


def test_a_busy_scope_leaves_room_for_the_others() -> None:
    near_hits = NearHits()
    for number in range(2 * MAX_REMEMBERED):
        note(near_hits, number, "key:busy")
    for number in range(300):
        note(near_hits, number, "key:quiet")

    assert 300 == len(near_hits.in_order("key:quiet"))
    assert MAX_REMEMBERED == len(near_hits.in_order(None))


def test_the_sample_is_of_all_that_came_and_not_of_the_last() -> None:
    """The first half came before there was no more room; half of the sample is of it, give or take 5 deviations."""
    near_hits = NearHits()
    for number in range(4 * MAX_REMEMBERED):
        note(near_hits, number, "key:ann")
    early = [hit for hit in near_hits.in_order(None) if int(hit.request.ask.id[4:]) < 2 * MAX_REMEMBERED]

    assert abs(len(early) - MAX_REMEMBERED / 2) < 5 * (MAX_REMEMBERED / 4) ** 0.5


def test_a_request_counts_once_and_not_again_after_its_audit() -> None:
    near_hits = NearHits()
    for _ in range(3):
        note(near_hits, 7, "key:ann")
    (hit,) = near_hits.in_order("key:ann")
    near_hits.audited(hit)
    note(near_hits, 7, "key:ann")

    assert [] == near_hits.in_order(None)
    assert hit.request.ask.caller.credential is None


def test_what_is_removed_is_forgotten_by_scope_and_by_who_asked() -> None:
    near_hits = NearHits()
    note(near_hits, 1, "team:red", user="ann")
    note(near_hits, 2, "team:red", user="bo")
    note(near_hits, 3, "key:cy")

    near_hits.forget(Selection(user="ann"))
    assert {"ask-2", "ask-3"} == {hit.request.ask.id for hit in near_hits.in_order(None)}
    near_hits.forget(Selection(scope="team:red"))
    assert {"ask-3"} == {hit.request.ask.id for hit in near_hits.in_order(None)}
