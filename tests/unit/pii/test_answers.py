"""PII that a model brings itself: streamed as whole, and nothing held back that cannot be a value."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.dialects.dialect import TextKind
from daemon.errors import PiiInAnswer
from daemon.pii.vault import Vault

VAULT = Vault({"EMAIL_ADDRESS_1": "ann@example.com"})
relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


def scan_of(privacy, found=None):
    return privacy.answer_scan(VAULT, (Counter() if found is None else found).update, is_asked_for=True)


def streamed(scan, text, size, kind=TextKind.PLAIN):
    restorer = scan.restorer(kind)
    parts = [restorer.feed(text[at : at + size]) for at in range(0, len(text), size)]
    return "".join([*parts, restorer.finish()])


PIECES = st.sampled_from(
    [
        *(
            "mail bo@example.org please",
            "<EMAIL_ADDRESS_1>",
            "card 4111 1111 1111 1111 is hers",
            "call +44 20 7946 0958 now",
        ),
        *(
            "plain words only here",
            "IBAN DE89 3704 0044 0532 0130 00 it is",
            "Yes.",
            "<",
            "\n\n",
            "a < b",
            "42",
            "Paris is big",
        ),
    ]
)


@relaxed
@given(st.lists(PIECES, max_size=8).map(" and then ".join), st.integers(1, 60))
def test_streamed_is_whole_for_any_cutting(privacy, text, size):
    whole = streamed(scan_of(privacy), text, len(text) or 1)
    cut = streamed(scan_of(privacy), text, size)

    assert whole == cut
    assert not [value for value in ("bo@example.org", "4111 1111", "7946 0958", "0532 0130") if value in cut]
    assert cut.count("ann@example.com") == text.count("<EMAIL_ADDRESS_1>")


async def test_a_whole_answer_is_rewritten_with_names_of_its_own(privacy, dialect):
    found = Counter()
    answer = {
        "texts": ["<EMAIL_ADDRESS_1>, bo@example.org, <EMAIL_ADDRESS_2>"],
        "arguments": ['{"card": 4111111111111111}'],
    }
    changed = await scan_of(privacy, found).whole(dialect, answer)

    assert changed
    assert ["<EMAIL_ADDRESS_1>, <EMAIL_ADDRESS_3>, <EMAIL_ADDRESS_2>"] == answer["texts"]
    assert {"card": "<CREDIT_CARD_1>"} == json.loads(answer["arguments"][0])
    assert {"EMAIL_ADDRESS": 1, "CREDIT_CARD": 1} == found


@relaxed
@given(st.integers(1, 40))
def test_streamed_json_stays_json_and_a_cut_string_is_scanned_too(privacy, size):
    arguments = json.dumps({"to": 'say "hi" to bo@example.org\n', "card": 4111111111111111, "n": [1, None], "k": "v"})
    passed = json.loads(streamed(scan_of(privacy), arguments, size, TextKind.JSON))
    broken = streamed(scan_of(privacy), '{"to": "write to bo@example.org', size, TextKind.JSON)

    assert {"to": 'say "hi" to <EMAIL_ADDRESS_2>\n', "card": "<CREDIT_CARD_1>", "n": [1, None], "k": "v"} == passed
    assert '{"to": "write to <EMAIL_ADDRESS_2>' == broken


def test_of_prose_only_the_word_at_hand_is_held_back(privacy):
    restorer = scan_of(privacy).restorer(TextKind.PLAIN)
    passed = ""
    for at, character in enumerate(text := "the committee met and went through its list of things to say"):
        passed += restorer.feed(character)
        assert text[: text.rfind(" ", 0, at + 1) + 1] == passed


def test_what_is_blocked_ends_the_answer_before_it_is_said(privacy_with):
    scan = scan_of(privacy_with(entities={"US_SSN": "block"}))
    restorer = scan.restorer(TextKind.PLAIN)
    passed = restorer.feed("it is known that her ssn is ")

    with pytest.raises(PiiInAnswer, match="US_SSN"):
        restorer.feed("536-90-4399 and nothing else of her")
        restorer.finish()
    assert "536" not in passed


def test_where_it_is_only_detected_everything_passes_at_once(privacy_with):
    found = Counter()
    restorer = scan_of(privacy_with(mode="detect"), found).restorer(TextKind.PLAIN)
    passed = restorer.feed("mail bo@example.org")
    restorer.finish()

    assert "mail bo@example.org" == passed
    assert {"EMAIL_ADDRESS": 1} == found


def test_nobody_wants_it_by_default(privacy, privacy_with):
    assert privacy.answer_scan(VAULT, print, is_asked_for=False) is None
    assert privacy_with(scan_answers=True).answer_scan(VAULT, print, is_asked_for=False) is not None
    assert privacy_with(mode="off").answer_scan(VAULT, print, is_asked_for=True) is None
