"""Vaults of calls whose earlier turns their provider keeps: a later request only names these turns.

A vault is kept sealed, for as long as the provider keeps the answer, under a name that is made of who asked and of what
the provider calls the answer. So nobody is given the values of somebody else who knows that name.
"""

from __future__ import annotations

import hashlib
import json
import logging

from ..errors import PartUnavailable, StoreUnavailable
from ..exchange import Caller
from ..ports.clock import Clock
from ..ports.pii import VaultStore
from ..sealing import Sealer
from .vault import Vault

logger = logging.getLogger(__name__)

LIFETIME_S = 30 * 86_400
"""How long OpenAI keeps a response. https://platform.openai.com/docs/guides/conversation-state"""

# Others may put theirs between our reading and our putting; who loses so often leaves it.
_ATTEMPTS = 5


class Vaults:
    """Keeps vaults and finds them again. Where that fails requests go on, and what was hidden in earlier turns stays
    hidden in the answer: numbers that are not known to be given out are never given out again."""

    def __init__(self, store: VaultStore, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock

    async def start(self) -> None:
        """Open what they rest in; while that is not there they are as if none were kept."""
        try:
            await self._store.open()
        except StoreUnavailable as error:
            logger.warning("the vaults of stateful calls are not there: %s", error)

    async def aclose(self) -> None:
        await self._store.aclose()

    async def recall(self, caller: Caller, reference: str | None) -> Vault | None:
        """The vault of what the provider keeps as `reference`; None where there is none to be had."""
        if reference is None:
            return None
        name = _name(caller, reference)
        try:
            kept = await self._store.get(name)
            return None if kept is None else self._opened(name, kept)
        except PartUnavailable as error:
            logger.warning("the vault of an earlier turn cannot be read: %s", error)
            return None

    async def remember(self, caller: Caller, reference: str, vault: Vault) -> None:
        """Keep what was hidden in what the provider keeps as `reference`, joined with what is kept for it already: a
        cached answer has one name in several conversations."""
        try:
            await self._remember(caller, _name(caller, reference), vault)
        except PartUnavailable as error:
            logger.warning("a vault is not kept; later turns will show placeholders: %s", error)

    async def forget(self, caller: Caller, reference: str) -> None:
        """Its provider does not keep it any more."""
        try:
            await self._store.remove(_name(caller, reference))
        except StoreUnavailable as error:
            logger.warning("a vault is not removed, and ends with its lifetime: %s", error)

    async def erase(self, owner: str) -> int:
        """Remove all of a user's, or of a key's that stands for no user; how many there were.

        Raises:
            StoreUnavailable: some may be left.
        """
        return await self._store.remove_of(_digest(owner))

    async def _remember(self, caller: Caller, name: str, vault: Vault) -> None:
        owner = _digest(caller.user or caller.key)
        expires_at = self._clock.now().timestamp() + LIFETIME_S
        for _ in range(_ATTEMPTS):
            kept = await self._store.get(name)
            joined = vault if kept is None else self._opened(name, kept).joined(vault)
            sealed = self._sealer.seal(_written(joined), name.encode())
            if await self._store.put(name, owner, sealed, expires_at, instead_of=kept):
                return
        raise StoreUnavailable("others change it all the time")

    def _opened(self, name: str, kept: bytes) -> Vault:
        return _read(self._sealer.open(kept, name.encode()))


def _name(caller: Caller, reference: str) -> str:
    return _digest(f"{caller.key}\0{reference}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _written(vault: Vault) -> bytes:
    """By the standard library, since a value may hold a lone surrogate."""
    record = {
        "originals": dict(vault.originals),
        "ambiguous": sorted(vault.ambiguous),
        "numbered_after": vault.numbered_after,
    }
    return json.dumps(record).encode()


def _read(text: bytes) -> Vault:
    record = json.loads(text)
    return Vault(record["originals"], frozenset(record["ambiguous"]), record["numbered_after"])
