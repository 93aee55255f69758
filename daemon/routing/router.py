"""Model names to the places that answer them: aliases, `provider/model`, patterns, fallbacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import lru_cache
from types import MappingProxyType

from ..errors import SettingsError, UnknownModel
from ..exchange import TRANSLATED, DialectName, JsonObject, Target
from ..settings import ModelSettings, ProviderSettings, Settings
from .route import Cause, Route, Sharing

ECHO = "helix/echo"
"""Always there, whatever is configured."""

_ECHO_PROVIDER = ProviderSettings(name="helix", type="echo", models=(ECHO,))

_ASKED_BY_NAME: tuple[DialectName, ...] = ("chat", "messages", "embeddings")

_SPEAKS: Mapping[str, frozenset[DialectName]] = MappingProxyType(
    {
        "openai": frozenset({"chat", "responses", "stored_responses", "embeddings", "completions", "passed", "filed"}),
        "anthropic": frozenset({"messages", "count_tokens"}),
        "litellm": frozenset({"chat", "messages", "count_tokens", "responses", "embeddings"}),
        "echo": frozenset({"chat", "messages", "count_tokens", "responses", "embeddings", "completions"}),
    }
)

_ROUTES: Mapping[DialectName, str] = MappingProxyType(
    {
        "chat": "/v1/chat/completions",
        "messages": "/v1/messages",
        "count_tokens": "/v1/messages/count_tokens",
        "responses": "/v1/responses",
        "stored_responses": "/v1/responses/{id}",
        "embeddings": "/v1/embeddings",
        "completions": "/v1/completions",
        "passed": "/v1/images and the like",
        "filed": "/v1/files and /v1/batches",
    }
)

_MAX_NAME = 256
"""Characters in a model's name; the longest of any provider has about 100."""


class Router:
    """Finds the route of a model; built from settings, and as unchanging as they are."""

    def __init__(self, settings: Settings) -> None:
        """
        Raises:
            SettingsError: an alias leads back to itself, or a provider takes the name of the built-in one.
        """
        _refuse_another_helix(settings.providers)
        others = (provider for provider in settings.providers if provider.name != _ECHO_PROVIDER.name)
        self._providers = (*others, _ECHO_PROVIDER)
        self._by_name = {provider.name: provider for provider in self._providers}
        self._aliases = {alias.name: alias for alias in settings.models}
        for name in self._aliases:
            self._follow(name)
        self._cached_route = lru_cache(maxsize=1024)(self._find_route)

    def route(self, model: str, dialect: DialectName) -> Route:
        """Where `model` is answered for a caller of `dialect`.

        An alias is followed first. Then `provider/model` goes to the provider of that name, and any
        name to the first provider with a pattern that matches. Those that speak the dialect come before
        those for whom it is translated, and all others are passed over. Only the fallbacks of the alias
        itself count, not those of its fallbacks.

        Raises:
            UnknownModel: nobody serves it in this dialect; the text names what comes nearest.
        """
        if len(model) > _MAX_NAME:
            raise UnknownModel(f"the model's name is longer than {_MAX_NAME} characters")
        return self._cached_route(model, dialect)

    def any_model(self, dialect: DialectName, *, called: str = "") -> str:
        """A name that leads to the first provider that speaks `dialect`: for requests that name no model. `called` is
        what stands for the model in it and in the ledger; the dialect's name where it is empty.

        Raises:
            UnknownModel: there is none.
        """
        for provider in self._providers:
            if _speaks(provider, dialect):
                return f"{provider.name}/{called or dialect}"
        raise UnknownModel(f"no provider answers at {_ROUTES[dialect]}")

    def model(self, name: str) -> JsonObject:
        """What `GET /v1/models/{id}` says of a model that can be asked, also by a pattern only.

        Raises:
            UnknownModel: nobody serves it.
        """
        for dialect in _ASKED_BY_NAME:
            with suppress(UnknownModel):
                return _listed(name, self.route(name, dialect).targets[0].provider)
        raise UnknownModel("no model of this name is configured")

    def models(self) -> list[JsonObject]:
        """What `GET /v1/models` lists: aliases and every model that is configured by its whole name."""
        owners = {name: self._owner(name) for name in self._aliases}
        for provider in self._providers:
            for name in _whole_names(provider):
                owners.setdefault(name, provider.name)
        return [_listed(name, owner) for name, owner in owners.items()]

    def _find_route(self, model: str, dialect: DialectName) -> Route:
        name, aliases = self._follow(model)
        shared = self._shared(name, dialect)
        if not shared:
            raise UnknownModel(self._unknown(model, name, dialect))
        fallbacks = self._targets((name for alias in aliases for name in alias.fallbacks), dialect)
        targets = dict.fromkeys([*shared, *fallbacks])
        return Route(tuple(targets), self._sharing(name, shared), self._by_cause(aliases, dialect))

    def _sharing(self, name: str, shared: Mapping[Target, float]) -> Sharing | None:
        if len(shared) < 2:
            return None
        alias = self._aliases[name]
        return Sharing(tuple(shared.values()), alias.strategy, alias.sticky)

    def _by_cause(self, aliases: Iterable[ModelSettings], dialect: DialectName) -> Mapping[Cause, tuple[Target, ...]]:
        named = {
            Cause.CONTEXT_WINDOW: [name for alias in aliases for name in alias.context_window_fallbacks],
            Cause.CONTENT_POLICY: [name for alias in aliases for name in alias.content_policy_fallbacks],
        }
        return {cause: self._targets(names, dialect) for cause, names in named.items() if names}

    def _targets(self, names: Iterable[str], dialect: DialectName) -> tuple[Target, ...]:
        """Where aliases and models are answered in the end; those that nobody serves in this dialect are left out."""
        found = (self._target(self._follow(name)[0], dialect) for name in names)
        return tuple(target for target in found if target is not None)

    def _shared(self, name: str, dialect: DialectName) -> dict[Target, float]:
        """The targets that serve a name, with their shares: one, unless an alias shares it out."""
        alias = self._aliases.get(name)
        names = alias.shares if alias is not None and alias.shares else {name: 1.0}
        found = {self._target(self._follow(each)[0], dialect): share for each, share in names.items()}
        return {target: share for target, share in found.items() if target is not None}

    def _follow(self, model: str) -> tuple[str, tuple[ModelSettings, ...]]:
        """The name that an alias stands for in the end, and the aliases met on the way."""
        seen, aliases = [model], list[ModelSettings]()
        while (alias := self._aliases.get(seen[-1])) is not None:
            aliases.append(alias)
            if not alias.target:
                break
            if alias.target in seen:
                raise SettingsError(_loop([*seen, alias.target]))
            seen.append(alias.target)
        return seen[-1], tuple(aliases)

    def _target(self, name: str, dialect: DialectName) -> Target | None:
        speaking = [provider for provider in self._providers if _speaks(provider, dialect)]
        translating = [provider for provider in self._providers if _translates(provider, dialect)]
        answering = [*speaking, *translating]
        prefix, slash, rest = name.partition("/")
        named = self._by_name.get(prefix)
        if slash and rest and named in answering and _serves(named, name, rest):
            return Target(named.name, name if _names_itself(named) else rest)
        for provider in answering:
            if _matches(provider, name):
                return Target(provider.name, name)
        return None

    def _owner(self, alias: str) -> str:
        """The provider that comes first among those that answer an alias in any dialect."""
        name, _ = self._follow(alias)
        owners = (target.provider for dialect in _ROUTES for target in self._shared(name, dialect))
        return next(owners, "")

    def _unknown(self, model: str, name: str, dialect: DialectName) -> str:
        """One sentence: what is missing, and the next step."""
        asked = f'the model "{model}"' + ("" if model == name else f' (an alias of "{name}")')
        elsewhere = {path: found for other, path in _ROUTES.items() if (found := self._target(name, other)) is not None}
        if elsewhere:
            able = ", ".join(f'"{kind}"' for kind, spoken in _SPEAKS.items() if dialect in spoken and kind != "echo")
            return (
                f"{asked} is served by {next(iter(elsewhere.values())).provider} at {', '.join(elsewhere)} only; "
                f"for {_ROUTES[dialect]} it needs a provider of type {able}"
            )
        nearest = get_close_matches(model, [listed["id"] for listed in self.models()])
        hint = f"; nearest known: {', '.join(nearest)}" if nearest else ""
        return f"no provider serves {asked}{hint}; name it in `models` of a [[providers]] entry"


def _listed(name: str, owner: str) -> JsonObject:
    return {"id": name, "object": "model", "created": 0, "owned_by": owner}


def _speaks(provider: ProviderSettings, dialect: DialectName) -> bool:
    is_missing = "responses" in provider.translate and dialect in ("responses", "stored_responses")
    return dialect in _SPEAKS[provider.type] and not is_missing


def _translates(provider: ProviderSettings, dialect: DialectName) -> bool:
    return dialect in TRANSLATED.get(provider.type, ()) and not _speaks(provider, dialect)


def _serves(provider: ProviderSettings, name: str, rest: str) -> bool:
    """Whether a provider takes a model by `provider/model`: any model, except that a model of litellm says
    to whom the key is sent, so that its patterns must allow it; and nobody but Helix knows the echo's."""
    return provider.type in ("openai", "anthropic") or _matches(provider, name) or _matches(provider, rest)


def _matches(provider: ProviderSettings, name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in provider.models)


def _names_itself(provider: ProviderSettings) -> bool:
    """Whether the provider's own model names begin with its name, as litellm's `groq/llama-…` do."""
    return any(pattern.startswith(f"{provider.name}/") for pattern in provider.models)


def _whole_names(provider: ProviderSettings) -> Iterable[str]:
    return (name for name in provider.models if not set("*?[") & set(name))


def _loop(names: list[str]) -> str:
    return f"models: {' -> '.join(names)}: an alias must lead to a provider's model; change one `target`"


def _refuse_another_helix(providers: Iterable[ProviderSettings]) -> None:
    for provider in providers:
        if provider.name == _ECHO_PROVIDER.name and provider.type != _ECHO_PROVIDER.type:
            raise SettingsError('providers.helix: the name belongs to the built-in "helix/echo"; choose another')
