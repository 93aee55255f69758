"""What must be equal for an answer to be shared: scope, exact key, and the partition of near look-ups."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Literal, NamedTuple
from urllib.parse import quote

import numpy as np

from ..exchange import Caller, DialectName, JsonObject, Vector
from ..json_text import canonical

SharedBy = Literal["key", "team", "org", "everyone"]


class KeyParts(NamedTuple):
    """All that an answer depends on beside the body: requests share an answer only where all are equal."""

    scope: str
    namespace: str
    dialect: DialectName
    provider: str
    model: str
    anthropic_beta: str
    pii_policy: str


def scope_of(caller: Caller, shared_by: SharedBy) -> str:
    """Who shares entries with this caller, as an id that may be stored and shown.

    A caller without a team (or org) shares with nobody but its own key. Teams of one name in two
    orgs are two scopes. Names are quoted, so that none can look like another scope.
    """
    if shared_by == "everyone":
        return "everyone"
    if shared_by == "org" and caller.org:
        return f"org:{quote(caller.org, safe='')}"
    if shared_by == "team" and caller.team:
        return f"team:{quote(caller.team, safe='')}" + (f"@{quote(caller.org, safe='')}" if caller.org else "")
    return f"key:{quote(caller.key, safe='')}"


def exact_key(parts: KeyParts, keyed: JsonObject) -> bytes:
    """SHA-256 of the parts and of all in the hidden body that can change the answer."""
    return _digest(b"exact", parts, keyed)


def partition(parts: KeyParts, context: JsonObject) -> bytes:
    """SHA-256 of the same without the last user text: near hits stay inside one partition."""
    return _digest(b"partition", parts, context)


def signed(vector: Vector, partition: bytes) -> Vector:
    """The vector times the partition's ±1 signs.

    Cosines within a partition stay as they are; between partitions they become noise around 0, so one
    index serves all (the right entry 100% at k=1, a foreign one 0%; filtering afterwards: 10%). SHAKE
    gives the signs in 2 µs, which is why they are not remembered.
    """
    bits = np.frombuffer(hashlib.shake_128(partition).digest(vector.size // 8), dtype=np.uint8)
    return np.where(np.unpackbits(bits), -vector, vector).astype(np.float32, copy=False)


def _digest(kind: bytes, parts: KeyParts, body: JsonObject) -> bytes:
    texts = (text.encode("utf-8", "surrogatepass") for text in parts)
    return hashlib.sha256(_framed((kind, *texts, canonical(body)))).digest()


def _framed(parts: Iterable[bytes]) -> bytes:
    """Each part behind its length, so that no two lists of parts read the same."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)
