"""A key in the environment makes a provider."""

from __future__ import annotations

from daemon.routing.known_providers import KNOWN_PROVIDERS, providers_from_environment
from daemon.routing.router import Router
from daemon.settings import Settings

KEYS = {known.variables[0]: f"key-of-{known.name}" for known in KNOWN_PROVIDERS}


def test_nothing_set_makes_none():
    assert () == providers_from_environment({"PATH": "/bin", "OPENAI_API_KEY": " "})


def test_each_key_makes_its_provider_and_stays_secret():
    providers = providers_from_environment(KEYS)

    assert [known.name for known in KNOWN_PROVIDERS] == [provider.name for provider in providers]
    assert all(provider.api_key.get_secret_value() == f"key-of-{provider.name}" for provider in providers)
    assert "key-of" not in repr(providers)


def test_the_first_variable_that_is_set_counts():
    (gemini,) = providers_from_environment({"GEMINI_API_KEY": "", "GOOGLE_API_KEY": "g\n"})

    assert ("gemini", "g") == (gemini.name, gemini.api_key.get_secret_value())


def test_well_known_models_go_to_their_makers():
    router = Router(Settings(providers=providers_from_environment(KEYS)))
    makers = {
        "gpt-4o": "openai",
        "o3-mini": "openai",
        "gemini-2.5-flash": "gemini",
        "mistral-large-latest": "mistral",
        "deepseek-chat": "deepseek",
        "grok-4": "xai",
        "llama-3.3-70b-versatile": "groq",
        "together/meta-llama/Llama-3": "together",
        "qwen/qwen3-32b": "openrouter",
    }

    assert makers == {model: router.route(model, "chat").targets[0].provider for model in makers}
    assert "anthropic" == router.route("claude-haiku-4-5", "messages").targets[0].provider
