"""What every store promises about the owner's records."""

from __future__ import annotations

from daemon.exchange import JsonObject
from daemon.ports.storage import Store

from .conftest import HandClock, MakeStore

BUDGET = {"scope": "team:größer", "limit_usd": "50.000000000001", "soft_pct": 80, "tags": [None, True]}


async def test_a_record_comes_back_equal_and_only_under_its_kind(store: Store) -> None:
    await store.put_record("budget", "team:a/month", BUDGET)

    assert {"team:a/month": BUDGET} == await store.records("budget")
    assert {} == await store.records("key")


async def test_a_record_of_the_same_name_is_replaced(store: Store) -> None:
    await store.put_record("budget", "one", BUDGET)
    await store.put_record("budget", "one", {"scope": "all"})

    assert {"one": {"scope": "all"}} == await store.records("budget")


async def test_a_record_is_replaced_only_where_it_is_what_was_expected(store: Store) -> None:
    async def replace(record: JsonObject, instead_of: JsonObject | None) -> bool:
        return await store.replace_record("budget", "größer", record, instead_of=instead_of)

    assert (False, {}) == (await replace(BUDGET, {"scope": "all"}), await store.records("budget"))
    assert [True, False] == [await replace(BUDGET, None), await replace({"scope": "all"}, None)]
    assert [False, True] == [await replace({}, {"scope": "all"}), await replace({"x": 0.1}, BUDGET)]
    assert {"größer": {"x": 0.1}} == await store.records("budget")


async def test_removing_says_whether_there_was_one(store: Store) -> None:
    await store.put_record("budget", "one", BUDGET)

    assert await store.remove_record("budget", "one") is True
    assert await store.remove_record("budget", "one") is False
    assert {} == await store.records("budget")


async def test_records_outlive_a_clear_of_the_cache_and_a_restart(
    store: Store, make_store: MakeStore, clock: HandClock
) -> None:
    await store.put_record("budget", "one", BUDGET)
    await store.clear()
    await store.aclose()
    reopened = make_store(clock)
    await reopened.open()

    assert {"one": BUDGET} == await reopened.records("budget")
    await reopened.aclose()
