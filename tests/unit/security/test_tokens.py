"""JWTs: only what the configured key signed, for this gateway, and as long as it is valid."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from daemon.clock import SystemClock
from daemon.errors import SettingsError, Unauthorized
from daemon.security.callers import Callers
from daemon.security.tokens import Tokens
from daemon.settings import JwtSettings

SECRET = "s" * 32
ISSUER, AUDIENCE = "https://id.example", "helix"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def claims(**changed: Any) -> dict[str, Any]:
    whole = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": time.time() + 600, "team": "research", **changed}
    return {name: value for name, value in whole.items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, str] | None = None, **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers=headers)


def tokens(**settings: Any) -> Tokens:
    given = {"issuer": ISSUER, "audience": AUDIENCE, "secret": SECRET, **settings}
    return Tokens(JwtSettings.model_validate(given), lambda value: f"p-{value}", SystemClock())


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    algorithms = (("rsa", RSAAlgorithm, RSA), ("ec", ECAlgorithm, EC), ("ed", OKPAlgorithm, ED))
    public = [{**json.loads(kind.to_jwk(key.public_key())), "kid": kid} for kid, kind, key in algorithms]
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": public}))
    return path


def test_the_claims_say_who_it_is() -> None:
    caller = tokens(org_claim="https://acme/org").find(signed(role="viewer", **{"https://acme/org": "acme"}))

    assert ("jwt-p-ann", "ann", "research", "acme") == (caller.key, caller.user, caller.team, caller.org)
    assert ("viewer", None) == (caller.role, caller.credential)


@pytest.mark.parametrize(
    ("claimed", "role"),
    [("admin", "admin"), (["viewer", "admin"], "admin"), ("owner", "member"), (None, "member"), (7, "member")],
)
def test_a_role_that_is_not_known_is_a_members(claimed: Any, role: str) -> None:
    assert role == tokens().find(signed(role=claimed)).role


@pytest.mark.parametrize(("kid", "key", "algorithm"), [("rsa", RSA, "RS256"), ("ec", EC, "ES256"), ("ed", ED, "EdDSA")])
def test_a_public_key_is_found_by_its_kid_or_by_trying(jwks: Path, kid: str, key: Any, algorithm: str) -> None:
    known = tokens(secret=None, jwks_file=str(jwks))

    for headers in ({"kid": kid}, None):
        assert "ann" == known.find(signed(key, algorithm, headers)).user


REFUSED = {
    "expired": signed(exp=time.time() - 60),
    "not yet valid": signed(nbf=time.time() + 600),
    "without an end": signed(exp=None),
    "for somebody else": signed(aud="other"),
    "for nobody": signed(aud=None),
    "of another issuer": signed(iss="https://evil.example"),
    "of no issuer": signed(iss=None),
    "of nobody": signed(sub=None),
    "of a subject that is no text": jwt.encode(claims(sub=""), SECRET),
    "signed with another secret": signed("o" * 32),
    "not signed": jwt.encode(claims(), None, algorithm="none"),
    "no JSON in it": "eyJhbGciOiJIUzI1NiJ9.AAAA.AAAA",
    "too long": signed(padding="x" * 20_000),
}


@pytest.mark.parametrize("token", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_is_refused(token: str) -> None:
    known = tokens()
    assert known.takes(token)
    with pytest.raises(Unauthorized) as refused:
        known.find(token)

    assert token.split(".")[1] not in str(refused.value)


def test_a_public_key_is_no_secret_of_an_hmac(jwks: Path) -> None:
    """Algorithm confusion: the token says HS256, signed with what everybody may know."""
    pem = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head, body = (_b64(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT", "kid": "rsa"}, claims()))
    forged = f"{head}.{body}.{_b64(hmac.new(pem, f'{head}.{body}'.encode(), hashlib.sha256).digest())}"

    with pytest.raises(Unauthorized):
        tokens(secret=None, jwks_file=str(jwks)).find(forged)


def test_another_algorithm_of_the_same_key_is_refused(jwks: Path) -> None:
    with pytest.raises(Unauthorized):
        tokens(secret=None, jwks_file=str(jwks)).find(signed(RSA, "RS512", {"kid": "rsa"}))


def test_a_token_that_was_known_ends_all_the_same() -> None:
    class Later(SystemClock):
        ahead_s = 0.0

        def now(self) -> Any:
            return super().now() + timedelta(seconds=self.ahead_s)

    clock = Later()
    given = {"issuer": ISSUER, "audience": AUDIENCE, "secret": SECRET}
    known, token = Tokens(JwtSettings.model_validate(given), str, clock), signed(exp=time.time() + 60)
    assert "ann" == known.find(token).user
    clock.ahead_s = 60 + 31

    with pytest.raises(Unauthorized):
        known.find(token)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}',
        '{"keys": [{"kty": "XX"}]}',
        '{"keys": [{"k": "c2VjcmV0"}]}',
        '{"keys": ["c2VjcmV0"]}',
        json.dumps({"keys": [json.loads(RSAAlgorithm.to_jwk(RSA))]}),
    ],
)
def test_a_file_that_holds_no_public_keys_is_a_settings_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(text)

    with pytest.raises(SettingsError, match="jwks_file") as said:
        tokens(secret=None, jwks_file=str(path))
    assert "c2VjcmV0" not in str(said.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"secret": "short", "issuer": ISSUER, "audience": AUDIENCE},
        {"secret": SECRET, "issuer": ISSUER},
        {"secret": SECRET, "audience": AUDIENCE},
        {"secret": SECRET, "jwks_file": "x", "issuer": ISSUER, "audience": AUDIENCE},
    ],
)
def test_settings_that_would_let_others_in_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"secret|issuer"):
        JwtSettings.model_validate(settings)


async def test_where_tokens_are_taken_one_that_is_refused_is_nobody_and_goes_nowhere(keys: Any) -> None:
    """Also where no key is required: else what was refused here would be passed on to a provider."""
    known = Callers(
        keys=keys, installation_key=b"k" * 32, master_key=None, require_key=False, tokens=lambda _: tokens()
    )

    assert "ann" == known.identify({"Authorization": f"Bearer {signed()}"}).user
    other = known.identify({"Authorization": "Bearer sk-other"})
    assert ("sk-other", None) == (other.credential, known.on_behalf(other, "ann").user)
    assert known.on_behalf(known.identify({}), "ann").user is None
    with pytest.raises(Unauthorized):
        known.identify({"Authorization": f"Bearer {signed('o' * 32)}"})


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
