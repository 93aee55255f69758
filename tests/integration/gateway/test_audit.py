"""`helix pii report`: what was found, for which key, and what became of it."""

import json

SETTINGS = '[pii]\nentities = { US_SSN = "block", CREDIT_CARD = "mask" }\n'
TEXT = "ann@example.com and bo@example.com, card 4111 1111 1111 1111"


async def report(daemon, *options):
    code, out, err = await daemon.helix("pii", "report", *options)
    assert 0 == code, err
    return out


def counted(found, *names):
    return [tuple(row[name] for name in (*names, "operator", "findings", "requests")) for row in found["rows"]]


async def test_kinds_operators_keys_and_days_are_told_and_never_a_value(start_daemon, upstream):
    daemon = await start_daemon(SETTINGS)
    await daemon.post_chat(TEXT)
    await daemon.post_chat(TEXT, headers={"Authorization": "Bearer sk-other"})
    await daemon.post_chat("my ssn is 536-90-4399, mail ann@example.com")
    by_type = json.loads(await report(daemon, "--json"))
    by_key = json.loads(await report(daemon, "--json", "--by", "key"))
    by_day = json.loads(await report(daemon, "--json", "--by", "day", "--since", "today"))
    as_csv, shown = await report(daemon, "--csv"), await report(daemon)

    assert [("CREDIT_CARD", "mask", 2, 2), ("EMAIL_ADDRESS", "replace", 4, 2), ("US_SSN", "block", 1, 1)] == counted(
        by_type, "type"
    )
    assert (7, 3) == (by_type["findings"], by_type["requests"])
    assert 2 == len({row["key"] for row in by_key["rows"]})
    assert 3 == len(by_day["rows"])
    assert "type,operator,findings,requests\nCREDIT_CARD,mask,2,2\n" in as_csv
    assert "7 values found in 3 requests" in shown
    assert not [value for value in ("ann@", "4111", "536-90") if value in as_csv + shown + json.dumps(by_key)]


async def test_it_outlives_a_restart_and_ends_with_its_days(start_daemon, upstream):
    daemon = await start_daemon(SETTINGS)
    await daemon.post_chat(TEXT)
    await daemon.stop()
    await daemon.start()
    kept = json.loads(await report(daemon, "--json"))
    daemon.config.write_text(daemon.config.read_text().replace("[pii]", "[pii]\naudit_days = 0"))
    await daemon.stop()
    await daemon.start()
    await daemon.post_chat(TEXT)

    assert 3 == kept["findings"]
    assert 0 == json.loads(await report(daemon, "--json", "--since", "1h"))["findings"]
