"""An entry of litellm's price table, read as a price."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from .off_peak import hours_of
from .rates import STANDARD, OffPeak, Price, Rates

_FIELD = re.compile(
    r"(?P<rate>input_cost_per(?:_audio|_image)?_token|output_cost_per(?:_audio|_image|_reasoning)?_token"
    r"|cache_read_input_token_cost|cache_creation_input_token_cost(?:_above_1hr)?)"
    r"(?:_above_(?P<above_k>\d+)k_tokens)?(?:_(?P<tier>[a-z]+))?"
)


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
    if "output_cost_per_image_token" in base:  # some write pictures only
        base.setdefault("output_cost_per_token", base["output_cost_per_image_token"])
    if entry.get("input_cost_per_query"):
        return None  # a reranker's tokens are free, its queries are not
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
            (above, rates_of({**short, **by_step.get((STANDARD, above), {}), **by_step.get((tier, above), {})}))
            for above in lengths
        )
    return steps


def rates_of(fields: Mapping[str, Decimal]) -> Rates:
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
