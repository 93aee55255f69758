"""Settings to parts to Pipeline: the only file that names an adapter."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from . import data_dir as data
from .adapters.audit_sqlite import SqliteAudit
from .adapters.embedder_onnx import OnnxEmbedder
from .adapters.finder_presidio import PresidioFinder
from .adapters.index_usearch import UsearchIndex
from .adapters.journal_file import FileJournal
from .adapters.keys_keyring import KeyringKeys
from .adapters.model_files import find_folder, find_model
from .adapters.operators_presidio import PresidioOperators
from .adapters.prices_litellm import LitellmPrices
from .adapters.provider_anthropic import ANTHROPIC_BASE, AnthropicProvider
from .adapters.provider_echo import EchoProvider
from .adapters.provider_litellm import LitellmProvider
from .adapters.provider_openai import OPENAI_BASE, OpenAiProvider
from .adapters.provider_translating import TranslatingProvider
from .adapters.spendlog_duckdb import DuckDbSpendLog
from .adapters.store_embedded import EmbeddedStore
from .adapters.vaults_embedded import EmbeddedVaults
from .adapters.word_pieces import WordPieces
from .auditing import Auditor
from .caching.cache import Cache
from .caching.flights import Flights
from .caching.measuring import Bench
from .caching.verifier import FILE as VERIFIER_FILE
from .caching.verifier import Verifier
from .clock import SystemClock
from .cost.accounts import Accounts
from .cost.prices import Prices
from .errors import CannotStart, ModelUnavailable
from .exchange import LedgerRow
from .fetch import Fetcher
from .gateway import Gateway, Parts, Rules
from .monitoring.metrics import Metrics
from .monitoring.recent import Recent
from .near_hits import NearHits
from .pii.audit import Audit
from .pii.hiding import Replacer
from .pii.placeholders import Mint
from .pii.privacy import Privacy
from .pii.redacting import MAX_NUMBERED_VALUES, Redactor
from .pii.restoring import Restorer
from .pii.vault import Vault
from .pii.vaults import Vaults
from .pipeline import Pipeline
from .ports.clock import Clock
from .ports.pii import Finder, VaultStore
from .ports.routing import Provider
from .ports.security import RateStore
from .ports.storage import Store
from .refreshing import Refreshes
from .repeats import Repeats
from .replying import Replies
from .routing.attempts import Dispatcher
from .routing.known_providers import providers_from_environment
from .routing.optimizing import Optimizer
from .routing.router import Router
from .sealing import EntrySeal, Sealer
from .security.callers import Callers
from .security.door import Door
from .security.keys import Keys
from .security.rate_limits import RateLimits
from .security.tokens import Tokens
from .settings import CacheSettings, PiiSettings, ProviderSettings, Settings, StorageSettings
from .settings.sources import Loaded
from .storage_keys import StorageKeys, new_key

log = logging.getLogger(__name__)

MODEL = "minilm"


class Traffic(NamedTuple):
    """What is under way and what was learned of providers: it outlives a reload."""

    flights: Flights
    near_hits: NearHits
    dispatcher: Dispatcher


def build_gateway(loaded: Loaded, load: Callable[[], Loaded]) -> Gateway:
    """Everything a daemon needs over `loaded.data_dir`, which this process owns; `load` reads settings for a reload.

    Raises:
        CannotStart: a setting or a file cannot be used.
    """
    settings = _with_providers(loaded.settings)
    key = data.installation_key(loaded.data_dir)
    clock = SystemClock()
    pieces = WordPieces(find_model(MODEL))
    traffic = Traffic(Flights(), NearHits(), Dispatcher.of(clock))
    parts = _build_parts(settings, loaded.data_dir, clock, key, pieces, near_hits=traffic.near_hits)

    def load_rules() -> Rules:
        return _build_rules(_with_providers(load().settings), parts, traffic, key, pieces)

    rules = _build_rules(settings, parts, traffic, key, pieces)
    parts.cache.configure(settings.cache, policy=lambda: rules.privacy.policy_version)
    return Gateway(parts, rules, load_rules)


def build_privacy(settings: PiiSettings, key: bytes, pieces: WordPieces | None = None) -> Privacy:
    """The scanner with its operators. `key` is the installation's: what is hashed or encrypted stays equal under it."""
    return Privacy(build_finder(settings, pieces), PresidioOperators(data.derived_key(key, "operators")), settings)


def build_finder(settings: PiiSettings, pieces: WordPieces | None = None) -> Finder:
    """The scanner alone; `pieces` where it shares the tokenizer of an embedder."""
    return PresidioFinder(settings, pieces)


def build_redactor(
    settings: PiiSettings, data_dir: Path, on_new: Callable[[str, str], object] | None = None
) -> Redactor:
    """The scanner with its operators, loaded, for `helix redact`; takes about a second.

    The data directory is touched only where hashed or encrypted values have to be those of the daemon. `on_new` is
    told each placeholder's name with its value, for whoever wants to restore the text.

    Raises:
        FinderUnavailable: the scanner cannot be loaded.
        CannotStart: the installation's key cannot be read or made.
    """
    key = b""
    if {"hash", "encrypt"} & set(settings.entities.values()):
        key = _installation_key(data_dir)
    finder = build_finder(settings)
    finder.warm()
    operators = PresidioOperators(data.derived_key(key, "operators"))
    mint = Mint(max_values=MAX_NUMBERED_VALUES, on_new=on_new)
    return Redactor(finder, Replacer(mint, operators, settings), is_reversible=on_new is not None)


def build_restorer(vault: Vault, data_dir: Path) -> Restorer:
    """For `helix restore`: what the vault knows, and what was encrypted under the key of this installation.

    Raises:
        CannotStart: the installation's key cannot be read or made.
    """
    return Restorer(vault, PresidioOperators(data.derived_key(_installation_key(data_dir), "operators")).decrypt)


def map_key(data_dir: Path) -> bytes:
    """The key of maps that have no passphrase.

    Raises:
        CannotStart: the installation's key cannot be read or made.
    """
    return data.derived_key(_installation_key(data_dir), "map")


def make_key_in_keyring(name: str) -> None:
    """Put a new key for stored data there.

    Raises:
        CannotStart: there is one already, or no keyring.
    """
    KeyringKeys(name).make(new_key())


def _installation_key(data_dir: Path) -> bytes:
    data.prepare(data_dir)
    return data.installation_key(data_dir)


def build_bench(settings: CacheSettings) -> Bench:
    """The parts that decide on near hits, for `helix bench cache`.

    Raises:
        ModelUnavailable: a model file is missing.
        CannotStart: the verifier cannot be used.
    """
    verifier = _load_verifier()
    if verifier is None:
        raise CannotStart("the cache's verifier cannot be used; install Helix anew")
    return Bench(OnnxEmbedder(find_model(MODEL)), verifier, settings.ttl_s)


def _with_providers(settings: Settings) -> Settings:
    """Providers come from the environment only where the file names none."""
    if settings.providers:
        return settings
    return settings.model_copy(update={"providers": providers_from_environment(os.environ)})


def _build_parts(
    settings: Settings, data_dir: Path, clock: Clock, key: bytes, pieces: WordPieces, *, near_hits: NearHits
) -> Parts:
    metrics, recent = Metrics(), Recent()
    is_shared = settings.storage.url != "embedded"
    rate_limits = RateLimits(clock, _build_rates(settings.storage, clock))

    def on_row(row: LedgerRow) -> None:
        metrics.row(row)
        recent.add(row)
        rate_limits.row(row)

    derived = data.derived_key(key, "storage")
    storage_keys = StorageKeys(settings.storage.encryption_key, data_dir, derived, KeyringKeys)
    store = _build_store(settings.storage, data_dir, clock, storage_keys.sealer)
    model = find_model(MODEL)
    embedder = OnnxEmbedder(model, pieces)
    accounts = Accounts(
        journal=FileJournal(data_dir / "journal", fsync_always=settings.storage.fsync == "always"),
        spend_log=DuckDbSpendLog(data_dir / "spend.duckdb"),
        store=store,
        prices=Prices(LitellmPrices(), settings.models, settings.providers),
        settings=settings,
        clock=clock,
        on_row=on_row,
        on_soft_limit=metrics.soft_limit,
        is_shared=is_shared,
    )
    cache = Cache(
        store=store,
        index=UsearchIndex(data_dir / "index", model=model.fingerprint, is_saved=not settings.storage.encrypt),
        embedder=embedder,
        settings=settings.cache,
        clock=clock,
        policy=lambda: "",
        model=model.fingerprint,
        verifier=_load_verifier(),
        records=store,
        is_shared=is_shared,
        on_cleared=near_hits.forget,
    )
    keys = Keys(
        store,
        clock,
        data.derived_key(key, "keys"),
        is_shared=is_shared,
        before_change=accounts.budgets.read,
    )
    vaults = Vaults(_build_vault_store(settings.storage, data_dir, clock), storage_keys.sealer, clock)
    audit = Audit(
        SqliteAudit(data_dir / "audit.sqlite"),
        clock,
        days=settings.pii.audit_days,
        timezone=settings.server.timezone,
    )
    refreshes = Refreshes()
    return Parts(
        store,
        accounts,
        cache,
        embedder,
        recent,
        metrics,
        clock,
        keys,
        rate_limits,
        vaults,
        audit,
        storage_keys,
        refreshes,
    )


def _load_verifier() -> Verifier | None:
    """Without it near hits are only those that are near enough to need none."""
    try:
        return Verifier.load(find_folder("verifier", VERIFIER_FILE))
    except (ModelUnavailable, OSError, ValueError, KeyError) as error:
        log.warning("the cache's verifier cannot be used: %s", error)
        return None


# What speaks to Redis is imported where it is asked for: it takes 9 MB, which a daemon alone needs not.


def _build_rates(settings: StorageSettings, clock: Clock) -> RateStore | None:
    if settings.url == "embedded":
        return None
    from .adapters.rates_redis import RedisRates

    return RedisRates(settings.url, clock)


def _build_store(settings: StorageSettings, data_dir: Path, clock: Clock, sealer: Sealer) -> Store:
    seal = EntrySeal(sealer) if settings.encrypt else None
    if settings.url == "embedded":
        return EmbeddedStore(data_dir / "store.sqlite", clock, settings.fsync, seal)
    from .adapters.store_redis import RedisStore

    return RedisStore(settings.url, clock, seal=seal)


def _build_vault_store(settings: StorageSettings, data_dir: Path, clock: Clock) -> VaultStore:
    if settings.url == "embedded":
        return EmbeddedVaults(data_dir / "vaults.sqlite", clock)
    from .adapters.vaults_redis import RedisVaults

    return RedisVaults(settings.url, clock)


def _build_rules(settings: Settings, parts: Parts, traffic: Traffic, key: bytes, pieces: WordPieces) -> Rules:
    server = settings.server
    privacy = build_privacy(settings.pii, key, pieces)
    callers = Callers(
        keys=parts.keys,
        installation_key=data.derived_key(key, "callers"),
        master_key=server.master_key.get_secret_value() if server.master_key else None,
        require_key=server.require_key,
        tokens=partial(Tokens, settings.jwt, clock=parts.clock) if settings.jwt.is_on else None,
    )
    providers, router = _build_providers(settings), Router(settings)
    fetcher = Fetcher(
        accounts=parts.accounts,
        cache=parts.cache,
        privacy=privacy,
        providers=providers,
        dispatcher=traffic.dispatcher,
        router=router,
        retries=settings.routing.retries,
        clock=parts.clock,
    )
    repeats = Repeats()
    pipeline = Pipeline(
        repeats=repeats,
        privacy=privacy,
        vaults=parts.vaults,
        audit=parts.audit,
        router=router,
        optimizer=Optimizer(settings.optimize, router, parts.accounts.tokens_in),
        cache=parts.cache,
        flights=traffic.flights,
        fetcher=fetcher,
        replies=Replies(privacy, parts.vaults, parts.audit, parts.accounts, parts.metrics, parts.clock),
        accounts=parts.accounts,
        callers=callers,
        metrics=parts.metrics,
        refreshes=parts.refreshes,
        auditor=Auditor(traffic.near_hits, traffic.flights, fetcher, parts.cache, parts.embedder),
        clock=parts.clock,
    )
    return Rules(settings, Door(server), callers, repeats, privacy, providers, pipeline)


def _build_providers(settings: Settings) -> Mapping[str, Provider]:
    built: dict[str, Provider] = {provider.name: _build_provider(provider) for provider in settings.providers}
    return built | {"helix": EchoProvider()}


def _build_provider(settings: ProviderSettings) -> Provider:
    match settings.type:
        case "openai":
            return TranslatingProvider(OpenAiProvider(settings), settings, OPENAI_BASE)
        case "anthropic":
            return TranslatingProvider(AnthropicProvider(settings), settings, ANTHROPIC_BASE)
        case "litellm":
            return LitellmProvider(settings)
        case "echo":
            return EchoProvider()
