"""A request that comes again byte by byte is not read anew, and everything about it is as if it were."""

import json

from tests.daemon_process import Daemon, openai_settings

ASKED = "what is the capital of France"


async def test_each_of_them_is_a_request_of_its_own(daemon):
    verdicts = [(await daemon.post_chat(ASKED)).verdict for _ in range(3)]
    rows = await logged(daemon, 3)

    assert ["miss", "exact", "exact"] == verdicts
    assert ["miss", "exact", "exact"] == [row["cache"] for row in rows]
    assert 3 == len({row["id"] for row in rows})


async def test_what_holds_pii_is_scanned_each_time(daemon, upstream):
    for _ in range(3):
        answer = await daemon.post_chat("mail ann@example.com", headers={"x-helix-cache": "off"})
        assert "EMAIL_ADDRESS=1" == answer.headers["x-helix-pii"]

    assert not upstream.saw("ann@example.com")
    assert 3 == len(upstream.asked)


async def test_a_key_that_is_revoked_opens_nothing_that_it_opened_before(tmp_path, upstream):
    settings = '[server]\nrequire_key = true\nmaster_key = "hx-master"\n' + openai_settings(upstream.openai_url)
    async with Daemon(tmp_path, settings) as daemon:
        key = await daemon.helix_json("keys", "create", "--user", "ann")
        shown = {"authorization": f"Bearer {key['key']}"}
        statuses = [(await daemon.post_chat(ASKED, headers=shown)).status for _ in range(2)]
        await daemon.helix("keys", "revoke", key["id"], "--yes")
        statuses.append((await daemon.post_chat(ASKED, headers=shown)).status)

    assert [200, 200, 401] == statuses


async def test_the_user_that_a_body_names_is_asked_for_each_time(daemon):
    for _ in range(2):
        await daemon.post_chat(ASKED, user="user-of-a-client")

    assert ["user-of-a-client"] * 2 == [row["user"] for row in await logged(daemon, 2)]


async def test_new_settings_hold_for_what_came_before_them(tmp_path, upstream):
    providers = openai_settings(upstream.openai_url)
    async with Daemon(tmp_path, '[pii]\nmode = "off"\n' + providers) as daemon:
        for _ in range(2):
            await daemon.post_chat("mail ann@example.com")
        assert upstream.saw("ann@example.com")
        daemon.config.write_text(providers)
        token = json.loads((daemon.data_dir / "daemon.json").read_text())["token"]
        assert 200 == (await daemon.post("/control/v1/reload", {}, {"authorization": f"Bearer {token}"})).status
        upstream.asked.clear()
        await daemon.post_chat("mail ann@example.com")

    assert not upstream.saw("ann@example.com")


async def logged(daemon: Daemon, count: int) -> list[dict]:
    """The rows of the last requests."""
    code, out, err = await daemon.helix("logs", "--json", "--limit", str(count))
    assert 0 == code, err
    return [json.loads(line) for line in out.splitlines()]
