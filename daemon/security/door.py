"""The door: which requests may come in at all, judged by their headers alone.

A web page that the owner happens to visit can send requests to loopback. It cannot hide its `Origin`,
it cannot choose `Host` freely (DNS rebinding shows the page's own name), and without CORS it cannot
send `application/json`. So these three together keep pages from spending the owner's money.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

from ..errors import BadRequest, Forbidden
from ..settings import ServerSettings

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "ip6-localhost"})


def is_loopback(host: str) -> bool:
    """Whether binding to `host` can be reached from this machine only."""
    if host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(host_header: str) -> str:
    """The name in a `Host` header, without port and brackets, lower case."""
    if host_header.startswith("["):
        return host_header[1:].partition("]")[0].lower()
    return host_header.partition(":")[0].lower()


class Door:
    """Checks headers; keeps the `Host` values that passed, since clients send the same one again and again."""

    def __init__(self, settings: ServerSettings) -> None:
        self._names = LOOPBACK_NAMES | {
            settings.host.lower(),
            socket.gethostname().lower(),
            *(name.lower() for name in settings.allowed_hosts),
        }
        self._any_address = not is_loopback(settings.host)
        self._origins = frozenset(settings.allowed_origins)
        self._passed: set[str] = set()

    def check(self, headers: Mapping[str, str]) -> None:
        """Raise Forbidden for a request that another site's page, or another site's name, sends here."""
        host = headers.get("Host", "")
        if host not in self._passed:
            self._check_host(host)
        origin = headers.get("Origin")
        if origin is not None and origin not in self._origins:
            raise Forbidden("requests from web pages are refused; server.allowed_origins can name exceptions")
        if origin is None and headers.get("Sec-Fetch-Site") == "cross-site":
            raise Forbidden("cross-site requests are refused")

    def check_json(self, content_type: str) -> None:
        """Raise BadRequest unless the body is declared as JSON: a form post needs no CORS, JSON does."""
        if content_type != "application/json":
            raise BadRequest("the body must be sent as content-type: application/json")

    def _check_host(self, host: str) -> None:
        name = host_name(host)
        if name not in self._names and not self._is_own_address(name):
            raise Forbidden("the Host header names no machine that answers here; server.allowed_hosts can add one")
        if len(self._passed) < 64:  # ports differ, names do not: a hostile client must not grow this
            self._passed.add(host)

    def _is_own_address(self, name: str) -> bool:
        """An address cannot be rebound, so where the daemon listens beyond loopback any address will do."""
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return self._any_address or address.is_loopback
