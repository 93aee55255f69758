"""Data at rest: what only its keys open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.errors import SealBroken
from daemon.sealing import Sealer, is_sealed

OLD, NEW = bytes(32), bytes(range(32))


@given(st.binary(), st.binary())
def test_what_is_sealed_is_opened_again_and_shows_nothing(plain, context):
    sealed = Sealer([NEW]).seal(plain, context)

    assert plain == Sealer([NEW]).open(sealed, context)
    assert is_sealed(sealed)
    assert len(plain) < 8 or plain not in sealed


def test_equal_texts_are_not_seen_to_be_equal():
    assert Sealer([NEW]).seal(b"yes", b"") != Sealer([NEW]).seal(b"yes", b"")


def test_an_earlier_key_opens_what_it_sealed_and_seals_no_more():
    rotated, sealed = Sealer([NEW, OLD]), Sealer([OLD]).seal(b"text", b"")

    assert b"text" == rotated.open(sealed, b"")
    assert not rotated.is_current(sealed)
    assert rotated.is_current(rotated.seal(b"text", b""))


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1], lambda s: s[:-1] + bytes([s[-1] ^ 1]), lambda s: s[4:], lambda s: b""]
)
def test_what_was_changed_is_refused(spoil):
    with pytest.raises(SealBroken):
        Sealer([NEW]).open(spoil(Sealer([NEW]).seal(b"text", b"here")), b"here")


def test_what_was_sealed_for_one_place_is_refused_in_another():
    sealer = Sealer([NEW])
    with pytest.raises(SealBroken):
        sealer.open(sealer.seal(b"text", b"here"), b"there")


def test_another_key_opens_nothing_and_says_so():
    with pytest.raises(SealBroken, match="key that is not here"):
        Sealer([OLD]).open(Sealer([NEW]).seal(b"text", b""), b"")
