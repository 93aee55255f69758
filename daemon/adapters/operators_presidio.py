"""The Operators port: presidio-anonymizer's mask; hash and encrypt with the installation's key.

Presidio's own hash salts each value anew unless it is told the salt, and its cipher is AES-CBC with a random start
and without authentication: with neither would equal values stay equal, as the cache needs them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from ..errors import FinderUnavailable

# AES-GCM-SIV (RFC 8452) stays safe under one nonce: two equal values are seen to be equal, which is wanted.
_NONCE = bytes(12)


class PresidioOperators:
    """What a found value becomes when it is not to be restored; neither of the keys can be told from the results."""

    def __init__(self, key: bytes) -> None:
        self._hash_key = _derived(key, "hash")
        self._cipher = AESGCMSIV(_derived(key, "encrypt"))

    def apply(self, operator: str, entity_type: str, value: str) -> str:
        try:
            match operator:
                case "mask":
                    return self._masked(value)
                case "hash":
                    return f"<{entity_type}:hash:{self._hashed(entity_type, value)}>"
                case "encrypt":
                    return f"<{entity_type}:encrypted:{self._encrypted(entity_type, value)}>"
        except Exception as error:
            raise FinderUnavailable(f"{operator} failed: {type(error).__name__}") from None
        raise FinderUnavailable(f"there is no operator {operator}")

    def decrypt(self, entity_type: str, encrypted: str) -> str:
        """The value behind the base64url part of an encrypted one.

        Raises:
            ValueError: it was not made with this key and kind, or was changed.
        """
        try:
            opened = self._cipher.decrypt(_NONCE, base64.urlsafe_b64decode(encrypted), entity_type.encode())
        except Exception as error:
            raise ValueError(f"not encrypted here: {type(error).__name__}") from None
        return opened.decode("utf-8", "surrogatepass")

    def _masked(self, value: str) -> str:
        from presidio_anonymizer.operators import Mask  # imports Presidio's analyzer, which takes a second

        return str(Mask().operate(value, {"masking_char": "*", "chars_to_mask": len(value), "from_end": False}))

    def _hashed(self, entity_type: str, value: str) -> str:
        """64 bits of HMAC-SHA256: enough to tell values apart, and nothing to try guesses on without the key."""
        message = f"{entity_type}\0{value}".encode("utf-8", "surrogatepass")
        return hmac.new(self._hash_key, message, hashlib.sha256).hexdigest()[:16]

    def _encrypted(self, entity_type: str, value: str) -> str:
        sealed = self._cipher.encrypt(_NONCE, value.encode("utf-8", "surrogatepass"), entity_type.encode())
        return base64.urlsafe_b64encode(sealed).decode()


def _derived(key: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose, so that the two uses of the key cannot be played against each other."""
    return hmac.new(key, f"helix pii {purpose}".encode(), hashlib.sha256).digest()
