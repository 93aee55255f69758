"""Dollars and nano-dollars agree, and a counter never shows less than the ledger."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cost.money import nanos_of, usd_of, usd_text

amounts = st.decimals(0, 8_999_999, places=12)


@given(amounts)
def test_nano_dollars_are_rounded_up_by_less_than_one(usd):
    assert usd <= usd_of(nanos_of(usd)) < usd + Decimal("1E-9")


@given(st.integers(0, 9 * 10**15))
def test_whole_nano_dollars_come_back(nanos):
    assert nanos == nanos_of(usd_of(nanos))


@given(amounts)
def test_text_is_the_same_amount_without_an_exponent(usd):
    assert usd == Decimal(usd_text(usd))
    assert "E" not in usd_text(usd)


@pytest.mark.parametrize(
    ("usd", "text"), [("1E-12", "0.000000000001"), ("0E-12", "0"), ("10.50", "10.5"), ("20", "20")]
)
def test_text_is_short(usd, text):
    assert text == usd_text(Decimal(usd))
