"""Where the keys of stored data come from."""

import pytest
from pydantic import SecretStr

from daemon import storage_keys
from daemon.errors import CannotStart, Forbidden, SealBroken
from daemon.sealing import Sealer
from daemon.storage_keys import StorageKeys

DERIVED = b"d" * 32
ONE, TWO = b"1" * 32, b"2" * 32


def storage_keys_of(setting, folder):
    return StorageKeys(None if setting is None else SecretStr(setting), folder, DERIVED)


def opens(keys, key):
    return keys.sealer.open(Sealer([key]).seal(b"text", b""), b"") == b"text"


def test_without_a_setting_it_is_the_installations(tmp_path):
    assert opens(storage_keys_of(None, tmp_path), DERIVED)


@pytest.mark.parametrize("setting", [None, "file:{}/keys"])
def test_a_new_key_takes_over_and_the_old_one_still_opens(tmp_path, setting):
    storage_keys.write(tmp_path / "keys", [DERIVED])
    setting = setting and setting.format(tmp_path)
    keys = storage_keys_of(setting, tmp_path)
    path, count = keys.rotate(forget_old=False)
    sealed = keys.sealer.seal(b"text", b"")
    later = storage_keys_of(setting, tmp_path)

    assert (2, 0o600) == (count, path.stat().st_mode & 0o777)
    assert b"text" == later.sealer.open(sealed, b"")
    assert later.sealer.is_current(sealed) and opens(later, DERIVED)


def test_what_forgotten_keys_sealed_is_gone(tmp_path):
    keys = storage_keys_of(None, tmp_path)
    keys.rotate(forget_old=True)

    with pytest.raises(SealBroken):
        opens(keys, DERIVED)
    with pytest.raises(SealBroken):
        opens(storage_keys_of(None, tmp_path), DERIVED)


def test_keys_that_the_owner_holds_are_changed_by_the_owner(tmp_path):
    keys = storage_keys_of(storage_keys.text_of([ONE]), tmp_path)
    with pytest.raises(Forbidden, match="helix privacy new-key"):
        keys.rotate(forget_old=False)
    keys.configure(SecretStr(f"{storage_keys.new_key()},{storage_keys.text_of([ONE])}"))

    assert opens(keys, ONE)
    assert not keys.sealer.is_current(Sealer([ONE]).seal(b"", b""))


def test_keys_are_in_the_setting_or_in_a_file_that_it_names(tmp_path):
    storage_keys.write(tmp_path / "keys", [ONE, TWO])

    for setting in (f"file:{tmp_path}/keys", storage_keys.text_of([ONE, TWO])):
        assert opens(storage_keys_of(setting, tmp_path), ONE)
        assert opens(storage_keys_of(setting, tmp_path), TWO)


@pytest.mark.parametrize("setting", ["secret words", "c2hvcnQ=", " ", "file:/nowhere"])
def test_what_is_no_key_is_refused_and_never_shown(setting, tmp_path):
    with pytest.raises(CannotStart) as raised:
        storage_keys_of(setting, tmp_path)
    assert "secret" not in str(raised.value)
