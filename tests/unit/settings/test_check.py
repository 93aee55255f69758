"""What is said of settings that cannot be used."""

from __future__ import annotations

import pytest

from daemon.errors import SettingsError

from .conftest import PROVIDER, Place


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[[budgets]]\nscope = "all"\nlimit_usd = "ten"\n',
            'helix.toml: budgets[0].limit_usd = "ten": expected a number',
        ),
        ("[server]\nport = 70000\n", "helix.toml: server.port = 70000: expected at most 65535"),
        ("[server]\nport = 4.5\n", "helix.toml: server.port = 4.5: expected a whole number"),
        ('[pii]\nrestore = "perhaps"\n', 'helix.toml: pii.restore = "perhaps": expected true or false'),
        (
            '[cache]\nmode = "on"\n',
            "helix.toml: cache.mode = \"on\": expected 'off', 'exact' or 'semantic'",
        ),
        ("[cache]\nttl_s = inf\n", "helix.toml: cache.ttl_s = Infinity: expected a finite number"),
        ("[cache]\nttl_s = 0\n", "helix.toml: cache.ttl_s = 0: expected more than 0"),
        ("cache = 3\n", "helix.toml: cache = 3: expected a table"),
        ('[server]\nallowed_hosts = "a"\n', 'helix.toml: server.allowed_hosts = "a": expected a list'),
        ("[server]\nhost = 1\n", "helix.toml: server.host = 1: expected a text in quotes"),
        (
            "[cache]\nttl = 5\n",
            "helix.toml: cache.ttl: unknown key; the nearest known one is cache.ttl_s",
        ),
        (
            "[cachee]\nttl_s = 5\n",
            "helix.toml: cachee: unknown key; the nearest known one is cache",
        ),
        (
            "[cache]\nmax_body_byte = 5\n",
            "helix.toml: cache.max_body_byte: unknown key; the nearest known one is server.max_body_bytes",
        ),
        ('[[models]]\ntarget = "a/b"\n', "helix.toml: models[0]: name is missing"),
        (
            '[[budgets]]\nscope = "x"\nlimit_usd = 1\n',
            'helix.toml: budgets[0].scope = "x": expected "all" or org:X, team:X, user:X, key:X, model:X or tag:X',
        ),
        (
            '[[budgets]]\nscope = "all"\nlimit_usd = 1\n[[budgets]]\nscope = "all"\nlimit_usd = 2\n',
            'helix.toml: budgets[1].scope = "all": budgets[0] has it already (all, month)',
        ),
        (
            '[server]\ntimezone = "Mars/Base"\n',
            'helix.toml: server.timezone = "Mars/Base": expected a time zone such as "Europe/Berlin"',
        ),
        (
            '[storage]\nurl = "mysql://u:hunter2@h/0"\n',
            'helix.toml: storage.url = "mysql://…@h/0": '
            'expected "embedded" or a URL of redis, rediss, redis+cluster, unix',
        ),
    ],
)
def test_each_mistake_has_its_sentence(place: Place, text: str, sentence: str) -> None:
    assert sentence == place.complaint(text)


def test_all_mistakes_are_named_at_once(place: Place) -> None:
    complaint = place.complaint("[server]\nport = -1\nprot = 1\n", HELIX_CACHE__TTL_S="soon")

    assert [
        'HELIX_CACHE__TTL_S: cache.ttl_s = "soon": expected a number',
        "helix.toml: server.port = -1: expected at least 0",
        "helix.toml: server.prot: unknown key; the nearest known one is server.port",
    ] == sorted(complaint.splitlines())


def test_a_mistyped_variable_is_named_too(place: Place) -> None:
    assert ("HELIX_CAHCE__TTL_S: cahce: unknown key; the nearest known one is cache") == place.complaint(
        "", HELIX_CAHCE__TTL_S="5"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[server]\nmaster_key = 31337\n",
        '[server]\nmaster_key = ["s3cr3t-31337"]\n',
        '[[providers]]\nname = "a"\ntype = "openai"\napi_key = { value = "s3cr3t-31337" }\n',
        '[[providers]]\nname = "a"\ntype = "openai"\napi_kye = "s3cr3t-31337"\n',
        'providers = ["s3cr3t-31337"]\n'.replace("providers", "server.master_key"),
        '[[providers]]\nname = "a"\ntype = "x"\nbase_url = "https://u:s3cr3t-31337@h/v1"\n',
        '[[providers]]\nname = "a"\ntype = "openai"\nbase_url = "ftp://u:s3cr3t-31337@h/v1"\n',
    ],
)
def test_no_complaint_holds_a_secret(place: Place, text: str) -> None:
    assert "31337" not in place.complaint(text)


def test_a_misspelt_rule_is_told_the_key_as_it_is_written(place: Place) -> None:
    assert "the nearest known one is optimize[0].from" in place.complaint('[[optimize]]\nfrm = "a"\nto = "b"\n')


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('type = "openai"\noptions = { api_version = "1" }', "type litellm"),
        ('type = "litellm"\noptions = { api_base = "x" }', "key of its own"),
    ],
)
def test_options_that_would_mean_nothing_are_refused(place, lines, said):
    place.write(f'[[providers]]\nname = "p"\n{lines}\n')
    with pytest.raises(SettingsError, match=said):
        place.load()


def test_any_other_reference_that_is_not_set_is_an_error(place: Place) -> None:
    place.write('[storage]\nurl = "env:REDIS_URL"\n', place.own_file)

    with pytest.raises(SettingsError, match=r'storage.url = "env:REDIS_URL": the environment variable REDIS_URL'):
        place.load()


def test_a_provider_without_its_key_is_disabled_with_a_sentence(place: Place) -> None:
    echo = '[[providers]]\nname = "echo"\ntype = "echo"\nbase_url = "http://127.0.0.1:1"\n'
    file = place.write(PROVIDER + echo, place.cwd / "mine.toml")

    loaded = place.load(file)

    assert ["echo"] == [provider.name for provider in loaded.settings.providers]
    sentence = f"{file}: the provider openai is disabled, for OPENAI_API_KEY is not set in the environment"
    assert {"openai": sentence} == loaded.disabled_providers
    assert (sentence,) == loaded.warnings
    assert str(file) == loaded.origin["providers[0].base_url"]
