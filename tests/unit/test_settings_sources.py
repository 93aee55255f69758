"""Where settings come from, who wins, and what is said of those that cannot be used."""

from __future__ import annotations

import re
import stat
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon import settings_sources
from daemon.errors import SettingsError
from daemon.settings import Settings
from daemon.settings_sentences import known_keys
from daemon.settings_sources import Loaded, load

REPOSITORY = Path(__file__).parents[2]
PROVIDER = '[[providers]]\nname = "openai"\ntype = "openai"\napi_key = "env:OPENAI_API_KEY"\n'


class Place:
    """A working directory and a home of its own, with an environment that nobody else sees."""

    def __init__(self, root: Path) -> None:
        self.cwd = root / "work"
        self.home = root / "home"
        self.cwd.mkdir()
        self.own_file = self.home / "config" / "helix" / "helix.toml"
        self.own_file.parent.mkdir(parents=True)
        self.environ = {
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
        }

    def write(self, text: str, path: Path | None = None) -> Path:
        path = path or self.cwd / "helix.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def load(self, config: Path | None = None, *, flags: dict[str, object] | None = None, **env: str) -> Loaded:
        return load(config, environ=self.environ | env, cwd=self.cwd, flags=flags)

    def complaint(self, text: str, **env: str) -> str:
        """What is said of a file with this text."""
        self.write(text)
        with pytest.raises(SettingsError) as caught:
            self.load(**env)
        return str(caught.value)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_without_a_file_everything_is_a_default(place: Place) -> None:
    loaded = place.load()

    assert Settings() == loaded.settings
    assert loaded.file is None
    assert place.home / "data" / "helix" == loaded.data_dir
    assert {"default"} == set(loaded.origin.values())


def test_the_repositorys_file_is_the_defaults(place: Place) -> None:
    loaded = place.load(REPOSITORY / "helix.toml")

    assert Settings() == loaded.settings


def test_the_repositorys_file_needs_no_trust(place: Place) -> None:
    place.write((REPOSITORY / "helix.toml").read_text())

    assert Settings() == place.load().settings


def test_the_repositorys_file_mentions_every_setting() -> None:
    text = (REPOSITORY / "helix.toml").read_text()
    mentioned = set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE))

    assert {key.rsplit(".", 1)[-1] for key in known_keys()} == mentioned


def test_the_commented_examples_are_valid(place: Place) -> None:
    text = (REPOSITORY / "helix.toml").read_text()
    examples = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)

    settings = place.load(place.write(examples, place.cwd / "all.toml"), OPENAI_API_KEY="sk-1").settings

    lists = (settings.providers, settings.models, settings.budgets, settings.optimize, settings.pii.recognizers)
    assert (1, 2, 1, 1, 1) == tuple(map(len, lists))


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


def test_the_working_directorys_file_goes_before_the_users_own(place: Place) -> None:
    place.write("[cache]\nttl_s = 1\n", place.own_file)
    assert 1 == place.load().settings.cache.ttl_s

    place.write("[cache]\nttl_s = 2\n")
    assert 2 == place.load().settings.cache.ttl_s

    named = place.write("[cache]\nttl_s = 3\n", place.cwd / "named.toml")
    assert 3 == place.load(HELIX_CONFIG=str(named)).settings.cache.ttl_s

    flagged = place.write("[cache]\nttl_s = 4\n", place.cwd / "flagged.toml")
    assert 4 == place.load(flagged, HELIX_CONFIG=str(named)).settings.cache.ttl_s


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


def test_a_provider_without_its_key_is_disabled_with_a_sentence(place: Place) -> None:
    echo = '[[providers]]\nname = "echo"\ntype = "echo"\nbase_url = "http://127.0.0.1:1"\n'
    file = place.write(PROVIDER + echo, place.cwd / "mine.toml")

    loaded = place.load(file)

    assert ["echo"] == [provider.name for provider in loaded.settings.providers]
    sentence = f"{file}: the provider openai is disabled, for OPENAI_API_KEY is not set in the environment"
    assert {"openai": sentence} == loaded.disabled_providers
    assert (sentence,) == loaded.warnings
    assert str(file) == loaded.origin["providers[0].base_url"]


def test_a_reference_is_read_wherever_a_text_stands(place: Place) -> None:
    file = place.write(f'{PROVIDER}base_url = "env:BASE"\n[storage]\nurl = "env:REDIS"\n', place.own_file)

    settings = place.load(OPENAI_API_KEY="sk-1", BASE="http://x/v1", REDIS="redis://r").settings

    assert ("redis://r", "http://x/v1") == (settings.storage.url, settings.providers[0].base_url)
    assert file == place.own_file


def test_any_other_reference_that_is_not_set_is_an_error(place: Place) -> None:
    place.write('[storage]\nurl = "env:REDIS_URL"\n', place.own_file)

    with pytest.raises(SettingsError, match=r'storage.url = "env:REDIS_URL": the environment variable REDIS_URL'):
        place.load()


def test_a_file_of_the_working_directory_may_not_read_the_environment(place: Place) -> None:
    assert (
        'helix.toml: providers[0].api_key = "env:OPENAI_API_KEY": a file found in the working directory '
        "may not read the environment; if you trust this one, run: helix config trust"
    ) == place.complaint(PROVIDER, OPENAI_API_KEY="sk-1")


def test_trust_holds_until_the_file_changes(place: Place) -> None:
    file = place.write(PROVIDER)
    settings_sources.trust(file, environ=place.environ)
    assert 1 == len(place.load(OPENAI_API_KEY="sk-1").settings.providers)

    assert "helix config trust" in place.complaint(PROVIDER + "# changed\n", OPENAI_API_KEY="sk-1")


def test_only_the_owner_can_read_the_list_of_trusted_files(place: Place) -> None:
    settings_sources.trust(place.write(PROVIDER), environ=place.environ)

    trusted = place.home / "data" / "helix" / "trusted_files.json"
    assert 0o600 == stat.S_IMODE(trusted.stat().st_mode)


def test_a_file_cannot_vouch_for_itself_through_its_data_dir(place: Place) -> None:
    """The list of trusted files is looked for in the user's own directory only."""
    settings_sources.trust(place.write(PROVIDER), environ={"XDG_DATA_HOME": str(place.cwd / "forged")})
    text = f'server.data_dir = "{place.cwd / "forged" / "helix"}"\n{PROVIDER}'

    assert "helix config trust" in place.complaint(text, OPENAI_API_KEY="sk-1")


def test_the_users_own_file_needs_no_trust_in_its_own_directory(place: Place) -> None:
    place.write(PROVIDER, place.own_file)

    loaded = load(None, environ=place.environ | {"OPENAI_API_KEY": "sk-1"}, cwd=place.own_file.parent)

    assert 1 == len(loaded.settings.providers)


def test_a_relative_data_dir_is_seen_from_its_file(place: Place) -> None:
    place.write('[server]\ndata_dir = "state"\n', place.own_file)

    assert place.own_file.parent / "state" == place.load().data_dir
    assert place.cwd / "other" == place.load(HELIX_SERVER__DATA_DIR="other").data_dir


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


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[server\n", "not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 8)"),
        (b'[server]\nhost = "\xff"\n', "not UTF-8 (at line 2)"),
        (b"[cache]\nttl_s = 1e99999999999999999999\n", "a number in it has too many digits"),
        (b"[cache]\nttl_s = " + b"9" * 5000 + b"\n", "a number in it has too many digits"),
        (b"x = " + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_not_toml_says_where(place: Place, content: bytes, sentence: str) -> None:
    (place.cwd / "helix.toml").write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        place.load()
    assert f"helix.toml: {sentence}" == str(caught.value)


def test_a_file_that_cannot_be_read_says_why(place: Place) -> None:
    with pytest.raises(SettingsError, match=r"^absent.toml: cannot be read: No such file or directory$"):
        place.load(Path("absent.toml"))
    (place.cwd / "helix.toml").mkdir()
    with pytest.raises(SettingsError, match=r"^helix.toml: cannot be read: Is a directory$"):
        place.load()


def test_a_byte_order_mark_is_no_mistake(place: Place) -> None:
    (place.cwd / "helix.toml").write_bytes(b"\xef\xbb\xbf[cache]\nttl_s = 5\n")

    assert 5 == place.load().settings.cache.ttl_s


def test_a_rule_to_optimise_is_read_by_the_keys_that_are_written(place: Place) -> None:
    place.write('[[optimize]]\nfrom = "a"\nto = "b"\nwhen = { no_tools = true }\n')

    loaded = place.load()

    (rule,) = loaded.settings.optimize
    assert ("a", "b", True, None) == (rule.from_, rule.to, rule.when.no_tools, rule.when.max_prompt_tokens)
    assert "helix.toml" == loaded.origin["optimize[0].from"]


def test_a_misspelt_rule_is_told_the_key_as_it_is_written(place: Place) -> None:
    assert "the nearest known one is optimize[0].from" in place.complaint('[[optimize]]\nfrm = "a"\nto = "b"\n')


def test_options_are_litellms_and_their_secrets_are_covered(place):
    place.write(
        '[[providers]]\nname = "p"\ntype = "litellm"\nmodels = ["bedrock/*"]\n'
        'options = { aws_region_name = "eu-west-1", aws_secret_access_key = "planted" }\n'
    )
    shown = str(place.load().values())

    assert "eu-west-1" in shown and "planted" not in shown


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
