"""Secrets: keys whose form their issuer made known, private keys, passwords in URLs, headers and assignments."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator

from ...exchange import Span
from .assigned_secrets import find_assigned_secrets
from .command_lines import find_in_command_lines
from .issued_keys import SHORTEST, find_issued_keys
from .page import Page, positions
from .randomness import looks_random

_TYPE = "SECRET"


def find_secrets(page: Page) -> Iterator[Span]:
    if page.longest_word >= SHORTEST:
        for start, end in find_issued_keys(page.text):
            yield Span(start, end, _TYPE, 0.99)
    yield from _find_private_keys(page.text)
    yield from _find_url_passwords(page.text)
    yield from _find_basic_logins(page)
    yield from _find_cookies(page)
    for start, end in (*find_assigned_secrets(page), *find_in_command_lines(page)):
        yield Span(start, end, _TYPE, 0.85)


_BEGIN = "-----BEGIN "
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,-]*")


def _find_private_keys(text: str) -> Iterator[Span]:
    """Whole PEM blocks; of one that is cut, all that is there."""
    reached = 0
    for at in positions(text, _BEGIN):
        head = _PRIVATE_KEY.match(text, at)
        if head and at >= reached:
            foot = head[0].replace("BEGIN", "END")
            end = text.find(foot, head.end())
            reached = end + len(foot) if end >= 0 else _KEY_BODY.match(text, head.end()).end()  # type: ignore[union-attr]
            yield Span(at, reached, _TYPE, 0.99)


# Up to the last `@` before the path: passwords hold some that should have been escaped.
_LOGIN = re.compile(r"://([^\s/@:\"'<>{}$]{0,128}):((?!\*+@)(?:[^\s/\"'<>{}$\[\]]|\$(?![{(A-Z])){1,256})@(?=[\w\[])")
_ORACLE_LOGIN = re.compile(r"jdbc:oracle:\w{3,5}:\w{1,64}/([^\s/\"'@${}<>]{3,128})@")


def _find_url_passwords(text: str) -> Iterator[Span]:
    """The password of `scheme://user:password@host`."""
    for at in positions(text, "://"):
        if match := _LOGIN.match(text, at):
            yield Span(*match.span(2), _TYPE, 0.95)
    for at in positions(text, "jdbc:oracle:"):
        if match := _ORACLE_LOGIN.match(text, at):
            yield Span(*match.span(1), _TYPE, 0.95)


_COOKIE = "cookie:"
_COOKIE_VALUE = re.compile(r"[\w.-]{1,64}=([^\s;,\"'\\]{16,4096})")


def _find_cookies(page: Page) -> Iterator[Span]:
    """Random values in the headers `Cookie` and `Set-Cookie`: whoever has one is logged in."""
    reached = 0
    for at in positions(page.lower, _COOKIE):
        if at < reached:
            continue
        reached = page.text.find("\n", at) + 1 or len(page.text)
        for match in _COOKIE_VALUE.finditer(page.text, at, reached):
            if looks_random(match[1]):
                yield Span(*match.span(1), _TYPE, 0.9)


_BASIC = "basic "
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,512}={0,2}(?![A-Za-z0-9+/=])")


def _find_basic_logins(page: Page) -> Iterator[Span]:
    """What stands behind `Authorization: Basic`: user and password, in Base64."""
    for at in positions(page.lower, _BASIC):
        match = _BASE64.match(page.text, at + len(_BASIC))
        if match and _is_login(match[0]):
            yield Span(*match.span(), _TYPE, 0.95)


def _is_login(value: str) -> bool:
    try:
        decoded = b64decode(value, validate=True).decode()
    except ValueError:
        return False
    user, colon, password = decoded.partition(":")
    return bool(user and colon and password) and decoded.isprintable()
