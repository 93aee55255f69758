"""Providers that need no configuration: a key in the environment is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from ..settings import ProviderSettings


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """What Helix knows of a provider. `models` are names that nobody else uses; all others are
    reached as `name/model`."""

    name: str
    variables: tuple[str, ...]
    """Where its key is looked for; the first that is set counts."""
    models: tuple[str, ...] = ()
    base_url: str = ""
    type: Literal["openai", "anthropic"] = "openai"
    translate: tuple[Literal["responses"], ...] = ()
    """What its server lacks of the protocols of its type."""


_RESPONSES: tuple[Literal["responses"], ...] = ("responses",)

# First come those who make the models they serve; openrouter, which serves everybody's, is last.
KNOWN_PROVIDERS = (
    KnownProvider(
        "openai",
        ("OPENAI_API_KEY",),
        (
            *("gpt-*", "chatgpt-*", "codex-*", "o[1-9]*", "ft:*", "text-embedding-*", "davinci-*", "babbage-*"),
            *("dall-e-*", "whisper-*", "tts-*", "omni-moderation-*", "text-moderation-*"),
        ),
        "https://api.openai.com/v1",
    ),
    KnownProvider("anthropic", ("ANTHROPIC_API_KEY",), ("claude-*",), "https://api.anthropic.com", type="anthropic"),
    KnownProvider(
        "gemini",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        ("gemini-*",),
        "https://generativelanguage.googleapis.com/v1beta/openai",
        translate=_RESPONSES,
    ),
    KnownProvider(
        "mistral",
        ("MISTRAL_API_KEY",),
        ("mistral-*", "ministral-*", "magistral-*", "codestral-*", "devstral-*", "pixtral-*", "open-mi[sx]tral-*"),
        "https://api.mistral.ai/v1",
        translate=_RESPONSES,
    ),
    KnownProvider(
        "deepseek", ("DEEPSEEK_API_KEY",), ("deepseek-*",), "https://api.deepseek.com/v1", translate=_RESPONSES
    ),
    KnownProvider("xai", ("XAI_API_KEY",), ("grok-*",), "https://api.x.ai/v1"),
    KnownProvider(
        "perplexity",
        ("PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"),
        ("sonar*",),
        "https://api.perplexity.ai",
        translate=_RESPONSES,
    ),
    KnownProvider(
        "cohere",
        ("COHERE_API_KEY", "CO_API_KEY"),
        ("command-*",),
        "https://api.cohere.ai/compatibility/v1",
        translate=_RESPONSES,
    ),
    KnownProvider("groq", ("GROQ_API_KEY",), ("llama-*",), "https://api.groq.com/openai/v1"),
    KnownProvider("cerebras", ("CEREBRAS_API_KEY",), ("llama3*",), "https://api.cerebras.ai/v1", translate=_RESPONSES),
    KnownProvider(
        "fireworks",
        ("FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"),
        ("accounts/*",),
        "https://api.fireworks.ai/inference/v1",
    ),
    KnownProvider(
        "together",
        ("TOGETHER_API_KEY", "TOGETHERAI_API_KEY"),
        (),
        "https://api.together.xyz/v1",
        translate=_RESPONSES,
    ),
    KnownProvider("openrouter", ("OPENROUTER_API_KEY",), ("*/*",), "https://openrouter.ai/api/v1"),
)


def providers_from_environment(environ: Mapping[str, str]) -> tuple[ProviderSettings, ...]:
    """The known providers whose key is set, in their order. Only for when no file names a provider."""
    found = ((known, _key_of(known, environ)) for known in KNOWN_PROVIDERS)
    return tuple(_settings(known, key) for known, key in found if key)


def _key_of(known: KnownProvider, environ: Mapping[str, str]) -> str:
    keys = (environ.get(variable, "").strip() for variable in known.variables)
    return next((key for key in keys if key), "")


def _settings(known: KnownProvider, key: str) -> ProviderSettings:
    return ProviderSettings(
        name=known.name,
        type=known.type,
        base_url=known.base_url,
        api_key=SecretStr(key),
        models=known.models,
        translate=known.translate,
    )
