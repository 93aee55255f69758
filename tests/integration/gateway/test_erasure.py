"""`helix privacy`: of a person who is erased nothing is left but what they cost; a new key for what is stored."""

import json

import pytest

from tests.daemon_process import Daemon
from tests.integration.gateway.sinks import files_of, redis_sinks, tables_of
from tests.integration.gateway.test_at_rest import KEY

ANN = {"x-helix-user": "ann-the-first", "x-helix-session": "session-of-hers"}
TRACES = ("ann-the-first", "session-of-hers", "limestone", "granite")


@pytest.fixture(params=["embedded", "redis"])
def url(request):
    return "embedded" if request.param == "embedded" else request.getfixturevalue("own_redis_server").url


async def told(daemon, *command):
    code, out, err = await daemon.helix(*command)
    assert 0 == code, err
    return json.loads(out)


def spent(found):
    return {name: found[name] for name in ("cost_usd", "saved_usd", "calls", "hits", "refused", "unknown")}


async def test_all_that_is_stored_of_a_person_goes_and_the_money_stays(start_daemon, upstream, url):
    daemon = await start_daemon(f'[storage]\nurl = "{url}"')
    upstream.always("It weighs as much as granite, <EMAIL_ADDRESS_1>")
    await daemon.post_chat("how heavy is limestone?", headers=ANN)
    asked = {"model": "gpt-4o-mini", "input": "how old is limestone, ann@example.com?", "user": "ann-the-first"}
    await daemon.post("/v1/responses", asked)
    made = await told(daemon, "keys", "create", "--user", "ann-the-first", "--budget", "5/day", "--json")
    await told(daemon, "budget", "set", "user:ann-the-first", "9", "--window", "month", "--json")
    await daemon.post_chat("mail ann@example.com", headers={"Authorization": f"Bearer {made['key']}"})
    upstream.always("Hello")
    await daemon.post_chat("somebody else's")
    before = spent(await told(daemon, "spend", "--json"))
    erased = await told(daemon, "privacy", "erase", "--user", "ann-the-first", "--yes", "--json")
    after = spent(await told(daemon, "spend", "--json"))
    users = {row["user"] for row in (await told(daemon, "spend", "--by", "user", "--json"))["rows"]}
    running = [*files_of(daemon), *(redis_sinks(url) if url != "embedded" else ())]
    asked_again = ("how heavy is limestone?", "somebody else's")
    verdicts = [(await daemon.post_chat(text, headers={"x-helix-cache": "only"})).status for text in asked_again]
    refused = await daemon.post_chat("anything", headers={"Authorization": f"Bearer {made['key']}"})
    logged = str(await daemon.helix("logs", "--json"))
    await daemon.stop()
    ended = [*files_of(daemon), *tables_of(daemon), *(redis_sinks(url) if url != "embedded" else ())]

    assert before == after
    assert {"", erased["pseudonym"]} == users
    assert (3, 1, 3) == (erased["cache_entries"], erased["vaults"], erased["ledger_rows"])
    assert ([made["id"]], 2) == (erased["keys"], len(erased["budgets"]))
    assert 0 < erased["findings"]
    assert [504, 200] == verdicts
    assert 401 == refused.status
    assert [] == [trace for trace in TRACES if trace in logged]
    assert [] == [(name, trace) for name, text in running for trace in TRACES if trace in text]
    assert [] == [(name, trace) for name, text in ended for trace in TRACES if trace in text]


async def test_a_budget_of_the_file_is_left_to_its_owner(start_daemon):
    daemon = await start_daemon('[[budgets]]\nscope = "user:ann-the-first"\nlimit_usd = 1\n')
    erased = await told(daemon, "privacy", "erase", "--user", "ann-the-first", "--yes", "--json")

    assert ["helix.toml holds the budget user:ann-the-first/month: remove it there"] == erased["left"]


async def test_it_is_not_done_without_being_asked_for(daemon):
    code, out, err = await daemon.helix("privacy", "erase", "--user", "ann")

    assert (2, "") == (code, out)
    assert "--yes" in err


async def test_after_a_rotation_old_answers_are_still_read_until_the_old_key_is_destroyed(start_daemon, upstream):
    daemon = await start_daemon("[storage]\nencrypt = true")
    await daemon.post_chat("one")
    await daemon.post_chat("two")
    rotated = await told(daemon, "privacy", "rotate-key", "--json")
    await daemon.stop()
    await daemon.start()
    kept = (await daemon.post_chat("one")).verdict
    await told(daemon, "privacy", "rotate-key", "--forget-old", "--yes", "--json")
    await daemon.stop()
    await daemon.start()

    assert 2 == rotated["keys"]
    assert "exact" == kept
    assert ["miss", "miss"] == [(await daemon.post_chat(text)).verdict for text in ("one", "two")]


async def test_a_key_of_the_owners_is_rotated_by_the_owner(start_daemon):
    daemon = await start_daemon('[storage]\nencryption_key = "env:K"', K=KEY)
    code, _, err = await daemon.helix("privacy", "rotate-key")
    _, key, _ = await daemon.helix("privacy", "new-key")

    assert 3 == code
    assert "helix privacy new-key" in err
    assert KEY != key.strip() and len(KEY) == len(key.strip())


async def test_a_key_in_the_systems_keyring_is_made_used_and_rotated(start_daemon, tmp_path):
    environ = {"PYTHON_KEYRING_BACKEND": "tests.keyring_file.FileKeyring", "HELIX_TEST_KEYRING": f"{tmp_path}/keyring"}
    made = await Daemon(tmp_path / "before", **environ).helix("privacy", "new-key", "--keyring", "storage")
    daemon = await start_daemon('[storage]\nencrypt = true\nencryption_key = "keyring:storage"', **environ)
    await daemon.post_chat("one")
    rotated = await told(daemon, "privacy", "rotate-key", "--json")
    await daemon.stop()
    await daemon.start()

    assert (0, "") == (made[0], made[2])
    assert {"file": "the keyring's entry storage of helix", "keys": 2} == rotated
    assert "exact" == (await daemon.post_chat("one")).verdict
    assert not (daemon.data_dir / "storage.keys").exists()
