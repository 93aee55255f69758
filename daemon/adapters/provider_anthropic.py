"""api.anthropic.com and every server that speaks its messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from ..settings import ProviderSettings
from .provider_http import HttpTransport, api_key, endpoints

ANTHROPIC_BASE = "https://api.anthropic.com"

_PATHS: Mapping[DialectName, str] = MappingProxyType(
    {"messages": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"}
)

_DEFAULT_VERSION = "2023-06-01"

_OAUTH_PREFIX = "sk-ant-oat"
"""How the access tokens of a subscription begin; they are refused as `x-api-key`."""


class AnthropicProvider:
    """Asks `<base_url>/v1/messages` and the like; the provider's key goes before the caller's credential."""

    speaks: frozenset[DialectName] = frozenset(_PATHS)

    def __init__(self, settings: ProviderSettings) -> None:
        """
        Raises:
            SettingsError: `base_url` or `api_key` cannot be used.
        """
        self._urls = endpoints(settings, ANTHROPIC_BASE, _PATHS)
        self._api_key = api_key(settings)
        self._http = HttpTransport(settings)

    async def ask(self, call: Call) -> Answer:
        url, body = self._urls[call.dialect], to_json(call.body)
        return await self._http.send(url, body, self._headers(call))

    async def aclose(self) -> None:
        await self._http.aclose()

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {
            "anthropic-version": _DEFAULT_VERSION,
            **call.headers,
            "content-type": "application/json",
            "accept-encoding": "identity",
        }
        credential = self._api_key or call.credential
        if credential is None:
            return headers
        if credential.startswith(_OAUTH_PREFIX):
            headers["authorization"] = f"Bearer {credential}"
        else:
            headers["x-api-key"] = credential
        return headers
