"""Data at rest, sealed with AES-256-GCM: readable with one of the owner's keys only, and never as something else.

What is sealed begins with a byte that no JSON begins with, names its key, and is bound to a *context*: what was sealed
as the vault of one response cannot be passed off as that of another.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import SealBroken

KEY_BYTES = 32

_MAGIC = b"\x01hx1"
_KEY_ID_BYTES = 8
# Random, as NIST SP 800-38D 8.2.2 has it: good for 2**32 messages under one key.
_NONCE_BYTES = 12
_HEAD_BYTES = len(_MAGIC) + _KEY_ID_BYTES + _NONCE_BYTES


class Sealer:
    """Seals under the first of its keys, opens what any of them sealed. Safe from several threads."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: the current one, then earlier ones; each of `KEY_BYTES`."""
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._current = key_id(keys[0])

    def seal(self, plain: bytes, context: bytes) -> bytes:
        head = _MAGIC + self._current + os.urandom(_NONCE_BYTES)
        return head + self._ciphers[self._current].encrypt(head[-_NONCE_BYTES:], plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """
        Raises:
            SealBroken: it was sealed with another key or for another context, was changed, or is not sealed.
        """
        cipher = self._ciphers.get(_key_id_of(sealed))
        if cipher is None or not is_sealed(sealed):
            raise SealBroken("it was sealed with a key that is not here")
        try:
            return cipher.decrypt(sealed[_HEAD_BYTES - _NONCE_BYTES : _HEAD_BYTES], sealed[_HEAD_BYTES:], context)
        except InvalidTag:
            raise SealBroken("it was changed, or belongs elsewhere") from None

    def is_current(self, sealed: bytes) -> bool:
        """Whether it needs no sealing anew: the key that sealed it is the one in use."""
        return is_sealed(sealed) and _key_id_of(sealed) == self._current


def is_sealed(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def key_id(key: bytes) -> bytes:
    """What names a key without telling it."""
    return hashlib.sha256(b"helix key id\0" + key).digest()[:_KEY_ID_BYTES]


def _key_id_of(sealed: bytes) -> bytes:
    return sealed[len(_MAGIC) : len(_MAGIC) + _KEY_ID_BYTES]
