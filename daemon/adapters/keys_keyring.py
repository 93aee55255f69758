"""Keys of stored data in the operating system's keyring: macOS Keychain, Windows Credential Locker, Secret Service.

The keyring package is an extra, for servers have no keyring.
"""

from __future__ import annotations

import sys
from types import ModuleType

from ..errors import CannotStart, SettingsError

_SERVICE = "helix"


class KeyringKeys:
    """KeyHolder in one entry of the keyring."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return f"the keyring's entry {self._name} of {_SERVICE}"

    def read(self) -> str:
        text = self._ask()
        if text is None:
            raise SettingsError(f"{self} is not there: `helix privacy new-key --keyring {self._name}` makes it")
        return text

    def write(self, text: str) -> None:
        keyring = self._keyring()
        try:
            keyring.set_password(_SERVICE, self._name, text)
        except keyring.errors.KeyringError as error:
            raise CannotStart(f"{self} cannot be written: {_sentence(error)}") from None

    def make(self, text: str) -> None:
        """Write an entry that is not there yet.

        Raises:
            CannotStart: it is there, and what its keys sealed would be lost; or it cannot be written.
        """
        if self._ask() is not None:
            raise CannotStart(f"{self} is there already: `helix privacy rotate-key` puts a new key before it")
        self.write(text)

    def _ask(self) -> str | None:
        keyring = self._keyring()
        try:
            text: str | None = keyring.get_password(_SERVICE, self._name)
        except keyring.errors.KeyringError as error:
            raise SettingsError(f"{self} cannot be read: {_sentence(error)}") from None
        return text

    def _keyring(self) -> ModuleType:
        try:
            import keyring
            import keyring.errors
        except ImportError:
            how = f"{sys.executable} -m pip install keyring"
            raise SettingsError(f"{self} cannot be read without the keyring package: {how}") from None
        return keyring


def _sentence(error: Exception) -> str:
    """What the keyring says, which holds no entry's text; its first line, for some add a page of advice."""
    return (str(error).splitlines() or [type(error).__name__])[0]
