"""api.openai.com and every server that speaks its protocols."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from yarl import URL

from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from ..settings import ProviderSettings
from .forms import form_bytes
from .provider_http import HttpTransport, api_key, endpoints

OPENAI_BASE = "https://api.openai.com/v1"

_PATHS: Mapping[DialectName, str] = MappingProxyType(
    {
        "chat": "/chat/completions",
        "responses": "/responses",
        "stored_responses": "/responses",
        "embeddings": "/embeddings",
        "completions": "/completions",
        "passed": "",
        "filed": "",
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
        if call.dialect in ("passed", "filed"):
            return await self._pass_on(url, call)
        return await self._http.send(url, to_json(call.body), self._headers(call))

    async def _ask_for_stored(self, url: URL, call: Call) -> Answer:
        """A request without a body: the call's says what to do with which."""
        stored = (url / call.body["path"]).with_query(call.body["query"])
        return await self._http.send(stored, None, self._headers(call), method=call.body["method"])

    async def _pass_on(self, base: URL, call: Call) -> Answer:
        """A request whose body, if any, stands in the call's as `json` or `form`."""
        asked, headers = call.body, self._headers(call)
        url = base.with_path(base.path.rstrip("/") + asked["path"]).with_query(asked["query"])
        body: bytes | None = None
        if "json" in asked:
            body = to_json(asked["json"])
        elif call.upload is not None:
            body = form_bytes(asked["form"], call.upload)
            headers["content-type"] = f'multipart/form-data; boundary="{call.upload.boundary}"'
        return await self._http.send(url, body, headers, method=asked["method"])

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
