"""Where the keys of stored data come from."""

import pytest
from pydantic import SecretStr

from daemon import storage_keys
from daemon.errors import CannotStart

DERIVED = b"d" * 32
ONE, TWO = b"1" * 32, b"2" * 32


def keys(setting, folder):
    return storage_keys.current_first(None if setting is None else SecretStr(setting), folder, DERIVED)


def test_without_a_setting_it_is_the_installations(tmp_path):
    assert [DERIVED] == keys(None, tmp_path)


def test_a_new_key_of_the_installation_comes_before_those_that_it_had(tmp_path):
    storage_keys.write(tmp_path / storage_keys.FILE, storage_keys.with_new(keys(None, tmp_path)))
    new, old = keys(None, tmp_path)

    assert DERIVED == old != new
    assert 0o600 == (tmp_path / storage_keys.FILE).stat().st_mode & 0o777


def test_keys_are_in_the_setting_or_in_a_file_that_it_names(tmp_path):
    storage_keys.write(tmp_path / "keys", [ONE, TWO])

    assert [ONE, TWO] == keys(f"file:{tmp_path}/keys", tmp_path)
    assert [ONE, TWO] == keys(storage_keys.text_of([ONE, TWO]), tmp_path)


@pytest.mark.parametrize("setting", ["secret words", "c2hvcnQ=", " ", "file:/nowhere"])
def test_what_is_no_key_is_refused_and_never_shown(setting, tmp_path):
    with pytest.raises(CannotStart) as raised:
        keys(setting, tmp_path)
    assert "secret" not in str(raised.value)
