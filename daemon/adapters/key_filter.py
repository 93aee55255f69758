"""Which keys a store surely does not have, so that most misses need not ask the disk."""

from __future__ import annotations

from collections.abc import Iterable

BITS = 2**24
"""2 MB. With a million keys 2 of 1,000 absent ones look as if they were there (a Bloom filter, 4 bits a key)."""

BITS_OF_KEY = (0, 24, 48, 72)
"""Where in a key each of its places stands. Keys are SHA-256, so any of their bits are as good as a hash."""


class KeyFilter:
    """Says no where a key was never added; yes may be wrong. Removed keys stay in it, which only costs a look.

    Not ready until the keys that were there before have been added: then every key may be there.
    """

    def __init__(self) -> None:
        self._bits = bytearray(BITS // 8)
        self.is_ready = False

    def add(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            number = int.from_bytes(key[:12])
            for shift in BITS_OF_KEY:
                place = (number >> shift) % BITS
                self._bits[place >> 3] |= 1 << (place & 7)

    def may_have(self, key: bytes) -> bool:
        if not self.is_ready:
            return True
        number = int.from_bytes(key[:12])
        for shift in BITS_OF_KEY:
            place = (number >> shift) % BITS
            if not self._bits[place >> 3] & 1 << (place & 7):
                return False
        return True
