"""Virtual keys: what opens, what rests, what ends when."""

import json
from contextlib import nullcontext

import pytest

from daemon.errors import BadRequest, Forbidden, KeysUnavailable, NotFound, StoreUnavailable, Unauthorized
from daemon.security.keys import Keys, key_row, new_key_id, wanted_key
from daemon.security.roles import check_may_ask, check_may_look


async def make(keys, **wanted):
    return await keys.create(wanted_key(wanted), new_key_id())


def opens(keys, secret):
    try:
        keys.find(secret)
    except Unauthorized:
        return False
    return True


async def test_a_secret_opens_its_own_key_and_no_other_does(keys):
    ann, bo = await make(keys, name="ann"), await make(keys, name="bo")

    assert ann[0] == keys.find(ann[1]) and bo[0] == keys.find(bo[1])
    assert ann[1].startswith("hx-") and ann[1] != bo[1]
    assert not opens(keys, "hx-made-up")


async def test_no_secret_rests_and_none_is_shown(keys, records):
    key, secret = await make(keys, name="ann")
    shown = json.dumps(records.kinds) + json.dumps(key_row(key)) + repr(key)

    assert secret not in shown and secret.removeprefix("hx-") not in shown
    assert key.secrets[0].hmac not in json.dumps(key_row(key)) + repr(key)


async def test_what_was_stored_opens_nothing(keys):
    key, _ = await make(keys)

    assert not opens(keys, key.secrets[0].hmac) and not opens(keys, f"hx-{key.secrets[0].hmac}")


async def test_a_key_outlives_the_daemon(keys, records, clock):
    key, secret = await make(keys, team="research", rpm=3)
    again = Keys(records, clock, b"k" * 32, is_shared=False)
    await again.load()

    assert key == again.find(secret)


async def test_a_key_of_another_installation_opens_nothing_here(keys, records, clock):
    """The store's file alone, taken elsewhere, is of no use."""
    _, secret = await make(keys)
    elsewhere = Keys(records, clock, b"o" * 32, is_shared=False)
    await elsewhere.load()

    assert not opens(elsewhere, secret)


async def test_all_daemons_of_a_fleet_know_a_key_though_their_installation_keys_differ(records, clock):
    one, two = (Keys(records, clock, key * 32, is_shared=True) for key in (b"1", b"2"))
    (of_one, first), (of_two, second) = await make(one), await make(two)
    await one.load()
    await two.load()

    assert (of_two, of_one) == (one.find(second), two.find(first))


async def test_a_key_made_elsewhere_works_only_once_its_budget_is_known(records, clock):
    """The budget is written before the key, so budgets that are read after the keys hold it."""
    during = []

    async def read_budgets():
        during.append(opens(two, secret))

    one = Keys(records, clock, b"k" * 32, is_shared=False)
    two = Keys(records, clock, b"k" * 32, is_shared=False, before_change=read_budgets)
    await two.load()
    _, secret = await make(one)
    await two.load()
    await two.load()

    assert [False] == during and opens(two, secret)


async def test_a_key_ends_at_its_time(keys, clock):
    _, secret = await make(keys, expires_s=60)
    clock.elapsed_s = 59.9
    assert opens(keys, secret)

    clock.elapsed_s = 60
    assert not opens(keys, secret)


async def test_a_revoked_key_ends_at_once(keys):
    key, secret = await make(keys)
    assert opens(keys, secret)
    await keys.revoke(key.id)

    assert not opens(keys, secret) and keys.get(key.id) is None
    with pytest.raises(NotFound):
        await keys.revoke(key.id)


async def test_what_another_daemon_revoked_does_not_come_back_by_rotating_it(keys, records, clock):
    key, _ = await make(keys)
    other = Keys(records, clock, b"k" * 32, is_shared=False)
    await other.load()
    await other.revoke(key.id)

    with pytest.raises(NotFound):
        await keys.rotate(key.id, 60)


async def test_rotating_leaves_the_old_secret_its_grace(keys, clock):
    key, old = await make(keys, team="research")
    rotated, new = await keys.rotate(key.id, 60)

    assert key.id == rotated.id and opens(keys, old) and opens(keys, new)
    clock.elapsed_s = 60
    assert not opens(keys, old) and opens(keys, new)


async def test_a_grace_never_lengthens_another(keys, clock):
    key, first = await make(keys)
    await keys.rotate(key.id, 10)
    await keys.rotate(key.id, 1_000)
    clock.elapsed_s = 10

    assert not opens(keys, first)


async def test_without_grace_the_old_secret_ends_at_once(keys):
    key, old = await make(keys)
    rotated, _ = await keys.rotate(key.id, 0)

    assert not opens(keys, old) and 1 == len(rotated.secrets)


async def test_keys_that_were_never_read_are_no_reason_to_say_unknown(records, clock):
    keys = Keys(records, clock, b"k" * 32, is_shared=False)

    with pytest.raises(KeysUnavailable):
        keys.find("hx-some")


async def test_a_store_that_goes_away_takes_no_key_with_it(keys, records):
    _, secret = await make(keys)
    records.is_away = True
    with pytest.raises(StoreUnavailable):
        await keys.load()

    assert opens(keys, secret)


async def test_a_damaged_record_harms_no_other_key(keys, records):
    _, secret = await make(keys)
    records.kinds["keys"]["key_broken"] = {"role": "emperor"}
    await keys.load()

    assert opens(keys, secret) and keys.get("key_broken") is None


async def test_a_key_asks_the_models_of_its_patterns_only(keys):
    key, _ = await make(keys, models=["gpt-4o*", "o3"])

    for model in ("gpt-4o", "gpt-4o-mini", "o3"):
        key.check_may_ask(model)
    for model in ("gpt-4", "o3-pro", "GPT-4o", "x/gpt-4o"):
        with pytest.raises(Forbidden):
            key.check_may_ask(model)


@pytest.mark.parametrize(("role", "asks", "looks"), [("admin", 1, 1), ("member", 1, 0), ("viewer", 0, 1)])
async def test_a_member_asks_a_viewer_looks_an_admin_does_both(keys, role, asks, looks):
    key, _ = await make(keys, role=role)

    for is_allowed, check in ((asks, check_may_ask), (looks, check_may_look)):
        with nullcontext() if is_allowed else pytest.raises(Forbidden):
            check(key.caller)


@pytest.mark.parametrize(
    ("field", "value"),
    [("role", "owner"), ("rpm", 0), ("tpm", -1), ("parallel", "many"), ("expires_s", 0), ("team", ""), ("tema", "x")],
)
def test_a_wrong_wish_is_refused_by_its_field(field, value):
    with pytest.raises(BadRequest, match=field):
        wanted_key({field: value})
