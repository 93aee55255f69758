"""What every store of vaults promises."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from daemon.adapters.vaults_embedded import EmbeddedVaults
from daemon.adapters.vaults_redis import RedisVaults
from daemon.exchange import Caller
from daemon.pii.vault import Vault
from daemon.pii.vaults import LIFETIME_S, Vaults
from daemon.ports.pii import VaultStore
from daemon.sealing import Sealer

from .conftest import NOW, PATIENT, HandClock

ANN, BO = Caller("key_1", user="ann"), Caller("key_2")
FIRST = Vault({"EMAIL_ADDRESS_1": "ann@example.com"})

MakeVaults = Callable[[], VaultStore]


@pytest.fixture(params=["embedded", "redis", "redis-cluster"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock) -> MakeVaults:
    """Makes stores that see the same vaults."""
    if request.param == "embedded":
        return lambda: EmbeddedVaults(tmp_path / "vaults.sqlite", clock)
    url: str = request.getfixturevalue("redis_server" if request.param == "redis" else "redis_cluster").url
    if request.param == "redis-cluster":
        url = url.replace("redis://", "redis+cluster://")
    namespace = uuid.uuid4().hex
    return lambda: RedisVaults(url, clock, namespace, PATIENT)


@pytest.fixture
async def store(make_store: MakeVaults) -> AsyncIterator[VaultStore]:
    store = make_store()
    await store.open()
    yield store
    await store.aclose()


@pytest.fixture
def vaults(store: VaultStore, clock: HandClock) -> Vaults:
    return Vaults(store, Sealer([bytes(32)]), clock)


async def test_a_vault_comes_back_to_its_caller_and_to_nobody_else(vaults: Vaults) -> None:
    vault = Vault({"NOTE_1": "\ud800 odd \u2028 values"}, frozenset({"NOTE_2"}), 20_000)
    await vaults.remember(ANN, "resp_1", vault)

    assert vault == await vaults.recall(ANN, "resp_1")
    assert await vaults.recall(BO, "resp_1") is None
    assert await vaults.recall(ANN, "resp_2") is None
    assert await vaults.recall(ANN, None) is None


async def test_a_vault_ends_with_its_lifetime(vaults: Vaults, clock: HandClock, store: VaultStore) -> None:
    await store.put("short", "o", b"x", NOW + 1, instead_of=None)
    await vaults.remember(ANN, "resp_1", FIRST)
    clock.advance(LIFETIME_S + 1)
    await vaults.remember(ANN, "resp_2", FIRST)

    if isinstance(store, EmbeddedVaults):  # Redis has a clock of its own
        assert await store.get("short") is None
        assert await vaults.recall(ANN, "resp_1") is None
    assert FIRST == await vaults.recall(ANN, "resp_2")


async def test_a_name_that_means_two_values_is_never_put_back(vaults: Vaults) -> None:
    """One cached answer was given in two conversations: nobody knows from which of them the caller goes on."""
    await vaults.remember(ANN, "resp_1", Vault({"PERSON_1": "Ann", "US_SSN_1": "1"}))
    await vaults.remember(ANN, "resp_1", Vault({"PERSON_1": "Bo", "US_SSN_1": "1"}))
    found = await vaults.recall(ANN, "resp_1")

    assert Vault({"US_SSN_1": "1"}, frozenset({"PERSON_1"})) == found


async def test_of_many_at_once_none_is_lost(vaults: Vaults) -> None:
    names = [f"NOTE_{number}" for number in range(5)]
    await asyncio.gather(*(vaults.remember(ANN, "conv_1", Vault({name: name.lower()})) for name in names))
    found = await vaults.recall(ANN, "conv_1")

    assert found is not None
    assert set(names) == found.names


async def test_what_is_removed_is_gone(vaults: Vaults) -> None:
    await vaults.remember(ANN, "resp_1", FIRST)
    await vaults.remember(ANN, "resp_2", FIRST)
    await vaults.remember(BO, "resp_3", FIRST)
    await vaults.forget(ANN, "resp_1")

    assert await vaults.recall(ANN, "resp_1") is None
    assert 1 == await vaults.erase("ann")
    assert await vaults.recall(ANN, "resp_2") is None
    assert FIRST == await vaults.recall(BO, "resp_3")


async def test_another_process_finds_it_and_one_with_other_keys_does_not(
    vaults: Vaults, make_store: MakeVaults, clock: HandClock
) -> None:
    await vaults.remember(ANN, "resp_1", FIRST)
    second = make_store()
    await second.open()

    assert FIRST == await Vaults(second, Sealer([b"n" * 32, bytes(32)]), clock).recall(ANN, "resp_1")
    assert await Vaults(second, Sealer([b"n" * 32]), clock).recall(ANN, "resp_1") is None
    await second.aclose()


async def test_what_rests_there_shows_no_value(vaults: Vaults, store: VaultStore, tmp_path: Path) -> None:
    await vaults.remember(ANN, "resp_1", FIRST)
    await store.aclose()

    for path in tmp_path.iterdir():
        assert b"ann" not in path.read_bytes()
