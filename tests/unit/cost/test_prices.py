"""Tokens to money, to the last digit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.adapters.prices_litellm import LitellmPrices
from daemon.cost.price_table import price_of_entry
from daemon.cost.prices import FREE, Prices
from daemon.cost.rates import Price, read_parts
from daemon.exchange import Target, Usage
from daemon.ports.cost import PriceTable
from daemon.settings import ModelSettings, ProviderSettings
from tests.unit.cost.books import TableInMemory

GPT_4O_MINI = Target("openai", "gpt-4o-mini")
SONNET = Target("anthropic", "claude-sonnet-4-5")


@pytest.fixture(scope="module")
def table() -> PriceTable:
    return LitellmPrices().load()


@pytest.fixture
def prices(table) -> Prices:
    return Prices(TableInMemory(table))


@pytest.mark.parametrize(
    ("target", "usage", "cost_usd"),
    [
        (GPT_4O_MINI, Usage(1000, 500), "0.00045"),
        (GPT_4O_MINI, Usage(200, 500, cached_read_tokens=800, reasoning_tokens=300), "0.00039"),
        (GPT_4O_MINI, Usage(1000, 500, service_tier="default"), "0.00045"),
        (GPT_4O_MINI, Usage(1000, 500, service_tier="priority"), "0.00075"),
        (SONNET, Usage(1000, 500), "0.0105"),
        (SONNET, Usage(1000, 500, cached_read_tokens=10_000), "0.0135"),
        (SONNET, Usage(10, 5, cache_write_5m_tokens=1000, cache_write_1h_tokens=1000), "0.009855"),
        (Target("gemini", "gemini-2.5-pro"), Usage(200_000, 10), "0.2501"),
        (Target("gemini", "gemini-2.5-pro"), Usage(200_001, 10), "0.5001525"),
        (Target("my-server", "gpt-4o-mini"), Usage(1000, 500), "0.00045"),
    ],
)
async def test_each_class_of_token_has_its_rate(prices, target, usage, cost_usd):
    price = await prices.price(target.model, target)

    assert Decimal(cost_usd) == price.cost(usage)


async def test_a_model_that_nobody_prices_has_no_price(prices):
    assert await prices.price("unheard-of", Target("openai", "unheard-of")) is None


async def test_the_source_names_table_version_and_entry():
    source = LitellmPrices()
    price = await Prices(source).price("gpt-4o-mini", GPT_4O_MINI)

    assert f"{source.name} gpt-4o-mini" == price.source
    assert source.name.startswith("litellm 1.")


async def test_own_prices_come_before_the_table(table):
    own = ModelSettings(name="gpt-4o-mini", input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(2))
    prices = Prices(TableInMemory(table), [own])

    price = await prices.price("gpt-4o-mini", GPT_4O_MINI)

    assert Decimal("0.002") == price.cost(Usage(1000, 500))
    assert "helix.toml models.gpt-4o-mini" == price.source


async def test_an_aliass_price_is_not_that_of_its_fallback(table):
    fast = ModelSettings(
        name="fast",
        target="openai/gpt-4o-mini",
        fallbacks=("anthropic/claude-sonnet-4-5",),
        input_usd_per_mtok=Decimal(1),
        output_usd_per_mtok=Decimal(2),
    )
    prices = Prices(TableInMemory(table), [fast])

    assert "helix.toml models.fast" == (await prices.price("fast", GPT_4O_MINI)).source
    assert "table 1 claude-sonnet-4-5" == (await prices.price("fast", SONNET)).source


async def test_of_two_aliases_for_one_target_the_one_asked_for_holds():
    def alias(name: str, usd: int) -> ModelSettings:
        return ModelSettings(name=name, target="up/m", input_usd_per_mtok=Decimal(usd), output_usd_per_mtok=Decimal(0))

    prices = Prices(TableInMemory({}), [alias("a", 1), alias("b", 2)])

    found = [(await prices.price(asked, Target("up", "m"))).source for asked in ("a", "b", "m")]
    assert ["helix.toml models.a", "helix.toml models.b", "helix.toml models.a"] == found


async def test_what_helix_answers_itself_is_free():
    own_echo = ProviderSettings(name="mirror", type="echo")
    prices = Prices(TableInMemory({}), providers=[own_echo])

    for provider in ("helix", "mirror"):
        assert FREE == await prices.price("echo", Target(provider, "echo"))


async def test_new_settings_bring_new_prices():
    prices = Prices(TableInMemory({}))
    assert await prices.price("m", Target("up", "m")) is None

    prices.configure([ModelSettings(name="m", input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(1))], [])

    assert await prices.price("m", Target("up", "m")) is not None


counts = st.integers(0, 10_000_000)


@st.composite
def usages(draw) -> Usage:
    """Audio, pictures and reasoning within the input or output that they are part of."""
    read, written = draw(counts), draw(counts)
    input_audio, reasoning = draw(st.integers(0, read)), draw(st.integers(0, written))
    output_audio = draw(st.integers(0, written - reasoning))
    return Usage(
        input_tokens=read,
        output_tokens=written,
        cached_read_tokens=draw(counts),
        cache_write_5m_tokens=draw(counts),
        cache_write_1h_tokens=draw(counts),
        reasoning_tokens=reasoning,
        service_tier=draw(st.sampled_from([None, "default", "flex", "priority", "batch", "unheard-of"])),
        input_audio_tokens=input_audio,
        input_image_tokens=draw(st.integers(0, read - input_audio)),
        output_audio_tokens=output_audio,
        output_image_tokens=draw(st.integers(0, written - reasoning - output_audio)),
    )


rates = st.decimals(0, Decimal("0.001"), places=10)
_BASE = {"input_cost_per_token": rates, "output_cost_per_token": rates}
_REST = {
    "input_cost_per_audio_token": rates,
    "output_cost_per_image_token": rates,
    "output_cost_per_reasoning_token": rates,
    "cache_read_input_token_cost": rates,
    "cache_creation_input_token_cost": rates,
    "cache_creation_input_token_cost_above_1hr": rates,
    "input_cost_per_token_above_200k_tokens": rates,
    "output_cost_per_token_above_200k_tokens": rates,
    "input_cost_per_token_priority": rates,
    "output_cost_per_token_flex": rates,
    "input_cost_per_token_above_200k_tokens_priority": rates,
}
entries = st.fixed_dictionaries(_BASE, optional=_REST)


def _priced(entry) -> Price:
    price = price_of_entry("table", entry)
    assert price is not None
    return price


@given(entries, usages())
def test_the_classes_add_up_and_none_is_negative(entry, usage):
    price = _priced(entry)
    parts = price.quote(usage).parts

    assert list(parts) == read_parts(price.quote(usage).parts_text)
    assert all(tokens > 0 and usd_per_token >= 0 for _, tokens, usd_per_token in parts)
    assert usage.prompt_tokens + usage.output_tokens == sum(tokens for _, tokens, _ in parts)
    assert price.cost(usage) == sum(tokens * usd_per_token for _, tokens, usd_per_token in parts)


@given(entries, usages(), counts)
def test_no_call_within_its_bound_costs_more_than_the_worst_case(entry, usage, more_bytes):
    price = _priced(entry)
    prompt_bound = usage.prompt_tokens + more_bytes
    usd_per_input, usd_per_output = price.dearest(prompt_bound, usage.service_tier)

    assert price.cost(usage) <= prompt_bound * usd_per_input + usage.output_tokens * usd_per_output


def test_every_priced_model_of_the_table_can_be_reckoned(table):
    priced = {name: price for name, entry in table.items() if (price := price_of_entry(name, entry))}

    assert len(priced) > 3000
    for price in priced.values():
        assert price.cost(Usage(300_000, 1000, 1000, 1000, 1000)) >= 0
