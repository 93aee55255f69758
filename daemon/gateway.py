"""The running whole: how its parts start and end, and what a reload of the settings replaces."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from . import heap
from .caching.at_rest import remove_what_was_kept_otherwise
from .caching.cache import Cache
from .cost.accounts import Accounts
from .errors import HelixError, PartUnavailable, StoreUnavailable
from .monitoring.metrics import Metrics
from .monitoring.recent import Recent
from .pii.audit import Audit
from .pii.privacy import Privacy
from .pii.vaults import Vaults
from .pipeline import Pipeline
from .ports.caching import Embedder
from .ports.clock import Clock
from .ports.routing import Provider
from .ports.storage import Store
from .refreshing import Refreshes
from .repeats import Repeats
from .security.callers import Callers
from .security.door import Door
from .security.keys import Keys
from .security.rate_limits import RateLimits
from .settings import Settings
from .storage_keys import StorageKeys

log = logging.getLogger(__name__)

STORE_OPENED_EVERY_S = 1.0
"""How often a store that was away at the start is tried again."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What lives as long as the daemon."""

    store: Store
    accounts: Accounts
    cache: Cache
    embedder: Embedder
    recent: Recent
    metrics: Metrics
    clock: Clock
    keys: Keys
    rate_limits: RateLimits
    vaults: Vaults
    audit: Audit
    storage_keys: StorageKeys
    refreshes: Refreshes


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings rule; a reload replaces all of it at once, and requests in flight end under the old."""

    settings: Settings
    door: Door
    callers: Callers
    repeats: Repeats
    privacy: Privacy
    providers: Mapping[str, Provider]
    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class PartState:
    status: str
    """`ok`, `degraded` or `starting`"""
    reason: str = ""


OK = PartState("ok")


class Gateway:
    """One daemon's gateway. `load_rules` reads the settings anew and builds Rules over the same parts."""

    def __init__(self, parts: Parts, rules: Rules, load_rules: Callable[[], Rules]) -> None:
        self.parts = parts
        self.rules = rules
        self.since: datetime = parts.clock.now()
        self.is_warm = asyncio.Event()
        """Set once all that is loaded in the background is there, or known to be missing."""
        self._load_rules = load_rules
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: dict[str, str] = {}

    async def start(self) -> None:
        """Open what must be open before the first request; what takes seconds is loaded in the background.

        Raises:
            CannotStart: the ledger cannot be kept here.
        """
        try:
            await self._open_store()
        except PartUnavailable as error:
            self._fail("store", error)
            self._spawn(self._open_store_late())
        await self.parts.vaults.start()
        await self.parts.audit.start()
        await self.parts.accounts.start()
        with suppress(StoreUnavailable):
            await self.parts.keys.load()
        self._spawn(self.parts.keys.follow())
        self._spawn(self.parts.rate_limits.keep())
        self.parts.recent.fill(await self.parts.accounts.statements.recent(1_000))
        self._spawn(self._warm())

    async def aclose(self) -> None:
        """Write down what is not written yet, and let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.parts.refreshes.aclose()
        await self.parts.cache.aclose()
        await self.parts.accounts.aclose()
        await _close(self.rules.providers)
        await self.parts.embedder.aclose()
        await self.parts.audit.aclose()
        await self.parts.vaults.aclose()
        await self.parts.rate_limits.aclose()
        await self.parts.store.aclose()
        # What stays frozen is never let go of, and DuckDB's bindings would complain of it on stderr at the exit.
        gc.unfreeze()

    async def reload(self) -> None:
        """Read the settings again; on any error the running ones stay.

        Raises:
            SettingsError: as at the start.
        """
        old, new = self.rules, self._load_rules()
        await asyncio.to_thread(self.parts.storage_keys.configure, new.settings.storage.encryption_key)
        await new.privacy.warm()
        await self.parts.accounts.configure(new.settings)
        self.parts.audit.configure(days=new.settings.pii.audit_days, timezone=new.settings.server.timezone)
        self.parts.cache.configure(new.settings.cache, policy=lambda: new.privacy.policy_version)
        self.rules = new
        self._spawn(self._warm_cache())  # the new settings may want parts that the old ones did not
        self._spawn(self._retire(old.providers, after_s=new.settings.server.drain_s))

    def readiness(self) -> dict[str, Any]:
        """The shape of /health/ready. `starting` until the scanner is there or known to be missing."""
        states = self.part_states()
        status = "ok" if all(state is OK or state.status == "ok" for state in states.values()) else "degraded"
        if states["scanner"].status == "starting":
            status = "starting"
        parts = {name: {"status": state.status, "reason": state.reason} for name, state in states.items()}
        return {"status": status, "parts": parts}

    def part_states(self) -> dict[str, PartState]:
        """Each part's mode, as `/health/ready` names them."""
        states = {
            "scanner": self._scanner_state(),
            "embedder": self._embedder_state(),
            "store": OK,
        }
        states |= {name: PartState(*state) for name, state in self.parts.cache.parts().items()}
        states |= {name: PartState(*state) for name, state in self.parts.accounts.parts().items()}
        return states | {name: PartState("degraded", reason) for name, reason in self._failed.items()}

    def _scanner_state(self) -> PartState:
        privacy = self.rules.privacy
        if not privacy.is_ready:
            return PartState("starting", "loading")
        return PartState("degraded", privacy.degraded) if privacy.degraded else OK

    def _embedder_state(self) -> PartState:
        if self.rules.settings.cache.mode != "semantic" or self.parts.embedder.is_ready:
            return OK
        return PartState("degraded", "loading: exact hits only")

    def unwell_providers(self) -> dict[str, float]:
        """In how many seconds each provider that fails is probed. No part of Helix is the worse for it, so it does
        not count for `readiness`."""
        return self.rules.pipeline.fetcher.dispatcher.health.unwell()

    async def render_metrics(self) -> bytes:
        with suppress(StoreUnavailable):  # its figures are those of the last time then
            self.parts.metrics.cache(await self.parts.cache.stats())
        degraded = {name: state.status != "ok" for name, state in self.part_states().items()}
        self.parts.metrics.parts(degraded, {name: name in self.unwell_providers() for name in self.rules.providers})
        return self.parts.metrics.render()

    async def _warm(self) -> None:
        await asyncio.gather(self._warm_scanner(self.rules.privacy), self._warm_cache())
        heap.settle()
        self.is_warm.set()

    async def _warm_scanner(self, privacy: Privacy) -> None:
        try:
            await privacy.warm()
        except PartUnavailable as error:
            self._fail("scanner", error)

    async def _warm_cache(self) -> None:
        settings = self.rules.settings.cache
        if settings.mode == "semantic":
            try:
                await self.parts.embedder.warm()
            except PartUnavailable as error:
                self._fail("embedder", error)
        if settings.mode != "off":
            await self.parts.cache.start()

    async def _retire(self, providers: Mapping[str, Provider], after_s: float) -> None:
        try:
            await asyncio.sleep(after_s)
        finally:
            await _close(providers)

    async def _open_store(self) -> None:
        await self.parts.store.open()
        is_sealed = self.rules.settings.storage.encrypt
        await remove_what_was_kept_otherwise(self.parts.store, is_sealed=is_sealed)

    async def _open_store_late(self) -> None:
        while "store" in self._failed:
            await asyncio.sleep(STORE_OPENED_EVERY_S)
            with suppress(PartUnavailable):
                await self._open_store()
                del self._failed["store"]

    def _fail(self, part: str, error: HelixError) -> None:
        log.warning("%s: %s", part, error)
        self._failed[part] = str(error)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _close(providers: Mapping[str, Provider]) -> None:
    closing: list[Awaitable[None]] = [provider.aclose() for provider in providers.values()]
    await asyncio.gather(*closing, return_exceptions=True)
