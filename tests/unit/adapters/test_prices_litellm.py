"""litellm's table is read as data, and its absence is no end."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import pytest

from daemon.adapters import prices_litellm
from daemon.adapters.prices_litellm import LitellmPrices


def test_rates_are_decimals_as_they_are_printed():
    assert Decimal("1.5E-7") == LitellmPrices().load()["gpt-4o-mini"]["input_cost_per_token"]


def test_noise_of_floats_in_the_table_is_not_a_price():
    """`novita/nvidia/nemotron-3-nano-30b-a3b` stood there with 5.0000000000000004E-8."""
    numbers = (value for entry in LitellmPrices().load().values() for value in entry.values())

    assert 15 >= max(len(value.as_tuple().digits) for value in numbers if isinstance(value, Decimal))


def test_litellm_is_not_imported():
    script = """
import sys
from daemon.adapters.prices_litellm import LitellmPrices
assert LitellmPrices().load()
assert LitellmPrices().name.startswith("litellm 1.")
assert "litellm" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("content", [None, b"", b"{broken", b"[]", b'{"m": 5}'])
def test_a_table_that_cannot_be_read_is_empty(tmp_path, monkeypatch, content):
    path = tmp_path / "prices.json"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(prices_litellm, "_table_path", lambda: path)

    assert {} == LitellmPrices().load()


def test_without_litellm_there_are_no_prices(monkeypatch):
    monkeypatch.setattr(prices_litellm, "_table_path", lambda: None)

    assert {} == LitellmPrices().load()
