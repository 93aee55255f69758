"""Several targets share a model's conversations."""

from __future__ import annotations

from collections import Counter

import pytest

from daemon.clock import SystemClock
from daemon.errors import UnknownModel
from daemon.exchange import Target
from daemon.routing.balancing import Asking, Balancer
from daemon.routing.loads import Loads
from daemon.routing.router import Router
from daemon.settings import ModelSettings, ProviderSettings, Settings

PROVIDERS = tuple(ProviderSettings(name=name, type="openai", models=()) for name in ("one", "two", "three"))
SHARES = {"one/m": 3.0, "two/m": 1.0}
OPENINGS = [str(number).encode() for number in range(4_000)]


BALANCER = Balancer(SystemClock(), Loads(SystemClock()))


def route(shares=SHARES, fallbacks=()):
    model = ModelSettings(name="any", shares=shares, fallbacks=fallbacks)
    return Router(Settings(providers=PROVIDERS, models=(model,))).route("any", "chat")


def ordered(shared, opening: bytes) -> tuple[Target, ...]:
    return BALANCER.in_order(shared, Asking(opening))


def primaries(shared) -> list[Target]:
    return [ordered(shared, opening)[0] for opening in OPENINGS]


def test_conversations_are_shared_out_as_the_owner_says():
    counts = Counter(target.provider for target in primaries(route()))

    assert {"one", "two"} == set(counts)
    assert 0.72 < counts["one"] / len(OPENINGS) < 0.78


def test_a_conversation_stays_where_it_is():
    assert primaries(route()) == primaries(route())


def test_the_others_that_share_come_next_and_fallbacks_last():
    shared = route(fallbacks=("three/m",))

    assert all(
        {"one", "two"} == {target.provider for target in ordered(shared, opening)[:2]}
        and "three" == ordered(shared, opening)[2].provider
        for opening in OPENINGS[:50]
    )


def test_where_a_target_joins_only_its_own_share_moves():
    before, after = primaries(route()), primaries(route({**SHARES, "three/m": 1.0}))

    assert all(then in (now, Target("three", "m")) for now, then in zip(before, after, strict=True))


def test_one_target_is_the_same_for_all():
    assert {Target("one", "m")} == set(primaries(route({"one/m": 1.0})))


def test_targets_that_nobody_serves_are_passed_over():
    assert {Target("one", "m")} == set(primaries(route({"one/m": 1.0, "gone/m": 5.0})))
    with pytest.raises(UnknownModel):
        route({"gone/m": 5.0})


def test_a_target_beside_shares_is_an_error():
    with pytest.raises(ValueError, match="exclude each other"):
        ModelSettings(name="any", target="one/m", shares=SHARES)


def test_a_strategy_without_shares_is_an_error():
    with pytest.raises(ValueError, match="strategy"):
        ModelSettings(name="any", target="one/m", strategy="cheapest")


def test_a_shared_model_is_listed_as_its_first_targets_providers():
    router = Router(Settings(providers=PROVIDERS, models=(ModelSettings(name="any", shares=SHARES),)))

    assert {"any": "one"}.items() <= {listed["id"]: listed["owned_by"] for listed in router.models()}.items()
