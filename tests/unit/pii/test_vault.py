"""Restoring: only what was minted, in every spelling, however the stream is cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.dialects.dialect import TextKind
from daemon.exchange import Span
from daemon.pii.hiding import Replacer
from daemon.pii.placeholders import Mint, canonical, names_in
from daemon.pii.vault import Vault
from daemon.settings import PiiSettings

VALUE = 'Ann "A" \\ Lee\n<1>'
VAULT = Vault({"EMAIL_ADDRESS_1": "ann@example.com", "EMAIL_ADDRESS_12": "zoe@example.com", "PERSON_1": VALUE})

SPELLINGS = [
    "<EMAIL_ADDRESS_1>",
    "<email_address_1>",
    "< EMAIL_ADDRESS_1 >",
    "<EMAIL ADDRESS 1>",
    r"<EMAIL\_ADDRESS\_1>",
    r"<EMAIL\\_ADDRESS\\_1>",
    "&lt;EMAIL_ADDRESS_1&gt;",
    r"\u003cEMAIL_ADDRESS_1\u003e",
    r"\u003Cemail_address_1\u003E",
]
FRAGMENTS = [
    *SPELLINGS,
    "<EMAIL_ADDRESS_12>",
    "<EMAIL_ADDRESS_2>",
    "<PERSON_1>",
    *("<", ">", "&", "&lt;", "&gt;", "\\", "\\u003c", "\\u003", "_", " ", "1", "EMAIL_ADDRESS", "PERSON_", "<<", "\n"),
]
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map("".join)


def cut(text, places):
    places = sorted({place % (len(text) + 1) for place in places})
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def streamed(vault, kind, parts):
    restorer = vault.restorer(kind)
    return "".join([*(restorer.feed(part) for part in parts), restorer.finish()])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_restores_every_spelling(spelling):
    assert "a ann@example.com b" == VAULT.restore(f"a {spelling} b")


@pytest.mark.parametrize(
    "text",
    [
        "<EMAIL_ADDRESS_2>",
        "<EMAIL_ADDRESS_01>",
        "<EMAIL_ADDRESS_1",
        "EMAIL_ADDRESS_1",
        "<EMAIL_ADDRESS_1_1>",
        "<EMAILADDRESS_1>",
        r"\\u003cEMAIL_ADDRESS_1\\u003e",
        "<b>&lt;i&gt;</b>",
    ],
)
def test_what_this_vault_did_not_mint_stays(text):
    assert text == VAULT.restore(text)
    assert text == streamed(VAULT, TextKind.PLAIN, text)


def test_in_json_originals_are_escaped():
    hidden = json.dumps({"name": "<PERSON_1>", "mail": "\\u003cx <EMAIL_ADDRESS_1>"}).replace("<", "\\u003c")

    assert {"name": VALUE, "mail": "\\u003cx ann@example.com"} == json.loads(VAULT.restore_json(hidden))


def test_a_restored_value_is_not_restored_again():
    vault = Vault({"PERSON_1": "<PERSON_2>", "PERSON_2": "<PERSON_1>"})

    assert "<PERSON_2><PERSON_1>" == vault.restore("<PERSON_1><PERSON_2>")


@given(texts, st.lists(st.integers(0, 200), max_size=20), st.sampled_from(TextKind))
def test_a_stream_cut_anywhere_equals_the_whole(text, places, kind):
    whole = VAULT.restore_json(text) if kind is TextKind.JSON else VAULT.restore(text)

    assert whole == streamed(VAULT, kind, cut(text, places))
    assert whole == streamed(VAULT, kind, text)


@pytest.mark.parametrize(
    "text", ["a < b", "if (a <b) {", "<div", "<PERSONS", "&amp", "\\n", "x &lt;b", "<EMAIL_ADDRESS_3"]
)
def test_nothing_is_held_back_that_can_no_longer_become_ours(text):
    assert text == VAULT.restorer(TextKind.PLAIN).feed(text)


@pytest.mark.parametrize("text", ["<", "<EMAIL_", "&l", "\\u00", "<PERSON_1", "&lt;person\\_1&g", "< PERSON 1 "])
def test_what_can_become_ours_is_held_back_to_the_end(text):
    restorer = VAULT.restorer(TextKind.PLAIN)

    assert "a" == restorer.feed("a" + text)
    assert text == restorer.finish()


VALUES = ["a@b.co", "<", "&lt;PERSON_1&gt;", "x<PERSON_1>", "PERSON_1", "_1>", '"', "\\", "\n", "<PERSON_1", "4111"]
segments = st.lists(
    st.tuples(texts, st.sampled_from(VALUES), st.sampled_from(["PERSON", "EMAIL_ADDRESS", "PERSON_1"])), max_size=6
)


@given(segments, texts, st.lists(st.integers(0, 400), max_size=30))
def test_restoring_undoes_hiding_for_every_text_and_every_value(parts, tail, places):
    """Whatever stands around the values, and whatever the values look like themselves."""
    text, spans = "", []
    for before, value, kind in parts:
        text += before
        spans.append(Span(len(text), len(text) + len(value), kind, 1.0))
        text += value
    text += tail
    mint = Mint(frozenset(names_in(text)))
    hidden = Replacer(mint, None, PiiSettings()).rewritten(text, spans)
    vault = Vault(mint.originals())

    assert text == vault.restore(hidden)
    assert text == streamed(vault, TextKind.PLAIN, cut(hidden, places))


@given(st.text(), st.text())
def test_an_unrelated_text_passes_byte_for_byte(text, value):
    vault = Vault({"SECRET_7": value})
    if "SECRET_7" not in set(names_in(text)):
        assert text == vault.restore(text)
        assert text == streamed(vault, TextKind.PLAIN, text)


def test_an_empty_vault_holds_nothing_back():
    vault = Vault()

    assert vault.is_empty
    assert "<EMAIL" == vault.restorer(TextKind.PLAIN).feed("<EMAIL")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_one_name(spelling):
    assert ["EMAIL_ADDRESS_1"] == list(names_in(spelling))
    assert "EMAIL_ADDRESS_1" == canonical("email\\_address 1")


def test_a_mint_that_may_remember_only_so_many_forgets_the_first():
    mint = Mint(max_values=2)
    names = [mint.name_for("SECRET", value) for value in "abcac"]

    assert ["SECRET_1", "SECRET_2", "SECRET_3", "SECRET_4", "SECRET_3"] == names
