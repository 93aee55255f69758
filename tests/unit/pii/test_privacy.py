"""What a request looks like once it is hidden, under each setting."""

import asyncio
import json
import logging

import pytest

from daemon.errors import FinderUnavailable, PiiBlocked, PiiUnavailable

ANN = "ann@example.com"
BOB = "bob@example.com"
SSN = "536-90-4399"


async def test_placeholders_are_numbered_by_first_appearance_and_equal_values_share_one(privacy, dialect):
    body = {"texts": [f"{BOB} and {ANN}", f"{ANN}, {SSN}"]}
    hidden = await privacy.hide(dialect, body)

    assert ["<EMAIL_ADDRESS_1> and <EMAIL_ADDRESS_2>", "<EMAIL_ADDRESS_2>, <US_SSN_1>"] == body["texts"]
    assert "EMAIL_ADDRESS=3,US_SSN=1" == hidden.header


async def test_an_earlier_turn_is_hidden_in_the_same_way_in_every_later_request(privacy, dialect):
    first, later = {"texts": [f"I am {ANN}"]}, {"texts": [f"I am {ANN}", f"hello {ANN}", f"and {BOB}?"]}
    await privacy.hide(dialect, first)
    await privacy.hide(dialect, later)

    assert first["texts"][0] == later["texts"][0]
    assert "and <EMAIL_ADDRESS_2>?" == later["texts"][2]


async def test_a_look_alike_in_the_text_is_never_given_out_nor_restored(privacy, dialect):
    body = {"texts": ["what is <EMAIL_ADDRESS_1> or &lt;email\\_address 2&gt;?", f"I am {ANN}"]}
    hidden = await privacy.hide(dialect, body)

    assert "I am <EMAIL_ADDRESS_3>" == body["texts"][1]
    assert f"<EMAIL_ADDRESS_1> {ANN}" == hidden.vault.restore("<EMAIL_ADDRESS_1> <EMAIL_ADDRESS_3>")


async def test_a_look_alike_behind_the_value_of_its_name_becomes_a_placeholder_itself(privacy, dialect):
    """If its name were taken from the value, each earlier turn would read otherwise than before."""
    body = {"texts": [f"I am {ANN}", "and what is <EMAIL_ADDRESS_1>?"]}
    hidden = await privacy.hide(dialect, body)

    assert ["I am <EMAIL_ADDRESS_1>", "and what is <EMAIL_ADDRESS_2>?"] == body["texts"]
    assert "and what is <EMAIL_ADDRESS_1>?" == hidden.vault.restore(body["texts"][1])
    assert "EMAIL_ADDRESS=1" == hidden.header


async def test_a_value_is_hidden_wherever_it_stands_again(privacy, dialect):
    """Without the word in front nobody would know the number."""
    body = {"texts": ["my ssn is 536904399.", "Is 536904399 right, or 5369043991?"]}
    hidden = await privacy.hide(dialect, body)

    assert "Is <US_SSN_1> right, or 5369043991?" == body["texts"][1]
    assert "US_SSN=2" == hidden.header


async def test_values_inside_tool_arguments_are_hidden_and_the_json_stays_json(privacy, dialect):
    arguments = f'{{"to" : "{ANN}", "note": "caf\\u00e9\\n{BOB}", "ssn": 536904399, "n": 1e5, "k": {{"{BOB}": null}}}}'
    body = {"arguments": [arguments]}
    hidden = await privacy.hide(dialect, body)
    sent = body["arguments"][0]

    assert not any(value in sent for value in (ANN, BOB, "536904399"))
    assert sent.startswith('{"to" : "<EMAIL_ADDRESS_1>", "note"')
    assert {"<EMAIL_ADDRESS_2>": None} == json.loads(sent)["k"]
    restored = json.loads(hidden.vault.restore_json(sent))
    assert json.loads(arguments) | {"ssn": "536904399"} == restored


async def test_keys_that_are_identifiers_are_left_alone(privacy, dialect):
    body = {"arguments": ['{"email_address1": "x", "my-key": 1}']}
    await privacy.hide(dialect, body)

    assert ['{"email_address1": "x", "my-key": 1}'] == body["arguments"]


async def test_arguments_that_are_no_json_are_hidden_as_text(privacy, dialect):
    body = {"arguments": [f'{{"to": "{ANN}", ']}
    await privacy.hide(dialect, body)

    assert ['{"to": "<EMAIL_ADDRESS_1>", '] == body["arguments"]


async def test_a_turn_that_was_scanned_once_is_not_scanned_again(privacy, dialect, finder):
    await privacy.hide(dialect, {"texts": [f"I am {ANN}", "hello"]})
    finder.asked.clear()
    body = {"texts": [f"I am {ANN}", "hello", "new"]}
    await privacy.hide(dialect, body)

    assert ["new"] == finder.asked
    assert "I am <EMAIL_ADDRESS_1>" == body["texts"][0]


async def test_long_texts_are_scanned_off_the_event_loop(privacy, dialect, finder):
    body = {"texts": [f"{ANN} " * 3000]}
    await privacy.hide(dialect, body)

    assert ["<EMAIL_ADDRESS_1> " * 3000] == body["texts"]


async def test_off_scans_nothing(privacy_with, dialect, finder):
    body = {"texts": [ANN]}
    hidden = await privacy_with(mode="off").hide(dialect, body)

    assert [ANN] == body["texts"]
    assert [] == finder.asked
    assert "" == hidden.header


async def test_detect_counts_and_changes_nothing(privacy_with, dialect):
    body = {"texts": [ANN]}
    hidden = await privacy_with(mode="detect", entities={"EMAIL_ADDRESS": "block"}).hide(dialect, body)

    assert [ANN] == body["texts"]
    assert "EMAIL_ADDRESS=1" == hidden.header
    assert hidden.vault.is_empty


async def test_block_refuses_any_finding_and_names_all_kinds(privacy_with, dialect):
    body = {"texts": [f"{SSN} {ANN}"]}
    with pytest.raises(PiiBlocked) as raised:
        await privacy_with(mode="block").hide(dialect, body)

    assert ("EMAIL_ADDRESS", "US_SSN") == raised.value.entity_types
    assert ANN not in str(raised.value)
    assert [f"{SSN} {ANN}"] == body["texts"]


async def test_one_blocked_kind_refuses_and_leaves_the_others_unnamed(privacy_with, dialect):
    with pytest.raises(PiiBlocked) as raised:
        await privacy_with(entities={"US_SSN": "block"}).hide(dialect, {"texts": [f"{SSN} {ANN}"]})

    assert ("US_SSN",) == raised.value.entity_types


async def test_an_allowed_kind_passes_uncounted(privacy_with, dialect):
    body = {"texts": [ANN]}
    hidden = await privacy_with(entities={"EMAIL_ADDRESS": "allow"}).hide(dialect, body)

    assert [ANN] == body["texts"]
    assert "" == hidden.header


@pytest.mark.parametrize("operator", ["mask", "hash", "encrypt"])
async def test_other_operators_are_for_good(privacy_with, dialect, operator):
    body = {"texts": [ANN]}
    hidden = await privacy_with(entities={"EMAIL_ADDRESS": operator}).hide(dialect, body)

    assert ANN not in body["texts"][0]
    assert hidden.vault.is_empty
    assert "EMAIL_ADDRESS=1" == hidden.header


async def test_without_restore_the_vault_is_empty_and_numbers_do_not_move(privacy_with, dialect):
    """The answer quoted the placeholder; the next turn must give the value the same one."""
    body = {"texts": [ANN, "Hello <EMAIL_ADDRESS_1>"]}
    hidden = await privacy_with(restore=False).hide(dialect, body)

    assert "<EMAIL_ADDRESS_1>" == body["texts"][0]
    assert hidden.vault.is_empty


def broken(text):
    raise FinderUnavailable("the scan failed: RuntimeError")


async def test_a_failing_scanner_refuses_and_the_body_is_as_it_was(privacy, dialect, finder):
    finder.find = broken
    body = {"texts": [ANN]}
    with pytest.raises(PiiUnavailable) as raised:
        await privacy.hide(dialect, body)

    assert [ANN] == body["texts"]
    assert ANN not in str(raised.value)


async def test_fail_open_lets_through_and_says_so(privacy_with, dialect, finder, caplog):
    finder.find = broken
    with caplog.at_level(logging.WARNING):
        hidden = await privacy_with(fail="open").hide(dialect, {"texts": [ANN]})

    assert hidden.unscanned
    assert ANN not in caplog.text


async def test_a_request_that_comes_early_waits_for_the_scanner(privacy_with, dialect, finder):
    finder.is_ready = False
    privacy = privacy_with()
    with pytest.raises(PiiUnavailable):
        await privacy.hide(dialect, {"texts": [ANN]})

    async def warm():
        await privacy.warm()

    finder.warm = lambda: setattr(finder, "is_ready", True)
    body = {"texts": [ANN]}
    await asyncio.gather(warm(), privacy.hide(dialect, body))

    assert ["<EMAIL_ADDRESS_1>"] == body["texts"]


async def test_an_answer_with_pii_of_its_own_is_told_from_one_that_quotes_placeholders(privacy, privacy_with, dialect):
    own, quoted = {"texts": ["write to", BOB]}, {"texts": ["write to <EMAIL_ADDRESS_1>"], "arguments": ['{"a": 1}']}

    assert await privacy.brings_pii(dialect, own)
    assert await privacy.brings_pii(dialect, {"arguments": [json.dumps({"to": BOB})]})
    assert not await privacy.brings_pii(dialect, quoted)
    assert not await privacy_with(mode="off").brings_pii(dialect, own)
    assert not await privacy_with(entities={"EMAIL_ADDRESS": "allow"}).brings_pii(dialect, own)


async def test_an_answer_that_cannot_be_scanned_is_taken_to_bring_pii(privacy, dialect, finder):
    finder.find = broken

    assert await privacy.brings_pii(dialect, {"texts": ["hello"]})


async def test_nothing_that_is_shown_holds_a_value(privacy, dialect, caplog):
    with caplog.at_level(logging.DEBUG):
        hidden = await privacy.hide(dialect, {"texts": [f"{ANN} {SSN}"]})

    assert ANN not in repr(hidden) + caplog.text
    assert SSN not in repr(hidden.vault) + repr(hidden.vault.restorer)


async def test_the_policy_version_follows_the_settings_that_change_what_is_sent(privacy_with):
    versions = {
        privacy_with(**settings).policy_version
        for settings in ({}, {"mode": "detect"}, {"entities": {"PERSON": "mask"}}, {"mode": "off"})
    }

    assert 4 == len(versions)
    assert privacy_with().policy_version == privacy_with(restore=False, fail="open").policy_version
