"""Which price holds for a model.

Own prices (`[[models]]` of helix.toml) come first, then litellm's table. A model that neither names is
unpriced, which is not the same as free.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal

from ..exchange import Target
from ..ports.cost import PriceSource, PriceTable
from ..settings import ModelSettings, ProviderSettings
from .cheaper import Families
from .price_table import price_of_entry, rates_of
from .rates import Price, Rates, flat

MTOK = 1_000_000

HALF = Decimal("0.5")

_TABLE_NAMES = {"google": "gemini", "together": "together_ai", "fireworks": "fireworks_ai", "grok": "xai"}
"""What people call a provider, where litellm's table calls it otherwise."""

_MODELS_REMEMBERED = 1_000

_ZERO = Decimal(0)
FREE = flat("free: answered by Helix itself", Rates(*[_ZERO] * len(fields(Rates))))


class Prices:
    """Finds the price of a target. The table is read on first need, in a thread, and once."""

    def __init__(
        self, source: PriceSource, models: Iterable[ModelSettings] = (), providers: Iterable[ProviderSettings] = ()
    ) -> None:
        self._source = source
        self._table: PriceTable | None = None
        self._families: Families | None = None
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

    async def smaller(self, target: Target) -> tuple[str, Price] | None:
        """The largest of the smaller models of the family that costs at most half, as its provider names it."""
        table = await self._load()
        name, own = _entry_of(table, target), await self.price("", target)
        if name is None or own is None:
            return None
        if self._families is None:
            self._families = Families(table)
        for other in self._families.smaller(name):
            price = price_of_entry(f"{self._source.name} {other}", table[other])
            if price is not None and price.is_at_most(own, HALF):
                return other.removeprefix(name.removesuffix(target.model)), price
        return None

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
    per_token = {
        "input_cost_per_token": (model.input_usd_per_mtok or _ZERO) / MTOK,
        "output_cost_per_token": (model.output_usd_per_mtok or _ZERO) / MTOK,
    }
    if model.cached_input_usd_per_mtok is not None:
        per_token["cache_read_input_token_cost"] = model.cached_input_usd_per_mtok / MTOK
    return flat(f"helix.toml models.{model.name}", rates_of(per_token))


def _price_of_table(table: PriceTable, table_name: str, target: Target) -> Price | None:
    name = _entry_of(table, target)
    return None if name is None else price_of_entry(f"{table_name} {name}", table[name])


def _entry_of(table: PriceTable, target: Target) -> str | None:
    """The table's name for a target."""
    prefix = _TABLE_NAMES.get(target.provider, target.provider)
    return next((name for name in (f"{prefix}/{target.model}", target.model) if name in table), None)
