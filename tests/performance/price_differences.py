"""Where Helix reckons differently from litellm's own `completion_cost`, over the whole price table.

    .venv/bin/python tests/performance/price_differences.py [--all]

Each priced model is asked for the same calls. The differences are listed by provider and class of token, one
example each; `--all` lists every model. Reads the installed litellm, which must not fetch a newer table.

With litellm 1.106: 26,991 calls, 373 differences, all of these kinds:

- fireworks_ai, cached: without a cached rate in the table litellm takes half of the input's; Helix the input's.
- fireworks_ai, priority; perplexity, cached and long: litellm's own calculators for these providers leave the
  table's rates for tiers, cached tokens and long prompts out; Helix takes them.
- perplexity/perplexity/sonar, gemini-exp-1206: litellm cuts the name or prefixes it and finds another entry.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from litellm.types.utils import CompletionTokensDetailsWrapper, PromptTokensDetailsWrapper, Usage

from daemon.adapters.prices_litellm import LitellmPrices
from daemon.cost.price_table import price_of_entry
from daemon.dialects import dialect_named

litellm.suppress_debug_info = True

SIGNS_IN = frozenset({"github_copilot", "chatgpt"})
"""Providers for which litellm asks the network for a login before it says a price."""

TOLERANCE = Decimal("1e-9")
"""litellm reckons in floats."""


class Case(NamedTuple):
    """A call with something in it; `text` tokens are read beside it."""

    name: str
    text: int = 1000
    cached: int = 0
    input_audio: int = 0
    reasoning: int = 0
    tier: str | None = None

    def usage(self) -> dict[str, Any]:
        prompt, output = self.text + self.cached + self.input_audio, 500 + self.reasoning
        return {
            "prompt_tokens": prompt,
            "completion_tokens": output,
            "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": self.input_audio},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning},
        }


CASES = (
    Case("text"),
    Case("cached", cached=5000),
    Case("audio", input_audio=300),
    Case("reasoning", reasoning=2000),
    Case("above 128k", text=150_000),
    Case("above 200k", text=250_000),
    Case("above 272k", text=300_000),
    Case("flex", tier="flex"),
    Case("priority", tier="priority"),
)


def main() -> None:
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    compared, now = 0, datetime.now(UTC)
    for model, entry in LitellmPrices().load().items():
        price, listed = price_of_entry(model, entry), litellm.model_cost.get(model, {})
        provider = listed.get("litellm_provider", "")
        if price is None or listed.get("mode") not in ("chat", "responses") or provider in SIGNS_IN:
            continue
        for case in CASES:
            ours = price.at(now).cost(helix_usage(case))
            theirs = litellm_cost(model, provider, case)
            compared += 1
            if theirs is None or abs(ours - theirs) > TOLERANCE * max(1, ours):
                found[provider, case.name].append(f"{model}: {ours.normalize():f} here, {theirs} there")
    show(found, compared)


def helix_usage(case: Case) -> Any:
    return dialect_named("chat").usage({"usage": case.usage(), "service_tier": case.tier})


def litellm_cost(model: str, provider: str, case: Case) -> Decimal | None:
    """None where litellm has no answer."""
    block = case.usage()
    usage = Usage(
        prompt_tokens=block["prompt_tokens"],
        completion_tokens=block["completion_tokens"],
        total_tokens=block["total_tokens"],
        prompt_tokens_details=PromptTokensDetailsWrapper(**block["prompt_tokens_details"]),
        completion_tokens_details=CompletionTokensDetailsWrapper(**block["completion_tokens_details"]),
    )
    try:
        costs = litellm.cost_per_token(
            model=model, custom_llm_provider=provider, usage_object=usage, service_tier=case.tier
        )
    except Exception:  # it raises whatever it likes; a script's border
        return None
    return Decimal(repr(sum(costs)))


def show(found: dict[tuple[str, str], list[str]], compared: int) -> None:
    differ = sum(map(len, found.values()))
    print(f"{compared} calls compared, {differ} differ")
    for (provider, case), lines in sorted(found.items()):
        print(f"\n{provider}, {case}: {len(lines)}")
        for line in lines if "--all" in sys.argv else lines[:1]:
            print(f"  {line}")


if __name__ == "__main__":
    main()
