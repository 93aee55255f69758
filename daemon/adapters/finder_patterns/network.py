"""Addresses of machines: public IP addresses, and MAC addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ...exchange import Span
from .page import Page, is_word_char, words

_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![A-Za-z0-9_]|\.[0-9])")
_PORT = re.compile(r":[0-9]{2,5}(?![A-Za-z0-9_:.])")
# `chrome/1.2.3.4`, `lib-1.2.3.4`, `>=1.2.3.4`, `v1.2.3.4`; but not `host/`, `ip=`, `root@` or `http://`.
_VERSION_BEFORE = re.compile(
    r"(?:(?:^|[\s(;])(?!(?i:ip|ipv4|addr|host|server|dns|peer|client|whois)/)[A-Za-z]{2,21}/"
    r"|[A-Za-z0-9][-_.]|[=~<>!]= ?|[~^]|\b[vV]|(?i:version|release|build|firmware)[\"'>(]{0,2}(?:: ?| |=)?[\"']?)\Z"
)
# Single digits; or an object identifier, which begins with 0 to 2 and then 0 to 39.
_VERSION_OR_OID = re.compile(r"[0-9](?:\.[0-9]){3}|[0-2]\.[1-3]?[0-9]\.[0-9]+\.[0-9]+")
_IP_WORDS = words("ip ips ipv4 address addr host server dns nameserver resolver ping gateway client peer from")

# Two groups between colons or dashes: the cheapest sign of an IPv6 or MAC address.
_GROUPS = re.compile(r":[0-9A-Fa-f]{0,4}:|-[0-9A-Fa-f]{2}-")
_GROUPED = re.compile(r"[0-9A-Fa-f:.-]*")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:(:[0-9A-Fa-f]{2}){5}|(-[0-9A-Fa-f]{2}){5})")
_DOTTED_GROUP = re.compile(r"\.[0-9A-Fa-f]{4}\.")
_DOTTED_MAC = re.compile(r"(?<![\w.-])[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2}(?![\w-]|\.\w)")
_MAC_WORDS = words("mac macs arp vlan interface ethernet cisco hardware bssid")
_LONGEST = 45
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# RFC 5737: never routed, but in examples they stand for public ones.
_DOCUMENTATION = tuple(ipaddress.ip_network(block) for block in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))


def find_network_addresses(page: Page) -> Iterator[Span]:
    yield from _find_ipv4(page)
    yield from _find_grouped(page.text)
    yield from _find_dotted_mac(page)


def _find_ipv4(page: Page) -> Iterator[Span]:
    """Public addresses; what may as well be a version or an object identifier needs a word near it."""
    for start, _ in page.numbers:
        match = _IPV4.match(page.text, start)
        if match and _is_public_ipv4(match[0]) and not _is_version(page, start, match.end()):
            yield Span(start, match.end(), "IP_ADDRESS", 0.9)


def _is_public_ipv4(text: str) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    is_unicast = address.is_global and not address.is_multicast
    return is_unicast or any(address in block for block in _DOCUMENTATION)


def _is_version(page: Page, start: int, end: int) -> bool:
    if _VERSION_BEFORE.search(page.text[max(0, start - 24) : start]):
        return True
    if not _VERSION_OR_OID.fullmatch(page.text, start, end) or _PORT.match(page.text, end):
        return False
    return not page.has_near(start, end, _IP_WORDS)


def _find_grouped(text: str) -> Iterator[Span]:
    reached = 0
    for sign in _GROUPS.finditer(text):
        if sign.start() < reached:
            continue
        start, end = _around(text, sign.start(), reached)
        reached = max(end, sign.end())
        entity_type = _grouped_type(text[start:end])
        if entity_type and not _is_inside_word(text, start, end):
            yield Span(start, end, entity_type, 0.9)


def _around(text: str, at: int, reached: int) -> tuple[int, int]:
    """The run of hexadecimal groups around `at`, without the punctuation that ends a sentence."""
    start = at
    while start > max(reached, at - 4) and text[start - 1] in "0123456789abcdefABCDEF":
        start -= 1
    run = _GROUPED.match(text, start, start + _LONGEST)
    word = (run[0] if run else "").rstrip(".-")
    if word.endswith(":") and not word.endswith("::"):
        word = word[:-1]
    return start, start + len(word)


def _grouped_type(word: str) -> str | None:
    if _MAC.fullmatch(word):
        return None if len(set(word.lower()) - set(":-")) == 1 else "MAC_ADDRESS"
    try:
        address = ipaddress.IPv6Address(word)
    except ValueError:
        return None
    return "IP_ADDRESS" if address in _GLOBAL_UNICAST else None


def _find_dotted_mac(page: Page) -> Iterator[Span]:
    """As switches write it: `0011.2233.4455`."""
    for group in _DOTTED_GROUP.finditer(page.text):
        match = _DOTTED_MAC.match(page.text, max(0, group.start() - 4))
        if match and _is_dotted_mac(page, match):
            yield Span(*match.span(), "MAC_ADDRESS", 0.85)


def _is_dotted_mac(page: Page, match: re.Match[str]) -> bool:
    """Digits alone, as in a date or a price, need a maker's `00` in front or a word near; letters alone are words."""
    digits = match[0].replace(".", "").lower()
    if len(set(digits)) == 1 or digits.isalpha():
        return False
    return not digits.isdigit() or digits.startswith("00") or page.has_near(*match.span(), _MAC_WORDS)


def _is_inside_word(text: str, start: int, end: int) -> bool:
    around = text[max(0, start - 1) : start] + text[end : end + 1]
    return any(is_word_char(char) or char == "-" for char in around)
