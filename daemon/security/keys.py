"""Virtual keys: whom each is bound to, what it may do, and where it rests.

The secret is shown once and never stored. What rests is its HMAC, and whoever reads the store cannot come in with it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from ..control_api import KeyRow
from ..errors import BadRequest, Forbidden, KeysUnavailable, NotFound, StoreUnavailable, Unauthorized
from ..exchange import Caller, JsonObject, Role
from ..ports.clock import Clock
from ..ports.storage import RecordStore
from ..settings import Section, Usd, WindowName

log = logging.getLogger(__name__)

HELIX_KEY_PREFIX = "hx-"
RECORD_KIND = "keys"

READ_EVERY_S = 2.0
"""How long a daemon of a fleet may not know what was changed on another one."""

LONGEST_S = 100 * 366 * 86_400

_SECRET_BYTES = 32
_REMEMBERED = 4096

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


class KeyTerms(Section):
    """What a key is bound to and may do; None: the key leaves it open."""

    name: str = Field("", max_length=128)
    user: Name | None = None
    team: Name | None = None
    org: Name | None = None
    role: Role = "member"
    models: tuple[Name, ...] = ()
    """Patterns of the models that it may ask, by the names that callers use; none: all."""
    rpm: int | None = Field(None, gt=0, le=1_000_000)
    """Requests in any minute."""
    tpm: int | None = Field(None, gt=0, le=10**12)
    """Tokens in any minute."""
    parallel: int | None = Field(None, gt=0, le=1_000_000)
    """Requests at the same time."""


class KeyBudget(Section):
    """The budget that a key is made with."""

    limit_usd: Usd
    window: WindowName


class KeyWanted(KeyTerms):
    """What the owner asks for."""

    expires_s: float | None = Field(None, gt=0, le=LONGEST_S)
    budget: KeyBudget | None = None


class StoredSecret(Section):
    """One secret of a key, as it may rest."""

    hmac: str
    hmac_key: str = ""
    """Hexadecimal; empty: the installation's own."""
    until: AwareDatetime | None = None
    """The end of the grace period after it was rotated out."""


class VirtualKey(KeyTerms):
    """A key as it rests. Its id is what ledger, logs and budgets name it by."""

    id: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None
    secrets: tuple[StoredSecret, ...] = Field(repr=False)

    @cached_property
    def caller(self) -> Caller:
        """Without a credential: a Helix key never goes upstream."""
        return Caller(key=self.id, user=self.user, team=self.team, org=self.org, role=self.role)

    @property
    def is_limited(self) -> bool:
        return (self.rpm, self.tpm, self.parallel) != (None, None, None)

    def check_may_ask(self, model: str) -> None:
        """Raise Forbidden where the key may not ask this model."""
        if not self.may_ask(model):
            raise Forbidden(f"the key {self.id} may not ask this model, but: {', '.join(self.models)}")

    def may_ask(self, model: str) -> bool:
        return not self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


@dataclass(frozen=True, slots=True)
class _Access:
    """What one secret opens, and until when."""

    key: VirtualKey
    until: datetime | None


class Keys:
    """All virtual keys of the store, held in memory; those of other daemons are known after `READ_EVERY_S`."""

    def __init__(
        self,
        store: RecordStore,
        clock: Clock,
        hmac_key: bytes,
        *,
        is_shared: bool,
        before_change: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """In a store that is shared (`is_shared`) the HMAC's key rests beside the record, since each daemon of a
        fleet has an installation key of its own. That gives nothing away: 256 random bits cannot be tried out.

        `before_change` is awaited before what others changed holds here: it reads the budgets, without which a new
        key must not work. It may raise StoreUnavailable."""
        self._store = store
        self._clock = clock
        self._own_hmac_key = hmac_key
        self._stored_hmac_key = hmac_key.hex() if is_shared else ""
        self._before_change = before_change
        self._changing = asyncio.Lock()
        self._is_read = False
        self._take({})

    # --- asked by every request

    def get(self, key_id: str) -> VirtualKey | None:
        return self._by_id.get(key_id)

    def find(self, secret: str) -> VirtualKey:
        """The key that a secret opens.

        Raises:
            Unauthorized: there is none, or it has expired.
            KeysUnavailable: the keys were never read.
        """
        access = self._seen.get(secret) or self._look_up(secret)
        if access.until is not None and access.until <= self._clock.now():
            raise Unauthorized(f"the key {access.key.id} has expired")
        return access.key

    def has_user(self, user: str) -> bool:
        """Whether there is a key that is bound to `user`."""
        return user in self._users

    def _look_up(self, secret: str) -> _Access:
        """By the HMAC, which nobody outside can choose: how long a comparison takes tells nothing of a secret."""
        for hmac_key in self._hmac_keys:
            access = self._by_hmac.get(_hmac(hmac_key, secret))
            if access is not None:
                if len(self._seen) < _REMEMBERED:
                    self._seen[secret] = access
                return access
        if not self._is_read:
            raise KeysUnavailable("the keys cannot be read yet")
        raise Unauthorized("this API key is not known here")

    # --- asked by the owner

    def all(self) -> list[VirtualKey]:
        """Oldest first."""
        return sorted(self._by_id.values(), key=lambda key: key.created_at)

    async def create(self, wanted: KeyWanted, key_id: str) -> tuple[VirtualKey, str]:
        """Make a key; with it the secret, which nobody can show again.

        Raises:
            StoreUnavailable: there is no such key.
        """
        now = self._clock.now()
        secret = _new_secret()
        key = VirtualKey(
            **wanted.model_dump(include=set(KeyTerms.model_fields)),
            id=key_id,
            created_at=now,
            expires_at=now + timedelta(seconds=wanted.expires_s) if wanted.expires_s else None,
            secrets=(self._stored(secret),),
        )
        async with self._changing:
            await self._read()
            await self._put(key)
        return key, secret

    async def rotate(self, key_id: str, grace_s: float) -> tuple[VirtualKey, str]:
        """Give a key a new secret; those before open it for `grace_s` more seconds, never longer than before.

        Raises:
            NotFound: there is no such key.
            StoreUnavailable: nothing has changed, or only the new secret opens it.
        """
        secret = _new_secret()
        async with self._changing:
            await self._read()
            old = self._existing(key_id)
            grace = tuple(self._in_grace(old, self._clock.now() + timedelta(seconds=grace_s)))
            key = old.model_copy(update={"secrets": (self._stored(secret), *grace)})
            await self._put(key)
        return key, secret

    async def revoke(self, key_id: str) -> None:
        """Forget a key, at once here.

        Raises:
            NotFound: there is no such key.
            StoreUnavailable: it is still there.
        """
        async with self._changing:
            await self._read()
            self._existing(key_id)
            await self._store.remove_record(RECORD_KIND, key_id)
            self._take({name: record for name, record in self._records.items() if name != key_id})

    # --- the store

    async def load(self) -> None:
        """Read all that rests in the store.

        Raises:
            StoreUnavailable: they are as they were before.
        """
        async with self._changing:
            await self._read()

    async def follow(self) -> None:
        """Take over, without end, what other daemons of the store change."""
        while True:
            await asyncio.sleep(READ_EVERY_S)
            with suppress(StoreUnavailable):  # those that were read before hold until it answers
                await self.load()

    async def _read(self) -> None:
        records = await self._store.records(RECORD_KIND)
        if records != self._records:
            if self._before_change is not None:
                await self._before_change()
            self._take(records)
        self._is_read = True

    async def _put(self, key: VirtualKey) -> None:
        record = key.model_dump(mode="json")
        await self._store.put_record(RECORD_KIND, key.id, record)
        self._take({**self._records, key.id: record})

    def _take(self, records: dict[str, JsonObject]) -> None:
        self._records = records
        self._by_id = dict(_usable(records))
        self._users = {key.user for key in self._by_id.values() if key.user is not None}
        stored = [(key, secret) for key in self._by_id.values() for secret in key.secrets]
        self._hmac_keys = {self._hmac_key_of(secret) for _, secret in stored}
        self._by_hmac = {secret.hmac: _Access(key, _earlier(key.expires_at, secret.until)) for key, secret in stored}
        self._seen: dict[str, _Access] = {}

    def _existing(self, key_id: str) -> VirtualKey:
        key = self._by_id.get(key_id)
        if key is None:
            raise NotFound(f"there is no key {key_id}")
        return key

    # --- secrets

    def _stored(self, secret: str) -> StoredSecret:
        return StoredSecret(hmac=_hmac(self._own_hmac_key, secret), hmac_key=self._stored_hmac_key)

    def _in_grace(self, key: VirtualKey, until: datetime) -> Iterator[StoredSecret]:
        now = self._clock.now()
        for secret in key.secrets:
            ends_at = _earlier(secret.until, until)
            if ends_at is not None and ends_at > now:
                yield secret.model_copy(update={"until": ends_at})

    def _hmac_key_of(self, secret: StoredSecret) -> bytes:
        return bytes.fromhex(secret.hmac_key) if secret.hmac_key else self._own_hmac_key


def new_key_id() -> str:
    return f"key_{secrets.token_hex(6)}"


def wanted_key(body: JsonObject) -> KeyWanted:
    """What the owner asks for, checked.

    Raises:
        BadRequest: `body` asks for no key; the message names the field.
    """
    try:
        return KeyWanted.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "key"
        raise BadRequest(f"{field}: {first['msg']}", param=field) from None


def key_row(key: VirtualKey) -> KeyRow:
    """The key as its owner may see it: without what stands for its secrets."""
    return KeyRow(
        id=key.id,
        name=key.name,
        user=key.user,
        team=key.team,
        org=key.org,
        role=key.role,
        models=list(key.models),
        rpm=key.rpm,
        tpm=key.tpm,
        parallel=key.parallel,
        created_at=key.created_at.isoformat(),
        expires_at=key.expires_at.isoformat() if key.expires_at else None,
    )


def _new_secret() -> str:
    return HELIX_KEY_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def _hmac(key: bytes, secret: str) -> str:
    return hmac.new(key, secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two ends; None is no end."""
    ends = [end for end in (one, other) if end is not None]
    return min(ends) if ends else None


def _usable(records: Mapping[str, JsonObject]) -> Iterator[tuple[str, VirtualKey]]:
    for key_id, record in records.items():
        try:
            yield key_id, VirtualKey.model_validate(record)
        except ValidationError:
            log.warning("what is stored of the key %s cannot be used", key_id)
