"""Who shares an answer with whom: keys that never collide, scopes that never look alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from daemon.caching.keys import KeyParts, Keys, scope_of, signed
from daemon.dialects import dialect_named
from daemon.exchange import Caller

TEXTS = st.text(max_size=8)
PARTS = st.builds(KeyParts, TEXTS, TEXTS, st.sampled_from(["chat", "messages"]), TEXTS, TEXTS, TEXTS, TEXTS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
BODIES = st.dictionaries(TEXTS, JSON, max_size=4)

SOME_PARTS = KeyParts("key:ann", "", "chat", "openai", "gpt-4o-mini", "", "pii-1")


@given(PARTS, PARTS, BODIES)
def test_different_parts_never_share_a_key(one: KeyParts, other: KeyParts, body: dict[str, Any]) -> None:
    assert (one == other) == (Keys(one).exact(body) == Keys(other).exact(body))


@given(st.lists(TEXTS, min_size=7, max_size=7), st.integers(0, 5))
def test_a_character_that_moves_to_the_next_part_makes_another_key(texts: list[str], at: int) -> None:
    texts[at] += "x"
    moved = [*texts[:at], texts[at][:-1], "x" + texts[at + 1], *texts[at + 2 :]]

    assert Keys(KeyParts(*texts)).exact({}) != Keys(KeyParts(*moved)).exact({})  # type: ignore[arg-type]


@given(BODIES)
def test_the_order_of_keys_does_not_matter(body: dict[str, Any]) -> None:
    assert Keys(SOME_PARTS).exact(body) == Keys(SOME_PARTS).exact(dict(reversed(body.items())))


@given(BODIES, BODIES)
def test_different_bodies_never_share_a_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    """`repr` tells 1 from 1.0 and True, as JSON does and Python's `==` does not."""
    is_same = repr(_sorted(one)) == repr(_sorted(other))

    assert is_same == (Keys(SOME_PARTS).exact(one) == Keys(SOME_PARTS).exact(other))


def test_integers_of_any_size_tell_requests_apart() -> None:
    assert Keys(SOME_PARTS).exact({"seed": 2**70}) != Keys(SOME_PARTS).exact({"seed": 2**70 + 1})


@given(BODIES)
def test_a_partition_is_never_an_exact_key(body: dict[str, Any]) -> None:
    assert Keys(SOME_PARTS).exact(body) != Keys(SOME_PARTS).partition(body)


def test_vectors_of_two_models_are_of_two_partitions() -> None:
    assert Keys(SOME_PARTS, embedder="a").partition({}) != Keys(SOME_PARTS, embedder="b").partition({})
    assert Keys(SOME_PARTS, embedder="a").exact({}) == Keys(SOME_PARTS, embedder="b").exact({})


def test_what_does_not_change_the_answer_does_not_change_the_key() -> None:
    chat = dialect_named("chat")
    plain = {"model": "fast", "messages": [{"role": "user", "content": "hi"}]}
    dressed = {
        **plain,
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "ann",
        "metadata": {"tags": ["a"]},
        "store": False,
        "cache": {"ttl": 9},
    }

    assert Keys(SOME_PARTS).exact(chat.keyed(plain)) == Keys(SOME_PARTS).exact(chat.keyed(dressed))
    assert Keys(SOME_PARTS).exact(chat.keyed(plain)) != Keys(SOME_PARTS).exact(chat.keyed({**plain, "temperature": 0}))


def test_scopes_follow_the_setting_and_fall_back_to_the_key() -> None:
    caller = Caller("k1", team="research", org="acme")

    assert "key:k1" == scope_of(caller, "key")
    assert "team:research@acme" == scope_of(caller, "team")
    assert "org:acme" == scope_of(caller, "org")
    assert "everyone" == scope_of(caller, "everyone")
    assert "key:k2" == scope_of(Caller("k2"), "team") == scope_of(Caller("k2"), "org")


NAMES = st.text(alphabet="a:@/%", min_size=1, max_size=4)
CALLERS = st.builds(Caller, NAMES, team=st.none() | NAMES, org=st.none() | NAMES)


@given(CALLERS, CALLERS, st.sampled_from(["key", "team", "org"]))
def test_callers_share_a_scope_only_where_they_share_what_it_is_named_for(
    one: Caller, other: Caller, shared_by: Any
) -> None:
    def named_for(caller: Caller) -> tuple[str | None, ...]:
        if shared_by == "team" and caller.team:
            return "team", caller.team, caller.org
        if shared_by == "org" and caller.org:
            return "org", caller.org
        return "key", caller.key

    assert (named_for(one) == named_for(other)) == (scope_of(one, shared_by) == scope_of(other, shared_by))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(0, 2**32 - 1))
def test_signs_keep_cosines_inside_a_partition_and_destroy_them_between(one: bytes, other: bytes, seed: int) -> None:
    a, b = np.random.default_rng(seed).normal(size=(2, 384)).astype(np.float32)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)

    assert abs(float(a @ b) - float(signed(a, one) @ signed(b, one))) < 1e-5
    if one != other:
        assert abs(float(signed(a, one) @ signed(a, other))) < 0.45  # 8 standard deviations


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
