"""How a call travels to a provider over HTTP: one pool of connections, and aiohttp's errors put into Helix's words.

Shared by the adapters whose provider is a server; each of them only says where and with which headers.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from ..errors import SettingsError, UpstreamFailed, UpstreamTimeout
from ..exchange import Answer, DialectName
from ..settings import ProviderSettings

_STAYS_WITH_ITS_CONNECTION = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Answer headers that speak of one connection, or of bytes as they were before decoding; and cookies."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# The first class that fits says what happened, so the narrow ones stand first. aiohttp's own words are
# left out: they may hold a URL, a header or a piece of an answer.
_FAILURES: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its host name could not be resolved"),
    (aiohttp.ClientProxyConnectionError, "the proxy could not be reached"),
    (aiohttp.ClientHttpProxyError, "the proxy refused the connection"),
    (aiohttp.ServerFingerprintMismatch, "its TLS certificate is not the one expected"),
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not trusted"),
    (aiohttp.ClientSSLError, "no TLS connection could be made"),
    (aiohttp.ClientConnectorError, "it could not be reached"),
    (aiohttp.ClientPayloadError, "its answer broke off or cannot be decoded"),
    (aiohttp.ClientConnectionError, "the connection broke"),
    (aiohttp.ClientResponseError, "what it sent is not HTTP that can be read"),
    (aiohttp.InvalidURL, "its address cannot be used"),
    (aiohttp.NonHttpUrlClientError, "its address cannot be used"),
    (aiohttp.RedirectClientError, "it redirected the call"),
    (aiohttp.UploadAbortedError, "the request was not sent whole"),
    (OSError, "the connection broke"),
    (ValueError, "the request holds a header that cannot be sent"),
)


def failure(provider: str, error: BaseException) -> UpstreamFailed:
    """What an error of aiohttp means, in a sentence that holds nothing of the request or the answer."""
    if isinstance(error, TimeoutError):
        return UpstreamTimeout(f"provider {provider} did not answer in time")
    for kind, sentence in _FAILURES:
        if isinstance(error, kind):
            return UpstreamFailed(f"provider {provider}: {sentence}")
    return UpstreamFailed(f"provider {provider}: the call failed")


def endpoints(
    settings: ProviderSettings, default_base: str, paths: Mapping[DialectName, str]
) -> Mapping[DialectName, URL]:
    """The URL that calls of each dialect go to.

    Raises:
        SettingsError: `base_url` is no http(s) URL, or holds a credential.
    """
    return {dialect: _endpoint(settings, default_base, path) for dialect, path in paths.items()}


def _endpoint(settings: ProviderSettings, default_base: str, path: str) -> URL:
    base = (settings.base_url or default_base).rstrip("/")
    try:
        url = URL(base + path)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.user or url.password or url.query_string:
        raise SettingsError(
            f"providers.{settings.name}.base_url: expected http:// or https://, a host and a path; "
            "a credential belongs in api_key"
        )
    return url


def api_key(settings: ProviderSettings) -> str | None:
    """The provider's own key, without the line end that a file or a shell may have left on it.

    Raises:
        SettingsError: it holds characters that cannot stand in a header.
    """
    if settings.api_key is None:
        return None
    key = settings.api_key.get_secret_value().strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"providers.{settings.name}.api_key: expected printable ASCII; copy the key again")
    return key or None


class HttpTransport:
    """A pool of connections to one server, opened by the first call inside the running loop.

    `socket_path` leads to a server on this machine over a unix socket instead of the network.
    """

    def __init__(self, settings: ProviderSettings, *, socket_path: str | None = None) -> None:
        self._provider = settings.name
        self._socket_path = socket_path
        # Only this one is aiohttp's: it would set a new timer for each piece of a stream.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout_s)
        self._first_token_timeout_s = settings.first_token_timeout_s
        self._idle_timeout_s = settings.idle_timeout_s
        self._timeout_s = settings.timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None

    async def send(self, url: URL, body: bytes | None, headers: Mapping[str, str], *, method: str = "POST") -> Answer:
        """Send the request once and return when the answer's headers are there.

        Nothing is sent twice: a call that may have been charged is repeated by whoever knows its price.

        Raises:
            UpstreamFailed: not reached, no HTTP, or a redirect (which would carry the key elsewhere).
            UpstreamTimeout: it did not answer in time.
        """
        session = self._session or self._open(url)
        patience = self._patience()
        try:
            async with asyncio.timeout_at(patience.first_token_by_s):
                response = await session.request(
                    method,
                    url,
                    data=body,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                    proxy=self._proxy,
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise failure(self._provider, error) from None
        if 300 <= response.status < 400:
            response.close()
            raise UpstreamFailed(f"provider {self._provider}: it redirected the call; check its base_url")
        return Answer(response.status, _headers_that_travel(response), _Pieces(self._provider, response, patience))

    def _patience(self) -> _Patience:
        now_s = asyncio.get_running_loop().time()
        ends_s = now_s + self._timeout_s
        return _Patience(min(now_s + self._first_token_timeout_s, ends_s), self._idle_timeout_s, ends_s)

    async def aclose(self) -> None:
        """Close all connections; calls under way fail. A later call opens a new pool."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _open(self, url: URL) -> aiohttp.ClientSession:
        self._proxy = None if self._socket_path else _proxy_for(url)
        # trust_env stays off: it would read the proxy and ~/.netrc in a thread for each call, and a
        # netrc entry would be sent in place of the key.
        self._session = aiohttp.ClientSession(connector=self._connector(), cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _connector(self) -> aiohttp.BaseConnector:
        if self._socket_path is not None:
            return aiohttp.UnixConnector(self._socket_path, limit=1024)
        return aiohttp.TCPConnector(limit=1024, ttl_dns_cache=60)


@dataclass(frozen=True, slots=True)
class _Patience:
    """Until when one call is waited for, by the loop's clock."""

    first_token_by_s: float
    idle_s: float
    """Between two pieces."""
    ends_s: float


class _Pieces(AsyncGenerator[bytes, None]):
    """An answer's body as it comes.

    A class, since `aclose` of a generator that was never started runs none of it, and the connection
    would stay with an answer that nobody reads.
    """

    __slots__ = (
        "_content",
        "_ended",
        "_has_begun",
        "_loop",
        "_patience",
        "_provider",
        "_response",
        "_silent_until_s",
        "_watch",
    )

    def __init__(self, provider: str, response: aiohttp.ClientResponse, patience: _Patience) -> None:
        self._provider = provider
        self._response = response
        self._content = response.content
        self._ended = False
        self._has_begun = False
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._silent_until_s = patience.first_token_by_s
        self._watch = self._look_again(self._loop.time())

    async def __anext__(self) -> bytes:
        if self._ended:
            raise StopAsyncIteration
        if self._has_begun:
            self._silent_until_s = self._loop.time() + self._patience.idle_s
        try:
            piece = await self._content.readany()
        except (aiohttp.ClientError, OSError) as error:
            await self.aclose()
            raise failure(self._provider, error) from None
        if not piece:
            await self.aclose()
            raise StopAsyncIteration
        self._has_begun = True
        self._silent_until_s = math.inf
        return piece

    async def asend(self, _value: None) -> bytes:
        return await self.__anext__()

    async def athrow(self, *error: Any) -> bytes:
        await self.aclose()
        return await super().athrow(*error)

    async def aclose(self) -> None:
        """End the call: the connection of an answer that was not read to its end is closed."""
        self._ended = True
        self._watch.cancel()
        self._response.close()

    def _look(self) -> None:
        """Give up a read that has waited for too long. One timer looks now and then: a new one for each piece is dear.
        While nobody reads, the silence is not the provider's."""
        now_s = self._loop.time()
        if now_s >= self._waits_until_s():
            self._content.set_exception(TimeoutError())
        else:
            self._watch = self._look_again(now_s)

    def _look_again(self, now_s: float) -> asyncio.TimerHandle:
        """In time for a wait that begins from now on as well."""
        return self._loop.call_at(min(self._waits_until_s(), now_s + self._patience.idle_s), self._look)

    def _waits_until_s(self) -> float:
        return min(self._silent_until_s, self._patience.ends_s)


def _headers_that_travel(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The answer's headers in lower case; one that could not be sent on (control bytes) is left out."""
    named = response.headers.get("connection", "").lower().replace(" ", "").split(",")
    headers: dict[str, str] = {}
    for original, value in response.headers.items():
        name = original.lower()
        if name in _STAYS_WITH_ITS_CONNECTION or name in named or not value.isprintable():
            continue
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _proxy_for(url: URL) -> str | None:
    """The proxy that the environment names for this URL; never one for this machine."""
    host = url.host or ""
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    return getproxies().get(url.scheme)
