"""From what was written to settings that can be used, or to all that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from ..errors import SettingsError
from . import Settings, sentences
from .draft import Draft, Environ

STORAGE_SCHEMES = ("redis", "rediss", "redis+cluster", "unix")


@dataclass(slots=True)
class Check:
    """Turns a draft into settings, or into all that is wrong with it."""

    draft: Draft
    environ: Environ
    settings: Settings = field(default_factory=Settings)
    disabled: dict[str, str] = field(default_factory=dict)
    _problems: list[str] = field(default_factory=list)
    _keyless: dict[int, str] = field(default_factory=dict)
    """Providers by position whose key is not in the environment, and the variable that was asked."""

    def run(self) -> Check:
        tree = self._resolve(self.draft.tree, ())
        try:
            self.settings = Settings.model_validate(tree)
        except ValidationError as error:
            self._problems += [self._sentence(one) for one in error.errors(include_url=False)]
        self._check_across_fields()
        if self._problems:
            raise SettingsError("\n".join(self._problems))
        self._disable_keyless_providers()
        return self

    def _resolve(self, node: Any, path: tuple[str | int, ...]) -> Any:
        """The same with references read and empty or unset secrets left out."""
        if isinstance(node, dict):
            pairs = ((key, self._resolve(value, (*path, key))) for key, value in node.items())
            return {key: value for key, value in pairs if value is not None}
        if isinstance(node, list):
            return [self._resolve(value, (*path, at)) for at, value in enumerate(node)]
        value = self._referenced(node, path) if sentences.is_reference(node) else node
        return None if value == "" and path[-1] in sentences.SECRET_KEYS else value

    def _referenced(self, reference: str, path: tuple[str | int, ...]) -> str | None:
        name = reference.removeprefix("env:")
        value = self.environ.get(name) or None
        if value is None:
            match path:
                case ("server", "master_key"):
                    pass
                case ("providers", int(position), "api_key") | ("providers", int(position), "options", _):
                    self._keyless[position] = name
                case _:
                    self._report(path, f"the environment variable {name} is not set")
                    # An empty text keeps "is missing" from being said about the same key.
                    return ""
        return value

    def _sentence(self, error: Any) -> str:
        path = sentences.setting_path(error)
        return sentences.from_pydantic(error, self.draft.source(path), self.draft.at(path))

    def _report(self, path: sentences.Path, expected: str) -> None:
        self._problems.append(sentences.problem(self.draft.source(path), path, self.draft.at(path), expected))

    def _check_across_fields(self) -> None:
        settings = self.settings
        if not _is_time_zone(settings.server.timezone):
            self._report(("server", "timezone"), 'expected a time zone such as "Europe/Berlin"')
        if settings.storage.url != "embedded" and urlsplit(settings.storage.url).scheme not in STORAGE_SCHEMES:
            self._report(("storage", "url"), f'expected "embedded" or a URL of {", ".join(STORAGE_SCHEMES)}')
        if settings.storage.encrypt and settings.storage.url != "embedded" and settings.storage.encryption_key is None:
            sources = '"env:NAME", "file:/path" or "keyring:NAME"'
            expected = f"expected {sources}, the same on each node: what one encrypts the others read"
            self._report(("storage", "encryption_key"), expected)
        for position, provider in enumerate(settings.providers):
            if provider.base_url and urlsplit(provider.base_url).scheme not in ("http", "https"):
                self._report(("providers", position, "base_url"), "expected a URL of http or https")
        self._refuse_repeated("providers", "name", [provider.name for provider in settings.providers])
        self._refuse_repeated("models", "name", [model.name for model in settings.models])
        self._refuse_repeated("budgets", "scope", [f"{one.scope}, {one.window}" for one in settings.budgets])

    def _refuse_repeated(self, section: str, key: str, identities: list[str]) -> None:
        for position, identity in enumerate(identities):
            if (first := identities.index(identity)) < position:
                self._report((section, position, key), f"{section}[{first}] has it already ({identity})")

    def _disable_keyless_providers(self) -> None:
        for position, variable in self._keyless.items():
            provider = self.settings.providers[position]
            source = self.draft.source(("providers", position))
            self.disabled[provider.name] = (
                f"{source}: the provider {provider.name} is disabled, for {variable} is not set in the environment"
            )
        providers = self.settings.providers
        enabled = [position for position in range(len(providers)) if position not in self._keyless]
        self.settings = self.settings.model_copy(update={"providers": tuple(providers[at] for at in enabled)})
        # The draft loses them too, for positions in it name the origins of what is left.
        written = self.draft.tree.get("providers", [])
        self.draft.tree["providers"] = [written[at] for at in enabled]


def _is_time_zone(name: str) -> bool:
    """UTC needs no time zone database, which a slim container may lack."""
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
