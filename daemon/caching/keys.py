"""What must be equal for an answer to be shared: scope, exact key, and the partition of near look-ups."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

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


class Keys:
    """Makes the keys of all requests with the same parts. Digests are begun with the parts once and copied."""

    __slots__ = ("_exact", "_partition", "dialect", "namespace", "scope", "ttl_s")

    def __init__(self, parts: KeyParts, *, embedder: str = "", ttl_s: float = math.inf) -> None:
        """`embedder` names the model whose vectors are compared: those of another are of another partition. `ttl_s`
        is how long an answer is kept at most."""
        texts = [text.encode("utf-8", "surrogatepass") for text in parts]
        self.scope = parts.scope
        self.namespace = parts.namespace
        self.ttl_s = ttl_s
        self.dialect = parts.dialect
        self._exact = hashlib.sha256(_framed(b"exact", *texts))
        self._partition = hashlib.sha256(_framed(b"partition", *texts, embedder.encode()))

    def exact(self, keyed: JsonObject) -> bytes:
        """SHA-256 of the parts and of all in the hidden body that can change the answer."""
        digest = self._exact.copy()
        digest.update(canonical(keyed))
        return digest.digest()

    def partition(self, context: JsonObject) -> bytes:
        """SHA-256 of the same without the last user text: near hits stay inside one partition."""
        digest = self._partition.copy()
        digest.update(canonical(context))
        return digest.digest()


def signed(vector: Vector, partition: bytes) -> Vector:
    """The vector times the partition's ±1 signs.

    Cosines within a partition stay as they are; between partitions they become noise around 0, so one
    index serves all (the right entry 100% at k=1, a foreign one 0%; filtering afterwards: 10%). SHAKE
    gives the signs in 2 µs, which is why they are not remembered.
    """
    return np.where(_signs(partition, vector.size), -vector, vector).astype(np.float32, copy=False)


def signed_rows(vectors: NDArray[np.float16], partitions: Sequence[bytes]) -> NDArray[np.float16]:
    """The same for many, a row each."""
    signs = {partition: _signs(partition, vectors.shape[1]).astype(np.uint16) << 15 for partition in set(partitions)}
    flipped: NDArray[np.uint16] = vectors.view(np.uint16) ^ np.array([signs[one] for one in partitions])
    return flipped.view(np.float16)


def _signs(partition: bytes, size: int) -> NDArray[np.uint8]:
    """1 where the sign changes."""
    return np.unpackbits(np.frombuffer(hashlib.shake_128(partition).digest(size // 8), dtype=np.uint8))


def _framed(*parts: bytes) -> bytes:
    """Each part behind its length, so that no two lists of parts read the same."""
    return b"".join([len(part).to_bytes(8, "big") + part for part in parts])
