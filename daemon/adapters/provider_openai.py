"""api.openai.com and every server that speaks its protocols."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from yarl import URL

from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from ..settings import ProviderSettings
from .provider_http import HttpTransport, api_key, endpoints

OPENAI_BASE = "https://api.openai.com/v1"

_PATHS: Mapping[DialectName, str] = MappingProxyType(
    {
        "chat": "/chat/completions",
        "responses": "/responses",
        "stored_responses": "/responses",
        "embeddings": "/embeddings",
        "completions": "/completions",
    }
)


class OpenAiProvider:
    """Asks `<base_url>/chat/completions` and the like; the provider's key goes before the caller's credential."""

    def __init__(self, settings: ProviderSettings) -> None:
        """
        Raises:
            SettingsError: `base_url` or `api_key` cannot be used.
        """
        self._urls = endpoints(settings, OPENAI_BASE, _PATHS)
        self.speaks = frozenset(_PATHS) - _translated(settings)
        self._api_key = api_key(settings)
        self._http = HttpTransport(settings)

    async def ask(self, call: Call) -> Answer:
        url = self._urls[call.dialect]
        if call.dialect == "stored_responses":
            return await self._ask_for_stored(url, call)
        return await self._http.send(url, to_json(call.body), self._headers(call))

    async def _ask_for_stored(self, url: URL, call: Call) -> Answer:
        """A request without a body: the call's says what to do with which."""
        stored = (url / call.body["path"]).with_query(call.body["query"])
        return await self._http.send(stored, None, self._headers(call), method=call.body["method"])

    async def aclose(self) -> None:
        await self._http.aclose()

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {**call.headers, "content-type": "application/json", "accept-encoding": "identity"}
        if credential := self._api_key or call.credential:
            headers["authorization"] = f"Bearer {credential}"
        return headers


def _translated(settings: ProviderSettings) -> frozenset[DialectName]:
    """What a server without responses does not keep either."""
    return frozenset({"responses", "stored_responses"}) if "responses" in settings.translate else frozenset()
