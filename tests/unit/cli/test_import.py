"""`helix config import`: a LiteLLM proxy's config becomes settings, and nothing is lost silently."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from daemon.exchange import Target
from daemon.routing.router import Router
from daemon.settings.sources import load
from helix_cli.commands.config import app
from helix_cli.diagnostics import CommandFailed
from helix_cli.litellm_config import imported
from helix_cli.toml_text import toml_of

WHOLE = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/my-deployment
      api_base: os.environ/AZURE_API_BASE
      api_key: os.environ/AZURE_API_KEY
      api_version: "2024-10-21"
      rpm: 6
  - model_name: gpt-4o
    litellm_params: {model: gpt-4o, api_key: sk-planted-secret, weight: 2}
  - model_name: claude
    litellm_params: {model: bedrock/anthropic.claude-x-v1:0, aws_region_name: eu-west-1}
    model_info: {input_cost_per_token: 3.0e-06, output_cost_per_token: 0.000015}
  - model_name: "anthropic/*"
    litellm_params: {model: "anthropic/*", api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: fast
    litellm_params: {model: groq/llama-3.3-70b, api_key: os.environ/GROQ_API_KEY}
litellm_settings:
  cache: true
  cache_params: {type: redis, host: cache.local, ttl: 600}
  success_callback: ["langfuse"]
  fallbacks: [{"gpt-4o": ["claude"]}]
  context_window_fallbacks: [{"gpt-4o": ["fast"]}]
  max_budget: 100
  budget_duration: 30d
router_settings:
  routing_strategy: least-busy
  num_retries: 2
  model_group_alias: {"gpt-4": "gpt-4o"}
general_settings:
  master_key: os.environ/PROXY_MASTER_KEY
  database_url: os.environ/DATABASE_URL
"""

ENVIRON = dict.fromkeys(
    ["AZURE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY", "PROXY_MASTER_KEY"], "set"
) | {"AZURE_API_BASE": "https://mine.openai.azure.com"}


def run(*arguments: str | Path):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


@pytest.fixture
def theirs(tmp_path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(WHOLE)
    return file


@pytest.fixture
def settings(theirs, tmp_path):
    out = tmp_path / "out" / "helix.toml"
    out.parent.mkdir()
    run(theirs, "--out", out)
    return load(out, environ=ENVIRON).settings


def targets(settings, model, dialect="chat") -> set[Target]:
    return set(Router(settings).route(model, dialect).primaries)


def test_each_model_is_answered_where_it_was(settings):
    assert {Target("azure", "azure/my-deployment"), Target("openai", "gpt-4o")} == targets(settings, "gpt-4o")
    assert {Target("bedrock", "bedrock/anthropic.claude-x-v1:0")} == targets(settings, "claude")
    assert {Target("groq", "llama-3.3-70b")} == targets(settings, "fast")
    assert {Target("anthropic", "claude-y")} == targets(settings, "anthropic/claude-y", "messages")
    assert targets(settings, "gpt-4o") == targets(settings, "gpt-4")


def test_strategy_weights_and_fallbacks_come_along(settings):
    (model,) = (model for model in settings.models if model.name == "gpt-4o")

    assert ("least_busy", [1.0, 2.0]) == (model.strategy, sorted(model.shares.values()))
    assert (("claude",), ("fast",)) == (model.fallbacks, model.context_window_fallbacks)
    assert 2 == settings.routing.retries


def test_addresses_keys_and_options_come_along(settings):
    azure = settings.providers[0]

    assert ("litellm", "https://mine.openai.azure.com") == (azure.type, azure.base_url)
    assert ("set", {"api_version": "2024-10-21"}) == (azure.api_key.get_secret_value(), azure.options)


def test_prices_cache_budget_and_master_key_come_along(settings):
    (claude,) = (model for model in settings.models if model.name == "claude")

    assert (Decimal(3), Decimal(15)) == (claude.input_usd_per_mtok, claude.output_usd_per_mtok)
    assert ("exact", 600, "redis://cache.local:6379/0") == (
        settings.cache.mode,
        settings.cache.ttl_s,
        settings.storage.url,
    )
    assert [("all", Decimal(100), "month")] == [(one.scope, one.limit_usd, one.window) for one in settings.budgets]
    assert settings.server.require_key and "set" == settings.server.master_key.get_secret_value()


@pytest.mark.parametrize(("said", "mode"), [({}, "semantic"), ({"cache": False}, "off"), ({"cache": True}, "exact")])
def test_a_cache_that_nobody_spoke_of_is_helixs_own(said, mode):
    settings = imported({"litellm_settings": said}).settings

    assert mode == settings.get("cache", {}).get("mode", "semantic")


def test_what_is_left_behind_is_named_and_no_secret_is_repeated(theirs):
    done = run(theirs)

    for left in ("litellm_params.rpm", "success_callback", "database_url", "export it as OPENAI_API_KEY"):
        assert left in done.stderr
    assert "planted" not in done.output


def test_a_file_that_is_there_is_written_over_only_where_that_is_wanted(theirs, tmp_path):
    out = tmp_path / "helix.toml"
    out.write_text("mine")
    refused = run(theirs, "--out", out)

    assert (2, "mine") == (refused.exception.exit_code, out.read_text())
    assert 0 == run(theirs, "--out", out, "--yes").exit_code
    assert "[[providers]]" in out.read_text()


@pytest.mark.parametrize("text", ["[1]", "model_list: no", "a: [", "!!python/object/apply:os.system ['true']", ""])
def test_what_is_no_config_is_refused_in_a_sentence(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    done = run(file)

    assert type(done.exception).__name__ == "CommandFailed"
    assert done.stdout == ""


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=6), inner, max_size=2),
    max_leaves=4,
)


SECTION = st.dictionaries(
    st.sampled_from(
        ["fallbacks", "cache", "cache_params", "num_retries", "max_budget", "routing_strategy", "model_group_alias"]
    ),
    ANY,
)
DEPLOYMENT = st.fixed_dictionaries(
    {"model_name": st.sampled_from(["a", "b*"])},
    optional={"litellm_params": st.dictionaries(st.sampled_from(["model", "weight", "api_key", "api_base"]), ANY)},
)
CONFIG = st.fixed_dictionaries(
    {},
    optional={
        "model_list": ANY | st.lists(DEPLOYMENT, max_size=2),
        "litellm_settings": ANY | SECTION,
        "router_settings": ANY | SECTION,
        "general_settings": ANY,
    },
)


@given(CONFIG)
def test_any_config_is_carried_over_or_refused(config):
    try:
        tomllib.loads(toml_of(imported(config).settings))
    except CommandFailed as refused:
        assert "no config of LiteLLM" in str(refused)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUE = TEXT | st.booleans() | st.integers(-(2**60), 2**60) | st.lists(TEXT, max_size=2)
TABLE = st.dictionaries(TEXT, VALUE | st.dictionaries(TEXT, TEXT, max_size=2), max_size=3)


@given(st.dictionaries(st.from_regex(r"\A[a-z]{1,5}\Z"), TABLE | st.lists(TABLE, min_size=1, max_size=2), max_size=3))
def test_what_is_written_is_read_back(tree):
    assert tree == tomllib.loads(toml_of(tree))
