"""JWTs: callers whom the owner's identity provider vouches for.

What signs decides how it is checked, never what a token says of itself: a public key is never taken for the secret of
an HMAC, and `none` is no signature. https://www.rfc-editor.org/rfc/rfc8725
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from ..errors import SettingsError, Unauthorized
from ..exchange import Caller, Role
from ..ports.clock import Clock
from ..settings import JwtSettings

_LOOKS_LIKE_ONE = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
"""`eyJ` is how a JSON object's opening reads in base64."""
_SYMMETRIC = ("HS256", "HS384", "HS512")
_LONGEST = 16_384
_LONGEST_NAME = 256
_REMEMBERED = 4096
_ROLES: tuple[Role, ...] = ("admin", "member", "viewer")


@dataclass(frozen=True, slots=True)
class _Key:
    """What signs tokens. `id` is its `kid`; empty: it has none."""

    id: str
    algorithms: tuple[str, ...]
    key: Any


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expires_s: float
    """Unix seconds, the leeway included."""


class Tokens:
    """Knows the callers behind JWTs. A token is verified when it is first seen; that it has not ended, each time."""

    def __init__(self, settings: JwtSettings, pseudonym: Callable[[str], str], clock: Clock) -> None:
        """`pseudonym` makes of a subject an id that may be stored and shown.

        Raises:
            SettingsError: the file of keys cannot be used.
        """
        self._settings = settings
        self._pseudonym = pseudonym
        self._clock = clock
        self._keys = tuple(_keys_of(settings))
        self._known: dict[str, _Known] = {}

    def takes(self, credential: str) -> bool:
        """Whether a credential is a JWT as far as its form goes. Then it is judged here, and never passed on."""
        return _LOOKS_LIKE_ONE.fullmatch(credential) is not None

    def find(self, token: str) -> Caller:
        """The caller whom a token names.

        Raises:
            Unauthorized: it is not signed by a known key, has ended, or is for somebody else.
        """
        known = self._known.get(token)
        if known is None:
            known = self._verified(token)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        if known.expires_s <= self._clock.now().timestamp():
            raise Unauthorized("this JWT has expired")
        return known.caller

    def _verified(self, token: str) -> _Known:
        if len(token) > _LONGEST:
            raise Unauthorized("this JWT is too long")
        claims = self._claims(token)
        return _Known(self._caller(claims), claims["exp"] + self._settings.leeway_s)

    def _claims(self, token: str) -> dict[str, Any]:
        refused: jwt.PyJWTError = jwt.InvalidKeyError("no key of its kid is known")
        for key in self._keys_for(token):
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key.key,
                    algorithms=key.algorithms,
                    audience=self._settings.audience,
                    issuer=self._settings.issuer,
                    leeway=self._settings.leeway_s,
                    options={"require": ["exp", "iss", "aud", self._settings.user_claim]},
                )
                return claims
            except jwt.PyJWTError as error:
                refused = error
        raise Unauthorized(f"this JWT is not accepted: {_why(refused)}") from None

    def _keys_for(self, token: str) -> Iterator[_Key]:
        """Those that its header may mean: the one of its `kid`, or each where it names none."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except jwt.PyJWTError as error:
            raise Unauthorized(f"this JWT is not accepted: {_why(error)}") from None
        yield from (key for key in self._keys if kid is None or not key.id or key.id == kid)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        settings = self._settings
        user = _name(claims.get(settings.user_claim))
        if user is None:
            raise Unauthorized(f"this JWT is not accepted: its claim {settings.user_claim} names nobody")
        return Caller(
            key=f"jwt-{self._pseudonym(user)}",
            user=user,
            team=_name(claims.get(settings.team_claim)),
            org=_name(claims.get(settings.org_claim)),
            role=_role(claims.get(settings.role_claim)),
        )


def _keys_of(settings: JwtSettings) -> Iterator[_Key]:
    if settings.secret is not None:
        yield _Key("", _SYMMETRIC, settings.secret.get_secret_value())
        return
    path = Path(settings.jwks_file).expanduser()
    try:
        found = json.loads(path.read_text())["keys"]
        keys = [_public_key(jwk) for jwk in found if jwk.get("use", "sig") == "sig"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise SettingsError(f"jwt.jwks_file: {path} is no JWK Set that can be used: {_why(error)}") from None
    if not keys:
        raise SettingsError(f"jwt.jwks_file: {path} holds no key that signs")
    yield from keys


def _public_key(jwk: Mapping[str, Any]) -> _Key:
    if jwk.get("kty") == "oct":
        raise ValueError("a shared secret belongs into jwt.secret")
    if jwk.get("kty") not in ("RSA", "EC", "OKP"):
        raise ValueError("the kty of a key is not RSA, EC or OKP")
    if "d" in jwk:
        raise ValueError("it holds a private key; only the identity provider should have that")
    key = jwt.PyJWK(dict(jwk))
    return _Key(str(jwk.get("kid", "")), (str(key.algorithm_name),), key.key)


def _name(claim: object) -> str | None:
    """A claim as a name that budgets and the ledger can hold."""
    is_name = isinstance(claim, str) and 0 < len(claim) <= _LONGEST_NAME and claim.isprintable()
    return str(claim) if is_name else None


def _role(claim: object) -> Role:
    """The role that is claimed, of several the one that may do most; a member where none is known."""
    claimed = claim if isinstance(claim, list) else [claim]
    return next((role for role in _ROLES if role in claimed), "member")


def _why(error: Exception) -> str:
    """Names of claims and algorithms at most: no library's sentence quotes a token's content."""
    return str(error) or type(error).__name__
