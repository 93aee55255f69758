"""Where the keys of stored data come from."""

import sys
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail
from pydantic import SecretStr

from daemon import storage_keys
from daemon.adapters.keys_keyring import KeyringKeys
from daemon.errors import CannotStart, Forbidden, SealBroken, SettingsError
from daemon.sealing import Sealer
from daemon.storage_keys import KeyFile, StorageKeys
from tests.keyring_file import FileKeyring

DERIVED = b"d" * 32
ONE, TWO = b"1" * 32, b"2" * 32


@pytest.fixture(autouse=True)
def system_keyring(tmp_path, monkeypatch):
    monkeypatch.setenv("HELIX_TEST_KEYRING", str(tmp_path / "keyring.json"))
    before = keyring.get_keyring()
    keyring.set_keyring(FileKeyring())
    yield
    keyring.set_keyring(before)


def storage_keys_of(setting, folder):
    return StorageKeys(None if setting is None else SecretStr(setting), folder, DERIVED, KeyringKeys)


def opens(keys, key):
    return keys.sealer.open(Sealer([key]).seal(b"text", b""), b"") == b"text"


def test_without_a_setting_it_is_the_installations(tmp_path):
    assert opens(storage_keys_of(None, tmp_path), DERIVED)


@pytest.mark.parametrize("setting", [None, "file:{}/keys", "keyring:storage"])
def test_a_new_key_takes_over_and_the_old_one_still_opens(tmp_path, setting):
    for holder in (KeyFile(tmp_path / "keys"), KeyringKeys("storage")):
        holder.write(storage_keys.text_of([DERIVED]))
    setting = setting and setting.format(tmp_path)
    keys = storage_keys_of(setting, tmp_path)
    _, count = keys.rotate(forget_old=False)
    sealed = keys.sealer.seal(b"text", b"")
    later = storage_keys_of(setting, tmp_path)

    assert 2 == count
    assert b"text" == later.sealer.open(sealed, b"")
    assert later.sealer.is_current(sealed) and opens(later, DERIVED)


def test_a_file_of_keys_is_its_owners_alone(tmp_path):
    path, _ = storage_keys_of(None, tmp_path).rotate(forget_old=False)

    assert 0o600 == Path(path).stat().st_mode & 0o777


def test_a_keyring_is_given_its_first_key_once(tmp_path):
    KeyringKeys("storage").make(storage_keys.new_key())
    sealed = storage_keys_of("keyring:storage", tmp_path).sealer.seal(b"text", b"")

    with pytest.raises(CannotStart, match="helix privacy rotate-key"):
        KeyringKeys("storage").make(storage_keys.new_key())
    assert b"text" == storage_keys_of("keyring:storage", tmp_path).sealer.open(sealed, b"")


def test_an_entry_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(SettingsError, match="helix privacy new-key --keyring storage"):
        storage_keys_of("keyring:storage", tmp_path)


def test_a_system_without_a_keyring_is_a_sentence(tmp_path):
    keyring.set_keyring(fail.Keyring())

    with pytest.raises(SettingsError, match=r"entry storage of helix cannot be read: \w.*\.$"):
        storage_keys_of("keyring:storage", tmp_path)


def test_a_keyring_wants_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(SettingsError, match="-m pip install keyring"):
        storage_keys_of("keyring:storage", tmp_path)


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
    KeyFile(tmp_path / "keys").write(storage_keys.text_of([ONE, TWO]))

    for setting in (f"file:{tmp_path}/keys", storage_keys.text_of([ONE, TWO])):
        assert opens(storage_keys_of(setting, tmp_path), ONE)
        assert opens(storage_keys_of(setting, tmp_path), TWO)


@pytest.mark.parametrize("setting", ["secret words", "c2hvcnQ=", " ", "file:/nowhere"])
def test_what_is_no_key_is_refused_and_never_shown(setting, tmp_path):
    with pytest.raises(CannotStart) as raised:
        storage_keys_of(setting, tmp_path)
    assert "secret" not in str(raised.value)
