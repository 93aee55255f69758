"""What would have been cheaper, with the sum that it would have saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..exchange import Target, Usage
from ..ports.cost import SpendLog, SpendQuery
from ..spend_sums import PromptCacheSum, Repeats, SmallCalls
from .money import usd_about
from .prices import Prices

SMALL_INPUT_TOKENS = 1_000
SMALL_OUTPUT_TOKENS = 300
"""A question and a short answer. Whether the smaller model answers as well is for its users to try."""

LEAST_SAVING = Decimal("0.01")
"""US dollars; less is not worth a sentence."""


@dataclass(frozen=True, slots=True)
class Advice:
    """`kind` is cheaper_model, cache_off, cache_scope or prompt_cache; `step` is what to write or change."""

    kind: str
    saving_usd: Decimal
    calls: int
    text: str
    step: str


async def advice_on(
    spend_log: SpendLog, query: SpendQuery, prices: Prices, prompt_caches: Iterable[PromptCacheSum]
) -> list[Advice]:
    """What would have saved money in the period, most first."""
    small = await spend_log.small_calls(
        query, max_input_tokens=SMALL_INPUT_TOKENS, max_output_tokens=SMALL_OUTPUT_TOKENS
    )
    found = [await _smaller_model(calls, prices) for calls in small]
    found += [_more_cache(repeats) for repeats in await spend_log.repeats(query)]
    found += [_less_prompt_cache(one) for one in prompt_caches]
    worth = [advice for advice in found if advice is not None and advice.saving_usd >= LEAST_SAVING]
    return sorted(worth, key=lambda advice: advice.saving_usd, reverse=True)


async def _smaller_model(small: SmallCalls, prices: Prices) -> Advice | None:
    found = await prices.smaller(Target(small.provider, small.model))
    if found is None:
        return None
    model, price = found
    would_cost_usd = price.cost(
        Usage(
            input_tokens=small.input_tokens,
            output_tokens=small.output_tokens,
            cached_read_tokens=small.cached_read_tokens,
            cache_write_5m_tokens=small.cache_write_tokens,
        )
    )
    return Advice(
        "cheaper_model",
        small.cost_usd - would_cost_usd,
        small.calls,
        f"{small.calls:,} calls of {small.model} read at most {SMALL_INPUT_TOKENS:,} tokens, wrote at most "
        f"{SMALL_OUTPUT_TOKENS:,} and used no tools; {model} would have cost ${usd_about(would_cost_usd)} "
        f"instead of ${usd_about(small.cost_usd)}",
        f'[[optimize]]\nfrom = "{small.model}"\nto = "{model}"\n'
        f"when = {{ max_prompt_tokens = {SMALL_INPUT_TOKENS}, max_output_tokens = {SMALL_OUTPUT_TOKENS}, "
        "no_tools = true }",
    )


def _more_cache(repeats: Repeats) -> Advice:
    if repeats.why == "off":
        return Advice(
            "cache_off",
            repeats.cost_usd,
            repeats.calls,
            f"{repeats.calls:,} calls asked what the same key had asked before, past the cache",
            'cache.mode = "exact", and no x-helix-cache: off or Cache-Control: no-store where it is not meant',
        )
    return Advice(
        "cache_scope",
        repeats.cost_usd,
        repeats.calls,
        f"{repeats.calls:,} calls asked what another key had asked before, which does not share its answers",
        'cache.scope = "team", "org" or "everyone", if these callers may see each other\'s answers',
    )


def _less_prompt_cache(one: PromptCacheSum) -> Advice | None:
    if one.cost_usd <= one.uncached_usd:
        return None
    return Advice(
        "prompt_cache",
        one.cost_usd - one.uncached_usd,
        0,
        f"the provider's prompt cache cost more than it saved with {one.model}: {one.written_tokens:,} tokens were "
        f"written, {one.read_tokens:,} read",
        "send cache_control only with prompts that are asked again within its lifetime",
    )
