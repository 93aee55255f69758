"""A family's smaller model is found by its name."""

from __future__ import annotations

from decimal import Decimal

import pytest

from daemon.cost.cheaper import Families
from daemon.cost.prices import Prices
from daemon.exchange import Target
from tests.unit.cost.books import TableInMemory


def rates(usd_per_mtok: str) -> dict[str, Decimal]:
    usd = Decimal(usd_per_mtok) / 1_000_000
    return {"input_cost_per_token": usd, "output_cost_per_token": 4 * usd}


TABLE = {
    "gpt-4o": rates("2.5"),
    "gpt-4o-2024-08-06": rates("2.5"),
    "gpt-4o-mini": rates("0.15"),
    "gpt-4o-mini-2024-07-18": rates("0.15"),
    "gpt-4o-mini-tts": rates("0.01"),
    "gpt-4.1-nano": rates("0.1"),
    "o3": rates("2"),
    "o3-mini": rates("1.1"),
    "claude-opus-4-1": rates("15"),
    "claude-sonnet-4": rates("3"),
    "claude-sonnet-4-5": rates("3"),
    "claude-haiku-4-5": rates("1"),
    "gemini/gemini-2.5-pro": rates("1.25"),
    "gemini/gemini-2.5-flash": rates("0.3"),
    "gemini/gemini-2.5-flash-lite": rates("0.1"),
    "groq/llama-3.3-70b-versatile": rates("0.6"),
}


@pytest.mark.parametrize(
    ("target", "smaller"),
    [
        (Target("openai", "gpt-4o"), "gpt-4o-mini"),
        (Target("openai", "gpt-4o-2024-08-06"), "gpt-4o-mini"),
        (Target("anthropic", "claude-sonnet-4-5"), "claude-haiku-4-5"),
        (Target("anthropic", "claude-opus-4-1"), "claude-sonnet-4"),
        (Target("gemini", "gemini-2.5-pro"), "gemini-2.5-flash"),
        (Target("google", "gemini-2.5-pro"), "gemini-2.5-flash"),
        (Target("gemini", "gemini-2.5-flash"), "gemini-2.5-flash-lite"),
        (Target("openai", "o3"), None),  # o3-mini costs more than half
        (Target("openai", "gpt-4o-mini"), None),
        (Target("groq", "llama-3.3-70b-versatile"), None),
        (Target("somebody", "unlisted"), None),
    ],
)
async def test_the_smaller_model_is_of_the_same_family_and_costs_at_most_half(target, smaller):
    found = await Prices(TableInMemory(TABLE)).smaller(target)

    assert smaller == (found[0] if found else None)


def test_a_newer_generation_is_no_smaller_one():
    assert [] == Families(["claude-opus-4-1", "claude-haiku-4-5"]).smaller("claude-opus-4-1")
