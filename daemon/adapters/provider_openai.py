"""api.openai.com and every server that speaks its chat completions."""

from __future__ import annotations

from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from ..settings import ProviderSettings
from .provider_http import HttpTransport, api_key, endpoint

_DEFAULT_BASE = "https://api.openai.com/v1"


class OpenAiProvider:
    """Asks `<base_url>/chat/completions`; the provider's key goes before the caller's credential."""

    speaks: frozenset[DialectName] = frozenset({"chat"})

    def __init__(self, settings: ProviderSettings) -> None:
        """
        Raises:
            SettingsError: `base_url` or `api_key` cannot be used.
        """
        self._url = endpoint(settings, _DEFAULT_BASE, "/chat/completions")
        self._api_key = api_key(settings)
        self._http = HttpTransport(settings)

    async def ask(self, call: Call) -> Answer:
        return await self._http.post(self._url, to_json(call.body), self._headers(call), stream=call.stream)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {**call.headers, "content-type": "application/json", "accept-encoding": "identity"}
        if credential := self._api_key or call.credential:
            headers["authorization"] = f"Bearer {credential}"
        return headers
