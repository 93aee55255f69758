"""What a request may ask of the cache; never more than its owner allows."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from daemon.caching.directives import policy, read_directives, stricter
from daemon.errors import BadRequest
from daemon.exchange import CacheDirectives
from daemon.settings import CacheSettings

SEMANTIC = CacheSettings()


def read(
    headers: dict[str, str] | None = None, cache: Any = None, settings: CacheSettings = SEMANTIC
) -> CacheDirectives:
    body = {} if cache is None else {"cache": cache}
    return read_directives(CIMultiDict(headers or {}), body, settings)


def test_a_plain_request_gets_what_the_owner_set() -> None:
    assert CacheDirectives() == read()
    assert CacheDirectives(near=False) == read(settings=CacheSettings(mode="exact"))
    assert CacheDirectives(look=False, keep=False, near=False) == read(settings=CacheSettings(mode="off"))


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("on", CacheDirectives()),
        ("off", CacheDirectives(look=False, keep=False)),
        ("exact", CacheDirectives(near=False)),
        ("refresh", CacheDirectives(look=False)),
        ("Only", CacheDirectives(only=True)),
    ],
)
def test_the_header_says_one_word(word: str, expected: CacheDirectives) -> None:
    assert expected == read({"X-Helix-Cache": word})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("no-cache", CacheDirectives(look=False)),
        ("no-store", CacheDirectives(look=False, keep=False)),
        ("max-age=60", CacheDirectives(max_age_s=60)),
        ('max-age="60", no-transform', CacheDirectives(max_age_s=60)),
        ("No-Cache, max-age=0", CacheDirectives(look=False, max_age_s=0)),
        ("private", CacheDirectives()),
    ],
)
def test_cache_control_means_what_http_says(value: str, expected: CacheDirectives) -> None:
    assert expected == read({"Cache-Control": value})


def test_a_header_that_comes_twice_counts_twice() -> None:
    headers = CIMultiDict([("cache-control", "max-age=9"), ("Cache-Control", "no-store")])

    assert CacheDirectives(look=False, keep=False, max_age_s=9) == read_directives(headers, {}, SEMANTIC)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"no-cache": True}, CacheDirectives(look=False)),
        ({"no-cache": False, "no-store": None}, CacheDirectives()),
        ({"no-store": True}, CacheDirectives(look=False, keep=False)),
        ({"ttl": 30, "s-maxage": 5}, CacheDirectives(ttl_s=30, max_age_s=5)),
        ({"namespace": "a"}, CacheDirectives(namespace="a")),
        ({"use-cache": True}, CacheDirectives()),
    ],
)
def test_litellms_field_is_understood(field: dict[str, Any], expected: CacheDirectives) -> None:
    assert expected == read(cache=field)


def test_the_shortest_time_wins_and_the_headers_namespace() -> None:
    headers = {"x-helix-cache-ttl": "60", "x-helix-cache-namespace": "mine", "cache-control": "max-age=7"}

    got = read(headers, cache={"ttl": 30, "s-maxage": 90, "namespace": "other"})

    assert CacheDirectives(ttl_s=30, max_age_s=7, namespace="mine") == got


def test_an_answer_for_no_time_is_not_kept() -> None:
    assert CacheDirectives(ttl_s=0, keep=False) == read({"x-helix-cache-ttl": "0"})


@pytest.mark.parametrize(
    ("headers", "cache"),
    [
        ({"x-helix-cache": "maybe"}, None),
        ({"x-helix-cache-ttl": "-1"}, None),
        ({"x-helix-cache-ttl": "nan"}, None),
        ({"x-helix-cache-ttl": "1e3"}, None),
        ({"x-helix-cache-namespace": ""}, None),
        ({"x-helix-cache-namespace": "n" * 129}, None),
        ({"cache-control": "max-age=soon"}, None),
        ({}, "yes"),
        ({}, {"ttl": "60"}),
        ({}, {"ttl": True}),
        ({}, {"ttl": -1}),
        ({}, {"ttl": float("inf")}),
        ({}, {"no-store": "yes"}),
        ({}, {"namespace": 7}),
    ],
)
def test_what_cannot_be_understood_is_refused_by_name(headers: dict[str, str], cache: Any) -> None:
    with pytest.raises(BadRequest) as refusal:
        read(headers, cache)

    assert (refusal.value.param or "").split(":")[0].lower() in {*map(str.lower, headers), "cache"} | {
        f"cache.{name}" for name in (cache if isinstance(cache, dict) else ())
    }


WISHES = st.builds(
    CacheDirectives,
    look=st.booleans(),
    keep=st.booleans(),
    near=st.booleans(),
    only=st.booleans(),
    ttl_s=st.none() | st.floats(0, 1e6),
    max_age_s=st.none() | st.floats(0, 1e6),
)


@given(WISHES, WISHES)
def test_together_two_wishes_never_allow_more_than_one(one: CacheDirectives, other: CacheDirectives) -> None:
    both = stricter(one, other)

    assert both == stricter(other, one)
    for wish in (one, other):
        assert both.look <= wish.look and both.keep <= wish.keep and both.near <= wish.near
        assert both.only >= wish.only
        assert wish.ttl_s is None or (both.ttl_s is not None and both.ttl_s <= wish.ttl_s)
        assert wish.max_age_s is None or (both.max_age_s is not None and both.max_age_s <= wish.max_age_s)


@given(st.sampled_from(["on", "exact", "refresh", "only", "off"]), st.sampled_from(["off", "exact", "semantic"]))
def test_no_header_loosens_the_owners_mode(word: str, mode: Any) -> None:
    settings = CacheSettings(mode=mode)
    got, allowed = read({"x-helix-cache": word}, settings=settings), policy(settings)

    assert got.look <= allowed.look and got.keep <= allowed.keep and got.near <= allowed.near
