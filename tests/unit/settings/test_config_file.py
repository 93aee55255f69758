"""Which file is read, whether it may read the environment, and what is said of one that cannot be read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from daemon.errors import SettingsError
from daemon.settings import config_file
from daemon.settings.sources import load

from .conftest import PROVIDER, Place


def test_the_working_directorys_file_goes_before_the_users_own(place: Place) -> None:
    place.write("[cache]\nttl_s = 1\n", place.own_file)
    assert 1 == place.load().settings.cache.ttl_s

    place.write("[cache]\nttl_s = 2\n")
    assert 2 == place.load().settings.cache.ttl_s

    named = place.write("[cache]\nttl_s = 3\n", place.cwd / "named.toml")
    assert 3 == place.load(HELIX_CONFIG=str(named)).settings.cache.ttl_s

    flagged = place.write("[cache]\nttl_s = 4\n", place.cwd / "flagged.toml")
    assert 4 == place.load(flagged, HELIX_CONFIG=str(named)).settings.cache.ttl_s


def test_a_file_of_the_working_directory_may_not_read_the_environment(place: Place) -> None:
    assert (
        'helix.toml: providers[0].api_key = "env:OPENAI_API_KEY": a file found in the working directory '
        "may not read the environment; if you trust this one, run: helix config trust"
    ) == place.complaint(PROVIDER, OPENAI_API_KEY="sk-1")


def test_trust_holds_until_the_file_changes(place: Place) -> None:
    file = place.write(PROVIDER)
    config_file.trust(file, environ=place.environ)
    assert 1 == len(place.load(OPENAI_API_KEY="sk-1").settings.providers)

    assert "helix config trust" in place.complaint(PROVIDER + "# changed\n", OPENAI_API_KEY="sk-1")


def test_only_the_owner_can_read_the_list_of_trusted_files(place: Place) -> None:
    config_file.trust(place.write(PROVIDER), environ=place.environ)

    trusted = place.home / "data" / "helix" / "trusted_files.json"
    assert 0o600 == stat.S_IMODE(trusted.stat().st_mode)


def test_a_file_cannot_vouch_for_itself_through_its_data_dir(place: Place) -> None:
    """The list of trusted files is looked for in the user's own directory only."""
    config_file.trust(place.write(PROVIDER), environ={"XDG_DATA_HOME": str(place.cwd / "forged")})
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
