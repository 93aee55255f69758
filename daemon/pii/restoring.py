"""Restoring of a text of any length in bounded memory, for `helix restore`."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..dialects.dialect import TextKind
from .vault import Vault

_ENCRYPTED = re.compile(r"<(?P<kind>[A-Z][A-Z0-9_]*):encrypted:(?P<sealed>[A-Za-z0-9_=-]+)>")
_BEGINNING = re.compile(r"<(?:[A-Z][A-Z0-9_]*(?::[a-z]*(?::[A-Za-z0-9_=-]*)?)?)?\Z")
# Longer than any value that is encrypted, but a private key with its comments.
_MAX_HELD = 65_536

Decrypt = Callable[[str, str], str]
"""Kind and encrypted value to the value; raises ValueError where it was not encrypted here."""


class Restorer:
    """Puts back what a vault knows and what can be decrypted, in one text that comes in parts, then in the next."""

    def __init__(self, vault: Vault, decrypt: Decrypt) -> None:
        self._vault = vault
        self._decrypt = decrypt
        self._placeholders = vault.restorer(TextKind.PLAIN)
        self._held = ""

    def feed(self, part: str) -> str:
        text = self._held + part
        beginning = _BEGINNING.search(text, max(0, len(text) - _MAX_HELD))
        cut = len(text) if beginning is None else beginning.start()
        self._held = text[cut:]
        return self._placeholders.feed(self._decrypted(text[:cut]))

    def finish(self) -> str:
        """The rest of this text. What is fed after it is another one."""
        rest = self._placeholders.feed(self._held) + self._placeholders.finish()
        self._placeholders, self._held = self._vault.restorer(TextKind.PLAIN), ""
        return rest

    def _decrypted(self, text: str) -> str:
        return _ENCRYPTED.sub(self._original, text) if ":encrypted:" in text else text

    def _original(self, match: re.Match[str]) -> str:
        try:
            return self._decrypt(match["kind"], match["sealed"])
        except ValueError:
            return match[0]
