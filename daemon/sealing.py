"""Data at rest, sealed with AES-256-GCM: readable with one of the owner's keys only, and never as something else.

What is sealed begins with a byte that no JSON begins with, names its key, and is bound to a *context*: what was sealed
as the vault of one response cannot be passed off as that of another.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import SealBroken, StoreUnavailable
from .exchange import CacheEntry

KEY_BYTES = 32

_MAGIC = b"\x01hx1"
_KEY_ID_BYTES = 8
# Random, as NIST SP 800-38D 8.2.2 has it: good for 2**32 messages under one key.
_NONCE_BYTES = 12
_NO_VECTOR = bytes(2 * 384)
_HEAD_BYTES = len(_MAGIC) + _KEY_ID_BYTES + _NONCE_BYTES


class Sealer:
    """Seals under the first of its keys, opens what any of them sealed. Safe from several threads."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.use(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        """From now on these: the current one, then earlier ones; each of `KEY_BYTES`."""
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self._current = key_id(keys[0])

    def seal(self, plain: bytes, context: bytes) -> bytes:
        current = self._current
        head = _MAGIC + current + os.urandom(_NONCE_BYTES)
        return head + self._ciphers[current].encrypt(head[-_NONCE_BYTES:], plain, context)

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


class EntrySeal:
    """What of a cached answer rests sealed: its texts, and the vector, from which the question can be guessed.

    The texts are bound to whose they are and what they answer, so that who can write the store and has no key can
    move no answer into another scope, context or protocol.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def closed(self, entry: CacheEntry) -> CacheEntry:
        """As it rests in a store."""
        context = _context_of(entry)
        question = self._sealer.seal(entry.question.encode("utf-8", "surrogatepass"), b"question" + context)
        return replace(
            entry,
            question=base64.b64encode(question).decode(),
            answer=self._sealer.seal(entry.answer, b"answer" + context),
            vector=None if entry.vector is None else self._sealer.seal(entry.vector, entry.partition),
        )

    def opened(self, entry: CacheEntry) -> CacheEntry | None:
        """As it was; None where no key is here for it, or it was never sealed."""
        context = _context_of(entry)
        try:
            question = self._sealer.open(base64.b64decode(entry.question, validate=True), b"question" + context)
            return replace(
                entry,
                question=question.decode("utf-8", "surrogatepass"),
                answer=self._sealer.open(entry.answer, b"answer" + context),
                vector=None if entry.vector is None else self._sealer.open(entry.vector, entry.partition),
            )
        except (SealBroken, ValueError):
            return None

    async def opened_anew(
        self, resting: CacheEntry, replace_texts: Callable[[CacheEntry], Awaitable[object]]
    ) -> CacheEntry | None:
        """As `opened`. What an earlier key sealed is sealed with the key in use on this occasion, and handed to
        `replace_texts`; where the store cannot be written that waits for the next one."""
        entry = self.opened(resting)
        if entry is not None and not self.is_current(resting):
            with suppress(StoreUnavailable):
                await replace_texts(self.closed(entry))
        return entry

    def opened_vector(self, partition: bytes, vector: bytes) -> bytes:
        """Zeros where it cannot be opened: nothing is near to these."""
        try:
            return self._sealer.open(vector, partition)
        except SealBroken:
            return _NO_VECTOR

    def is_current(self, entry: CacheEntry) -> bool:
        """Whether an entry, as it rests, is sealed with the key in use."""
        return self._sealer.is_current(entry.answer)


def _context_of(entry: CacheEntry) -> bytes:
    """Both digests have one length, and no dialect's name holds a zero."""
    return entry.key + entry.partition + entry.dialect.encode() + b"\0" + entry.scope.encode("utf-8", "surrogatepass")


def is_sealed(data: bytes) -> bool:
    return data.startswith(_MAGIC)


def key_id(key: bytes) -> bytes:
    """What names a key without telling it."""
    return hashlib.sha256(b"helix key id\0" + key).digest()[:_KEY_ID_BYTES]


def _key_id_of(sealed: bytes) -> bytes:
    return sealed[len(_MAGIC) : len(_MAGIC) + _KEY_ID_BYTES]
