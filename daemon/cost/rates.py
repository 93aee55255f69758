"""What a model's tokens cost, by class, service tier, length of the prompt and hour; and one call's quote of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from ..exchange import Usage
from .money import LEDGER_STEP, usd_text
from .off_peak import Hours

STANDARD = ""
"""The tier of a call whose answer names none."""

_TIERS = {"default": STANDARD, "standard": STANDARD, "auto": STANDARD, "batch": "batches"}
"""What providers call a tier, where litellm's table calls it otherwise."""

_ZERO_USD = Decimal(0)


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
        total = sum((tokens * usd_per_token for _, tokens, usd_per_token in self.parts), _ZERO_USD)
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

    def is_at_most(self, other: Price, part: Decimal) -> bool:
        """Whether text costs at most `part` of what it costs at `other`, read and written, at the standard tier."""
        own, others = self.steps[STANDARD][0][1], other.steps[STANDARD][0][1]
        return own.input <= others.input * part and own.output <= others.output * part

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


def flat(source: str, rates: Rates) -> Price:
    """The same rates for every call."""
    return Price(source, {STANDARD: ((0, rates),)})
