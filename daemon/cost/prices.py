"""Tokens to money: which price holds for a model, and what a call cost by it.

Own prices (`[[models]]` of helix.toml) come first, then litellm's table. A model that neither names is
unpriced, which is not the same as free.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..exchange import Target, Usage
from ..ports import PriceSource, PriceTable
from ..settings import ModelSettings, ProviderSettings
from .money import LEDGER_STEP

MTOK = 1_000_000

STANDARD = ""
"""The tier of a call whose answer names none."""

_TIERS = {"default": STANDARD, "standard": STANDARD, "auto": STANDARD, "batch": "batches"}
"""What providers call a tier, where litellm's table calls it otherwise."""

_TABLE_NAMES = {"google": "gemini", "together": "together_ai", "fireworks": "fireworks_ai", "grok": "xai"}
"""What people call a provider, where litellm's table calls it otherwise."""

_MODELS_REMEMBERED = 1_000

_FIELD = re.compile(
    r"(?P<rate>input_cost_per_token|output_cost_per_token|cache_read_input_token_cost"
    r"|cache_creation_input_token_cost(?:_above_1hr)?)"
    r"(?:_above_(?P<above_k>\d+)k_tokens)?(?:_(?P<tier>[a-z]+))?"
)


@dataclass(frozen=True, slots=True)
class Rates:
    """US dollars for one token of each class."""

    input: Decimal
    output: Decimal
    cached_read: Decimal
    cache_write_5m: Decimal
    cache_write_1h: Decimal

    @property
    def dearest_input(self) -> Decimal:
        return max(self.input, self.cached_read, self.cache_write_5m, self.cache_write_1h)

    @property
    def is_free(self) -> bool:
        return not any((self.dearest_input, self.output))

    def cost(self, usage: Usage) -> Decimal:
        """Reasoning is part of the output, so it is not added again."""
        return (
            usage.input_tokens * self.input
            + usage.cached_read_tokens * self.cached_read
            + usage.cache_write_5m_tokens * self.cache_write_5m
            + usage.cache_write_1h_tokens * self.cache_write_1h
            + usage.output_tokens * self.output
        )


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, by service tier and by length of the prompt.

    `steps` are for each tier (tokens, rates) with rising tokens: a prompt longer than `tokens` pays those
    rates for all of it, as OpenAI, Anthropic and Gemini bill.
    """

    source: str
    """As a ledger row names it: `litellm 1.106.2 gpt-4o-mini`, `helix.toml models.fast`."""
    steps: Mapping[str, tuple[tuple[int, Rates], ...]]
    max_output_tokens: int | None = None

    @property
    def is_free(self) -> bool:
        return all(rates.is_free for steps in self.steps.values() for _, rates in steps)

    def rates(self, prompt_tokens: int, tier: str | None = None) -> Rates:
        """The rates of a prompt this long; a tier without prices of its own is billed as standard."""
        steps = self._steps(tier)
        return next(rates for above, rates in reversed(steps) if prompt_tokens > above or above == 0)

    def dearest(self, prompt_tokens: int, tier: str | None = None) -> tuple[Decimal, Decimal]:
        """The most that a token of any input class and one of output may cost, when the prompt has at most
        `prompt_tokens`."""
        reachable = [rates for above, rates in self._steps(tier) if prompt_tokens > above or above == 0]
        return max(rates.dearest_input for rates in reachable), max(rates.output for rates in reachable)

    def cost(self, usage: Usage) -> Decimal:
        """US dollars, to the ledger's twelve decimals."""
        rates = self.rates(usage.prompt_tokens, usage.service_tier)
        return rates.cost(usage).quantize(LEDGER_STEP)

    def _steps(self, tier: str | None) -> tuple[tuple[int, Rates], ...]:
        name = _TIERS.get(tier, tier) if tier else STANDARD
        return self.steps.get(name) or self.steps[STANDARD]


def _flat(source: str, rates: Rates) -> Price:
    return Price(source, {STANDARD: ((0, rates),)})


_ZERO = Decimal(0)
FREE = _flat("free: answered by Helix itself", Rates(_ZERO, _ZERO, _ZERO, _ZERO, _ZERO))


class Prices:
    """Finds the price of a target. The table is read on first need, in a thread, and once."""

    def __init__(
        self, source: PriceSource, models: Iterable[ModelSettings] = (), providers: Iterable[ProviderSettings] = ()
    ) -> None:
        self._source = source
        self._table: PriceTable | None = None
        self._loading = asyncio.Lock()
        self.configure(models, providers)

    def configure(self, models: Iterable[ModelSettings], providers: Iterable[ProviderSettings]) -> None:
        """Take the own prices and the echo providers of new settings."""
        self._own = tuple(model for model in models if _has_own_price(model))
        self._free_providers = {"helix"} | {provider.name for provider in providers if provider.type == "echo"}
        self._found: dict[tuple[str, Target], Price | None] = {}

    async def warm(self) -> None:
        """Read the table now, so that no call waits for it."""
        await self._load()

    async def price(self, asked: str, target: Target) -> Price | None:
        """What `target` costs for a caller who asked for the model `asked`; None where nobody says."""
        key = (asked, target)
        if key not in self._found:
            if len(self._found) >= _MODELS_REMEMBERED:
                self._found.clear()
            self._found[key] = await self._find(asked, target)
        return self._found[key]

    async def _find(self, asked: str, target: Target) -> Price | None:
        own = self._own_price(asked, target)
        if own is not None and own.output_usd_per_mtok is not None:
            return _price_of_settings(own)
        if target.provider in self._free_providers:
            return FREE
        return _price_of_table(await self._load(), self._source.name, target)

    def _own_price(self, asked: str, target: Target) -> ModelSettings | None:
        """The entry for this target; where several aliases price it, that of the alias asked for."""
        names = (f"{target.provider}/{target.model}", target.model)
        fitting = [model for model in self._own if (model.target or model.name) in names]
        return next((model for model in fitting if model.name == asked), fitting[0] if fitting else None)

    async def _load(self) -> PriceTable:
        async with self._loading:
            if self._table is None:
                self._table = await asyncio.to_thread(self._source.load)
            return self._table


def _has_own_price(model: ModelSettings) -> bool:
    return model.input_usd_per_mtok is not None and model.output_usd_per_mtok is not None


def _price_of_settings(model: ModelSettings) -> Price:
    """Where no price of cached input is given, it is that of input: never billed too low."""
    per_token = (model.input_usd_per_mtok or _ZERO) / MTOK
    cached = model.cached_input_usd_per_mtok
    rates = Rates(
        input=per_token,
        output=(model.output_usd_per_mtok or _ZERO) / MTOK,
        cached_read=per_token if cached is None else cached / MTOK,
        cache_write_5m=per_token,
        cache_write_1h=per_token,
    )
    return _flat(f"helix.toml models.{model.name}", rates)


def _price_of_table(table: PriceTable, table_name: str, target: Target) -> Price | None:
    prefix = _TABLE_NAMES.get(target.provider, target.provider)
    for name in (f"{prefix}/{target.model}", target.model):
        if name in table:
            return price_of_entry(f"{table_name} {name}", table[name])
    return None


def price_of_entry(source: str, entry: Mapping[str, Any]) -> Price | None:
    """The price that an entry of litellm's table states; None where it has no rate for input or output."""
    by_step: dict[tuple[str, int], dict[str, Decimal]] = {}
    for name, value in entry.items():
        field = _FIELD.fullmatch(name)
        if field and isinstance(value, (int, Decimal)):
            step = (field["tier"] or STANDARD, int(field["above_k"] or 0) * 1000)
            by_step.setdefault(step, {})[field["rate"]] = Decimal(value)
    base = by_step.get((STANDARD, 0), {})
    if "input_cost_per_token" not in base or "output_cost_per_token" not in base:
        return None
    return Price(source, _steps_of(by_step, base), _limit(entry))


def _steps_of(
    by_step: Mapping[tuple[str, int], Mapping[str, Decimal]], base: Mapping[str, Decimal]
) -> dict[str, tuple[tuple[int, Rates], ...]]:
    """For each tier its rates by length of the prompt. Where a tier states no rate for long prompts, the
    standard tier's holds, as litellm reckons."""
    tiers = {tier for tier, _ in by_step}
    lengths = sorted({0} | {above for _, above in by_step})
    steps: dict[str, tuple[tuple[int, Rates], ...]] = {}
    for tier in tiers:
        short = {**base, **by_step.get((tier, 0), {})}
        steps[tier] = tuple(
            (above, _rates({**short, **by_step.get((STANDARD, above), {}), **by_step.get((tier, above), {})}))
            for above in lengths
        )
    return steps


def _rates(fields: Mapping[str, Decimal]) -> Rates:
    """Cached tokens without a rate of their own are billed as input, never below it; an hour's write at twice
    the input where writes are billed at all, which is Anthropic's rule."""
    per_input = fields["input_cost_per_token"]
    per_write = fields.get("cache_creation_input_token_cost")
    per_long_write = fields.get("cache_creation_input_token_cost_above_1hr")
    if per_long_write is None:
        per_long_write = per_input if per_write is None else 2 * per_input
    return Rates(
        input=per_input,
        output=fields["output_cost_per_token"],
        cached_read=fields.get("cache_read_input_token_cost", per_input),
        cache_write_5m=per_input if per_write is None else per_write,
        cache_write_1h=per_long_write,
    )


def _limit(entry: Mapping[str, Any]) -> int | None:
    """The most output tokens of one choice. `max_tokens` is the table's older name for it."""
    stated = entry.get("max_output_tokens", entry.get("max_tokens"))
    return stated if isinstance(stated, int) and stated > 0 else None
