"""Tokens to money: which price holds for a model, and what a call cost by it.

Own prices (`[[models]]` of helix.toml) come first, then litellm's table. A model that neither names is
unpriced, which is not the same as free.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from ..exchange import Target, Usage
from ..ports import PriceSource, PriceTable
from ..settings import ModelSettings, ProviderSettings
from .money import LEDGER_STEP, usd_text
from .off_peak import Hours, hours_of

MTOK = 1_000_000

STANDARD = ""
"""The tier of a call whose answer names none."""

_TIERS = {"default": STANDARD, "standard": STANDARD, "auto": STANDARD, "batch": "batches"}
"""What providers call a tier, where litellm's table calls it otherwise."""

_TABLE_NAMES = {"google": "gemini", "together": "together_ai", "fireworks": "fireworks_ai", "grok": "xai"}
"""What people call a provider, where litellm's table calls it otherwise."""

_MODELS_REMEMBERED = 1_000

_FIELD = re.compile(
    r"(?P<rate>input_cost_per(?:_audio|_image)?_token|output_cost_per(?:_audio|_image|_reasoning)?_token"
    r"|cache_read_input_token_cost|cache_creation_input_token_cost(?:_above_1hr)?)"
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
    reasoning: Decimal
    input_audio: Decimal
    input_image: Decimal
    output_audio: Decimal
    output_image: Decimal

    def dearest_input(self, *, with_media: bool) -> Decimal:
        text = max(self.input, self.cached_read, self.cache_write_5m, self.cache_write_1h)
        return max(text, self.input_audio, self.input_image) if with_media else text

    def dearest_output(self, *, with_media: bool) -> Decimal:
        text = max(self.output, self.reasoning)
        return max(text, self.output_audio, self.output_image) if with_media else text

    @property
    def is_free(self) -> bool:
        return not any((self.dearest_input(with_media=True), self.dearest_output(with_media=True)))

    def parts(self, usage: Usage) -> tuple[Part, ...]:
        """What a call is billed for, class by class. What is part of the input or output is taken out of it."""
        text_read = usage.input_tokens - usage.input_audio_tokens - usage.input_image_tokens
        media_written = usage.output_audio_tokens + usage.output_image_tokens
        lines = (
            ("input", text_read, self.input),
            ("input_audio", usage.input_audio_tokens, self.input_audio),
            ("input_image", usage.input_image_tokens, self.input_image),
            ("cached_read", usage.cached_read_tokens, self.cached_read),
            ("cache_write_5m", usage.cache_write_5m_tokens, self.cache_write_5m),
            ("cache_write_1h", usage.cache_write_1h_tokens, self.cache_write_1h),
            ("output", usage.output_tokens - usage.reasoning_tokens - media_written, self.output),
            ("reasoning", usage.reasoning_tokens, self.reasoning),
            ("output_audio", usage.output_audio_tokens, self.output_audio),
            ("output_image", usage.output_image_tokens, self.output_image),
        )
        return tuple(Part(*line) for line in lines if line[1])


class Part(NamedTuple):
    """Tokens of one class at their rate."""

    name: str
    tokens: int
    usd_per_token: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """What one call costs, and why."""

    source: str
    """Table, entry, and what of the entry: `litellm 1.106.2 gpt-5.4, flex, above 272000 tokens`."""
    parts: tuple[Part, ...]

    @property
    def cost_usd(self) -> Decimal:
        """To the ledger's twelve decimals."""
        total = sum((tokens * usd_per_token for _, tokens, usd_per_token in self.parts), _ZERO)
        return total.quantize(LEDGER_STEP)

    @property
    def parts_text(self) -> str:
        """As the ledger keeps it: `input=812@0.00000015,output=50@0.0000006`."""
        return ",".join(f"{name}={tokens}@{usd_text(usd)}" for name, tokens, usd in self.parts)


def read_parts(text: str) -> list[Part]:
    """The inverse of `parts_text`."""
    fields = (re.split("[=@]", part) for part in text.split(",") if part)
    return [Part(name, int(tokens), Decimal(usd)) for name, tokens, usd in fields]


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
    off_peak: OffPeak | None = None

    @property
    def is_free(self) -> bool:
        return all(rates.is_free for steps in self.steps.values() for _, rates in steps)

    def dearest(
        self, prompt_tokens: int, tier: str | None = None, *, with_media: bool = True
    ) -> tuple[Decimal, Decimal]:
        """The most that a token of any input class and one of any output class may cost, when the prompt has at
        most `prompt_tokens`. `with_media`: whether the call may read or write anything but text."""
        steps = self.steps[self._tier(tier)]
        reachable = [rates for above, rates in steps if prompt_tokens > above or above == 0]
        return (
            max(rates.dearest_input(with_media=with_media) for rates in reachable),
            max(rates.dearest_output(with_media=with_media) for rates in reachable),
        )

    def at(self, moment: datetime) -> Price:
        """The price that holds then."""
        if self.off_peak is not None and any(hours.hold(moment) for hours in self.off_peak.hours):
            return self.off_peak.price
        return self

    def quote(self, usage: Usage) -> Quote:
        """A tier without prices of its own is billed as standard."""
        tier, prompt_tokens = self._tier(usage.service_tier), usage.prompt_tokens
        reached = (step for step in reversed(self.steps[tier]) if prompt_tokens > step[0] or step[0] == 0)
        above, rates = next(reached)
        source = f"{self.source}, {tier}" if tier else self.source
        return Quote(f"{source}, above {above} tokens" if above else source, rates.parts(usage))

    def cost(self, usage: Usage) -> Decimal:
        """US dollars, to the ledger's twelve decimals."""
        return self.quote(usage).cost_usd

    def _tier(self, tier: str | None) -> str:
        name = _TIERS.get(tier, tier) if tier else STANDARD
        return name if name in self.steps else STANDARD


@dataclass(frozen=True, slots=True)
class OffPeak:
    """The price of some hours."""

    hours: tuple[Hours, ...]
    price: Price


def _flat(source: str, rates: Rates) -> Price:
    return Price(source, {STANDARD: ((0, rates),)})


_ZERO = Decimal(0)
FREE = _flat("free: answered by Helix itself", Rates(*[_ZERO] * len(fields(Rates))))


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
    per_token = {
        "input_cost_per_token": (model.input_usd_per_mtok or _ZERO) / MTOK,
        "output_cost_per_token": (model.output_usd_per_mtok or _ZERO) / MTOK,
    }
    if model.cached_input_usd_per_mtok is not None:
        per_token["cache_read_input_token_cost"] = model.cached_input_usd_per_mtok / MTOK
    return _flat(f"helix.toml models.{model.name}", _rates(per_token))


def _price_of_table(table: PriceTable, table_name: str, target: Target) -> Price | None:
    prefix = _TABLE_NAMES.get(target.provider, target.provider)
    for name in (f"{prefix}/{target.model}", target.model):
        if name in table:
            return price_of_entry(f"{table_name} {name}", table[name])
    return None


def price_of_entry(source: str, entry: Mapping[str, Any]) -> Price | None:
    """The price that an entry of litellm's table states; None where it has no rate for input or output."""
    price, rules = _price_at_all_hours(source, entry), entry.get("off_peak_pricing")
    if price is None or not isinstance(rules, Mapping):
        return price
    cheaper = _price_at_all_hours(f"{source}, off-peak", {**entry, **rules})
    try:
        return replace(price, off_peak=OffPeak(hours_of(rules), cheaper)) if cheaper else price
    except (ValueError, KeyError, TypeError):
        return price  # its hours are written in a new way: the full price is never too low


def _price_at_all_hours(source: str, entry: Mapping[str, Any]) -> Price | None:
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
    """A class without a rate of its own is billed as the input or output that it is part of, never below it; an
    hour's write at twice the input where writes are billed at all, which is Anthropic's rule."""
    per_input, per_output = fields["input_cost_per_token"], fields["output_cost_per_token"]
    per_write = fields.get("cache_creation_input_token_cost")
    per_long_write = fields.get("cache_creation_input_token_cost_above_1hr")
    if per_long_write is None:
        per_long_write = per_input if per_write is None else 2 * per_input
    return Rates(
        input=per_input,
        output=per_output,
        cached_read=fields.get("cache_read_input_token_cost", per_input),
        cache_write_5m=per_input if per_write is None else per_write,
        cache_write_1h=per_long_write,
        reasoning=fields.get("output_cost_per_reasoning_token", per_output),
        input_audio=fields.get("input_cost_per_audio_token", per_input),
        input_image=fields.get("input_cost_per_image_token", per_input),
        output_audio=fields.get("output_cost_per_audio_token", per_output),
        output_image=fields.get("output_cost_per_image_token", per_output),
    )


def _limit(entry: Mapping[str, Any]) -> int | None:
    """The most output tokens of one choice. `max_tokens` is the table's older name for it."""
    stated = entry.get("max_output_tokens", entry.get("max_tokens"))
    return stated if isinstance(stated, int) and stated > 0 else None
