"""api.anthropic.com and every server that speaks its messages."""

from __future__ import annotations

from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from ..settings import ProviderSettings
from .provider_http import HttpTransport, api_key, endpoint

_DEFAULT_BASE = "https://api.anthropic.com"

_DEFAULT_VERSION = "2023-06-01"

_OAUTH_PREFIX = "sk-ant-oat"
"""How the access tokens of a subscription begin; they are refused as `x-api-key`."""


class AnthropicProvider:
    """Asks `<base_url>/v1/messages`; the provider's key goes before the caller's credential."""

    speaks: frozenset[DialectName] = frozenset({"messages"})

    def __init__(self, settings: ProviderSettings) -> None:
        """
        Raises:
            SettingsError: `base_url` or `api_key` cannot be used.
        """
        self._url = endpoint(settings, _DEFAULT_BASE, "/v1/messages")
        self._api_key = api_key(settings)
        self._http = HttpTransport(settings)

    async def ask(self, call: Call) -> Answer:
        return await self._http.post(self._url, to_json(call.body), self._headers(call), stream=call.stream)

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
