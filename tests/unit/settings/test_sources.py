"""Where settings come from, and who wins."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.settings import Settings
from daemon.settings.sources import load

from .conftest import PROVIDER, Place


def test_without_a_file_everything_is_a_default(place: Place) -> None:
    loaded = place.load()

    assert Settings() == loaded.settings
    assert loaded.file is None
    assert place.home / "data" / "helix" == loaded.data_dir
    assert {"default"} == set(loaded.origin.values())


def test_flags_go_over_the_environment_and_that_over_the_file(place: Place) -> None:
    place.write("[server]\nport = 1\ndrain_s = 1\nmax_body_bytes = 2048\n")

    loaded = place.load(
        HELIX_SERVER__PORT="2", HELIX_SERVER__DRAIN_S="2", flags={"server.port": 3, "server.host": None}
    )

    server = loaded.settings.server
    assert (3, 2.0, 2048) == (server.port, server.drain_s, server.max_body_bytes)
    assert "--port" == loaded.origin["server.port"]
    assert "HELIX_SERVER__DRAIN_S" == loaded.origin["server.drain_s"]
    assert "helix.toml" == loaded.origin["server.max_body_bytes"]
    assert "default" == loaded.origin["server.host"]


def test_the_environment_sets_lists_and_tables(place: Place) -> None:
    settings = place.load(
        HELIX_SERVER__ALLOWED_HOSTS='["a.example", "b.example"]',
        HELIX_PII__ENTITIES='{US_SSN = "block"}',
        HELIX_PII__ENTITIES__PERSON="mask",
        HELIX_BUDGETS='[{"scope": "all", "limit_usd": 1.10}]',
    ).settings

    assert ("a.example", "b.example") == settings.server.allowed_hosts
    assert {"US_SSN": "block", "PERSON": "mask"} == settings.pii.entities
    assert Decimal("1.10") == settings.budgets[0].limit_usd


def test_a_text_from_the_environment_stays_a_text(place: Place) -> None:
    """A key of digits, and a host in brackets, are not numbers and lists."""
    server = place.load(HELIX_SERVER__MASTER_KEY="123456", HELIX_SERVER__HOST="[::1]").settings.server

    assert "[::1]" == server.host
    assert server.master_key is not None
    assert "123456" == server.master_key.get_secret_value()


@given(st.decimals(min_value=0, max_value=8_999_999, places=12))
def test_money_never_passes_through_a_float(tmp_path_factory: pytest.TempPathFactory, amount: Decimal) -> None:
    file = tmp_path_factory.mktemp("money") / "helix.toml"
    file.write_text(f'[[budgets]]\nscope = "all"\nlimit_usd = {amount:f}\n')

    assert amount == load(file, environ={}).settings.budgets[0].limit_usd


def test_the_master_key_is_read_from_its_variable_by_default(place: Place) -> None:
    loaded = place.load(HELIX_MASTER_KEY="mk-1")

    assert loaded.settings.server.master_key is not None
    assert "mk-1" == loaded.settings.server.master_key.get_secret_value()


@pytest.mark.parametrize("written", ['""', '"env:NOT_SET"'])
def test_an_empty_or_unset_master_key_is_none(place: Place, written: str) -> None:
    file = place.write(f"[server]\nmaster_key = {written}\n", place.cwd / "mine.toml")

    assert place.load(file, HELIX_MASTER_KEY="other").settings.server.master_key is None


def test_a_reference_is_read_wherever_a_text_stands(place: Place) -> None:
    file = place.write(f'{PROVIDER}base_url = "env:BASE"\n[storage]\nurl = "env:REDIS"\n', place.own_file)

    settings = place.load(OPENAI_API_KEY="sk-1", BASE="http://x/v1", REDIS="redis://r").settings

    assert ("redis://r", "http://x/v1") == (settings.storage.url, settings.providers[0].base_url)
    assert file == place.own_file


def test_a_rule_to_optimise_is_read_by_the_keys_that_are_written(place: Place) -> None:
    place.write('[[optimize]]\nfrom = "a"\nto = "b"\nwhen = { no_tools = true }\n')

    loaded = place.load()

    (rule,) = loaded.settings.optimize
    assert ("a", "b", True, None) == (rule.from_, rule.to, rule.when.no_tools, rule.when.max_prompt_tokens)
    assert "helix.toml" == loaded.origin["optimize[0].from"]


def test_options_are_litellms_and_their_secrets_are_covered(place):
    place.write(
        '[[providers]]\nname = "p"\ntype = "litellm"\nmodels = ["bedrock/*"]\n'
        'options = { aws_region_name = "eu-west-1", aws_secret_access_key = "planted" }\n'
    )
    shown = str(place.load().values())

    assert "eu-west-1" in shown and "planted" not in shown
