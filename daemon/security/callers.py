"""From a credential to a Caller."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

from ..errors import Unauthorized
from ..exchange import Caller
from .keys import HELIX_KEY_PREFIX, Keys
from .tokens import Tokens

_REMEMBERED = 4096
_LOCAL = Caller(key="local")
_ANONYMOUS = "anon-"


class Callers:
    """Knows who stands behind a credential.

    The id of an anonymous caller is an HMAC of its credential under the installation's key: stable, and
    of no use to whoever reads the ledger.
    """

    def __init__(
        self,
        *,
        keys: Keys,
        installation_key: bytes,
        master_key: str | None,
        require_key: bool,
        tokens: Callable[[Callable[[str], str]], Tokens] | None = None,
    ) -> None:
        """`tokens` makes the judge of JWTs, given how ids are made; None: a JWT is a credential like any other."""
        self._keys = keys
        self._installation_key = installation_key
        self._master_key = master_key
        self._require_key = require_key
        self._tokens = tokens(self.pseudonym) if tokens is not None else None
        self._known: dict[str, Caller] = {}

    def identify(self, headers: Mapping[str, str]) -> Caller:
        """The caller behind the request's headers.

        Raises:
            Unauthorized: a key is required and none that is known came, or a Helix key or a JWT is not known or has
                expired.
            KeysUnavailable: it is a Helix key, and the keys were never read.
        """
        credential = _credential(headers)
        if credential is None:
            if self._require_key:
                raise Unauthorized("no API key: this gateway wants one (Authorization: Bearer … or x-api-key)")
            return _LOCAL
        return self._known.get(credential) or self._judge(credential)

    def on_behalf(self, caller: Caller, user: str) -> Caller:
        """The caller with the user that its request names; one who has a key of their own is named by that key only,
        so nobody spends from somebody else's budget. Where users come with JWTs an anonymous caller speaks for none."""
        may_name = self._tokens is None or not _is_anonymous(caller)
        return caller.for_user(user) if may_name and not self._keys.has_user(user) else caller

    def pseudonym(self, value: str) -> str:
        """A stable stand-in for a value that must not be stored, 16 hex digits."""
        return self.fingerprint(value.encode("utf-8", "replace"))

    def fingerprint(self, value: bytes) -> str:
        """Equal for equal values and, without the installation's key, nothing to guess them by; 16 hex digits."""
        return hmac.digest(self._installation_key, value, "sha256").hex()[:16]

    def _judge(self, credential: str) -> Caller:
        if self._master_key and hmac.compare_digest(credential.encode("utf-8", "replace"), self._master_key.encode()):
            return self._remember(credential, Caller(key="master"))
        if credential.startswith(HELIX_KEY_PREFIX):
            return self._keys.find(credential).caller
        if self._tokens is not None and self._tokens.takes(credential):
            return self._tokens.find(credential)
        if self._require_key:
            raise Unauthorized("this API key is not known here")
        return self._remember(credential, Caller(key=_ANONYMOUS + self.pseudonym(credential), credential=credential))

    def _remember(self, credential: str, caller: Caller) -> Caller:
        """Not for virtual keys and tokens: these expire and are revoked."""
        if len(self._known) < _REMEMBERED:
            self._known[credential] = caller
        return caller


def _is_anonymous(caller: Caller) -> bool:
    return caller is _LOCAL or caller.key.startswith(_ANONYMOUS)


def _credential(headers: Mapping[str, str]) -> str | None:
    authorization = headers.get("Authorization", "")
    if authorization[:7].lower() == "bearer " and (token := authorization[7:].strip()):
        return token
    return headers.get("x-api-key") or None
