"""Which provider answers which name."""

from __future__ import annotations

import pytest

from daemon.errors import SettingsError, UnknownModel
from daemon.exchange import Target
from daemon.routing.router import ECHO, Router
from daemon.settings import ModelSettings, ProviderSettings, Settings

OPENAI = ProviderSettings(name="openai", type="openai", models=("gpt-*", "o3"))
ANTHROPIC = ProviderSettings(name="anthropic", type="anthropic", models=("claude-*",))
OPENROUTER = ProviderSettings(name="openrouter", type="openai", models=("*/*",))
LITELLM = ProviderSettings(name="litellm", type="litellm", models=("groq/*", "openai/*"))


def router(*providers: ProviderSettings, models: tuple[ModelSettings, ...] = ()) -> Router:
    return Router(Settings(providers=providers or (OPENAI, ANTHROPIC), models=models))


def alias(name: str, target: str = "", *fallbacks: str) -> ModelSettings:
    return ModelSettings(name=name, target=target, fallbacks=fallbacks)


def chat(router: Router, model: str) -> list[tuple[str, str]]:
    return [(target.provider, target.model) for target in router.route(model, "chat").targets]


def messages(router: Router, model: str) -> list[tuple[str, str]]:
    return [(target.provider, target.model) for target in router.route(model, "messages").targets]


def test_a_pattern_finds_the_first_provider_that_matches():
    second = ProviderSettings(name="second", type="openai", models=("*",))

    assert [("openai", "gpt-4o")] == chat(router(OPENAI, second), "gpt-4o")
    assert [("second", "GPT-4o")] == chat(router(OPENAI, second), "GPT-4o")


def test_a_providers_name_in_front_chooses_it_whatever_its_patterns():
    assert [("openai", "my-own")] == chat(router(), "openai/my-own")
    assert [("openrouter", "openai/gpt-4o")] == chat(router(OPENAI, OPENROUTER), "openrouter/openai/gpt-4o")


def test_a_name_with_a_slash_of_no_provider_is_matched_whole():
    assert [("openrouter", "meta-llama/llama-4")] == chat(router(OPENAI, OPENROUTER), "meta-llama/llama-4")


def test_a_provider_that_does_not_speak_the_dialect_is_passed_over():
    everything = ProviderSettings(name="everything", type="litellm")

    assert [("everything", "gpt-4o")] == messages(router(OPENAI, everything), "gpt-4o")
    assert [("litellm", "openai/gpt-4o")] == messages(router(ANTHROPIC, LITELLM), "openai/gpt-4o")
    assert [("openai", "gpt-4o")] == chat(router(OPENAI, LITELLM), "openai/gpt-4o")


def test_who_speaks_the_dialect_comes_before_those_for_whom_it_is_translated():
    other = ProviderSettings(name="other", type="anthropic", models=("*",))

    assert [("other", "gpt-4o")] == messages(router(OPENAI, other), "gpt-4o")
    assert [("openai", "gpt-4o")] == messages(router(), "gpt-4o")
    assert [("anthropic", "claude-x")] == chat(router(), "claude-x")


def test_the_provider_that_a_name_begins_with_answers_in_every_dialect_that_can_be_translated():
    other = ProviderSettings(name="other", type="anthropic", models=("*",))

    assert [("openai", "gpt-4o")] == messages(router(OPENAI, other), "openai/gpt-4o")


def test_a_server_without_responses_keeps_none_either():
    bare = ProviderSettings(name="bare", type="openai", translate=("responses",))

    assert "bare" == router(bare).route("llama", "responses").targets[0].provider
    with pytest.raises(UnknownModel):
        router(bare).any_model("stored_responses")


def test_litellm_gets_the_name_that_litellm_knows():
    groq = ProviderSettings(name="groq", type="litellm", models=("groq/*",))

    assert [("litellm", "groq/llama")] == chat(router(LITELLM), "groq/llama")
    assert [("litellm", "groq/llama")] == chat(router(LITELLM), "litellm/groq/llama")
    assert [("groq", "groq/llama")] == chat(router(groq), "groq/llama")


def test_with_litellm_only_its_patterns_say_to_whom_the_key_may_go():
    with pytest.raises(UnknownModel):
        router(LITELLM).route("litellm/openrouter/auto", "chat")


def test_the_echo_is_always_there_in_both_dialects():
    bare = Router(Settings())

    assert [("helix", ECHO)] == chat(bare, ECHO) == messages(bare, ECHO)
    with pytest.raises(UnknownModel):
        bare.route("helix/other", "chat")


def test_an_alias_leads_through_aliases_to_a_target():
    models = (alias("fast", "quick"), alias("quick", "openai/gpt-4o-mini"))

    assert [("openai", "gpt-4o-mini")] == chat(router(models=models), "fast")


def test_fallbacks_follow_in_order_and_each_target_once():
    models = (
        alias("fast", "gpt-4o-mini", "smart", "openai/gpt-4o", "fast", "claude-haiku-4-5", ECHO),
        alias("smart", "gpt-4o", "fast"),
    )

    expected = [("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-haiku-4-5"), ("helix", ECHO)]
    assert expected == chat(router(models=models), "fast")


def test_a_model_with_only_a_price_or_fallbacks_is_its_own_target():
    assert [("openai", "gpt-4o"), ("openai", "o3")] == chat(router(models=(alias("gpt-4o", "", "o3"),)), "gpt-4o")


@pytest.mark.parametrize(
    "models", [(alias("a", "a"),), (alias("a", "b"), alias("b", "c"), alias("c", "a"))], ids=["self", "round"]
)
def test_an_alias_that_leads_back_to_itself_is_refused_at_the_start(models):
    with pytest.raises(SettingsError, match="a -> "):
        router(models=models)


def test_two_models_may_be_each_others_fallback():
    models = (alias("a", "gpt-4o", "b"), alias("b", "o3", "a"))

    assert [("openai", "gpt-4o"), ("openai", "o3")] == chat(router(models=models), "a")


def test_nobody_else_may_be_called_helix():
    with pytest.raises(SettingsError, match="helix/echo"):
        router(ProviderSettings(name="helix", type="openai"))


@pytest.mark.parametrize(
    ("model", "dialect", "said"),
    [
        ("helix/ecko", "chat", ["no provider", '"helix/ecko"', "nearest known: helix/echo"]),
        ("claude-x", "embeddings", ["anthropic at /v1/chat/completions, /v1/messages, ", "only", "litellm"]),
        ("old", "chat", ['"old" (an alias of "gone/model")']),
        ("", "chat", ['""']),
        ("m" * 1000, "chat", ["longer than 256"]),
    ],
)
def test_an_unknown_model_is_refused_with_what_comes_nearest(model, dialect, said):
    with pytest.raises(UnknownModel) as refused:
        router(models=(alias("old", "gone/model"),)).route(model, dialect)

    assert (404, "model_not_found", "model") == (
        refused.value.status,
        refused.value.code,
        refused.value.param,
    )
    assert all(part in str(refused.value) for part in said)


def test_the_list_names_aliases_and_whole_names_with_their_owner():
    listed = router(models=(alias("fast", "openai/gpt-4o-mini"), alias("old", "gone/model"))).models()

    assert {"fast": "openai", "old": "", "o3": "openai", ECHO: "helix"} == {
        model["id"]: model["owned_by"] for model in listed
    }
    assert {"model"} == {model["object"] for model in listed}


def test_a_route_is_the_same_each_time():
    same = router()

    assert same.route("gpt-4o", "chat") is same.route("gpt-4o", "chat")
    assert (Target("openai", "gpt-4o"),) == same.route("gpt-4o", "chat").targets
