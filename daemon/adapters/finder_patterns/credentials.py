"""Secrets: keys whose form their issuer made known, private keys, passwords in URLs and assignments."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from ...exchange import Span
from .page import Page, is_word_char, positions

_TYPE = "SECRET"

_ISSUED: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (prefix, re.compile(form, re.ASCII))
    for prefix, form in (
        ("sk-", r"sk-(?:ant-|proj-|svcacct-|admin-|or-v1-|live-|test-)?(?=[\w-]{0,200}[0-9])[\w-]{16,200}"),
        ("AKIA", r"AKIA[A-Z0-9]{16}"),
        ("ASIA", r"ASIA[A-Z0-9]{16}"),
        ("ghp_", r"ghp_\w{20,255}"),
        ("gho_", r"gho_\w{20,255}"),
        ("ghu_", r"ghu_\w{20,255}"),
        ("ghs_", r"ghs_\w{20,255}"),
        ("ghr_", r"ghr_\w{20,255}"),
        ("github_pat_", r"github_pat_\w{22,255}"),
        ("glpat-", r"glpat-[\w-]{20,255}"),
        ("xox", r"xox[abeoprs]-[\w-]{10,255}"),
        ("xapp-", r"xapp-[\w-]{20,255}"),
        ("k_live_", r"[spr]k_live_\w{10,255}"),
        ("k_test_", r"[spr]k_test_\w{10,255}"),
        ("whsec_", r"whsec_\w{16,255}"),
        ("AIza", r"AIza[\w-]{35}"),
        ("ya29.", r"ya29\.[\w-]{20,255}"),
        ("hf_", r"hf_[A-Za-z0-9]{20,255}"),
        ("npm_", r"npm_[A-Za-z0-9]{36}"),
        ("pypi-AgE", r"pypi-AgE[\w-]{20,400}"),
        ("dop_v1_", r"dop_v1_[a-f0-9]{64}"),
        ("SG.", r"SG\.[\w-]{16,64}\.[\w-]{16,64}"),
        ("gsk_", r"gsk_[A-Za-z0-9]{20,255}"),
        ("xai-", r"xai-[A-Za-z0-9]{20,255}"),
        ("r8_", r"r8_[A-Za-z0-9]{30,64}"),
        ("pplx-", r"pplx-[A-Za-z0-9]{20,255}"),
        ("shpat_", r"shpat_[a-fA-F0-9]{32}"),
        ("hx-", r"hx-[\w-]{20,255}"),
        ("hooks.slack.com/services/", r"hooks\.slack\.com/services/[\w/]{20,255}"),
        ("eyJ", r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{8,4000}"),
    )
)
# Stripe's publishable keys begin with p; the prefix searched for stands behind the first letter.
_STARTS_ONE_EARLIER = frozenset({"k_live_", "k_test_"})


def find_secrets(page: Page) -> Iterator[Span]:
    yield from _find_issued(page.text)
    yield from _find_private_keys(page.text)
    yield from _find_url_passwords(page.text)
    yield from _find_assigned(page)


def _find_issued(text: str) -> Iterator[Span]:
    """Keys and tokens that say by their beginning who issued them."""
    for prefix, form in _ISSUED:
        for at in positions(text, prefix):
            start = at - 1 if prefix in _STARTS_ONE_EARLIER and at else at
            if _is_inside_word(text, start):
                continue
            if match := form.match(text, start):
                yield Span(start, match.end(), _TYPE, 0.99)


def _is_inside_word(text: str, start: int) -> bool:
    before = text[max(0, start - 1) : start]
    return is_word_char(before) or before == "-"


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


_LOGIN = re.compile(r"://([^\s/@:\"'<>{}$]{0,128}):([^\s/@\"'<>{}$*\[\]]{1,256})@(?=[\w\[])")


def _find_url_passwords(text: str) -> Iterator[Span]:
    """The password of `scheme://user:password@host`."""
    for at in positions(text, "://"):
        if match := _LOGIN.match(text, at):
            yield Span(*match.span(2), _TYPE, 0.95)


_PASSWORD_WORDS = ("passw", "passphrase", "pwd", "passcode")
_TOKEN_WORDS = (
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "api key",
    "access_key",
    "access key",
    "accountkey",
    "account_key",
    "private_key",
    "encryption_key",
    "signing_key",
    "bearer",
    "credential",
)
_SIGNATURE_WORDS = ("signature=", "sig=")
# From the word on: the rest of the name, a sign of assignment.
_IS = r"[\w.-]{0,32}[\"'`\]]{0,2}(?:\s{0,3}(?::=|=>|=|:)\s{0,3}|\s{1,2}(?:is|ist|es|est)\s{1,2}:?"
_QUOTE = r"(?:[Bb]earer |[Bb]asic )?(?P<quote>[\"'`]?)"
_PASSWORD_ASSIGNMENT = re.compile(rf"{_IS}){_QUOTE}(?P<value>[^\s\"'`,;<>(){{}}\[\]]{{6,512}})")
# A blank is enough behind `Bearer`; and it ends at "&", which parts the fields of a URL's query.
_TOKEN_ASSIGNMENT = re.compile(rf"{_IS}|\s){_QUOTE}(?P<value>[^\s\"'`,;<>(){{}}\[\]&]{{6,512}})")
_SIGNATURE_ASSIGNMENT = re.compile(r"(?P<quote>)(?P<value>[^\s\"'`&#<>]{12,512})")
_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
_LETTERS_AND_DIGITS = re.compile(r"[A-Za-z0-9+/=]+")
_STRONG_SYMBOLS = frozenset("!@#$%^&*+?~")


def _find_assigned(page: Page) -> Iterator[Span]:
    """Values that are given to something called a password, a token, a key."""
    for words, assignment, is_secret in (
        (_PASSWORD_WORDS, _PASSWORD_ASSIGNMENT, _looks_like_password),
        (_TOKEN_WORDS, _TOKEN_ASSIGNMENT, _looks_random),
        (_SIGNATURE_WORDS, _SIGNATURE_ASSIGNMENT, _looks_random),
    ):
        for word in words:
            for at in positions(page.lower, word):
                match = assignment.match(page.text, at + len(word))
                if match and is_secret(value := _trimmed(match)) and not _is_code(page.text, match):
                    yield Span(match.start("value"), match.start("value") + len(value), _TYPE, 0.85)


def _trimmed(match: re.Match[str]) -> str:
    """The value without the punctuation that ends a sentence; in quotes it stands as it is."""
    value = match["value"]
    return value if match["quote"] else value.rstrip(".:?!")


def _is_code(text: str, match: re.Match[str]) -> bool:
    """Whether the value is an expression (`self.token2.text`, `get1(`, `${X}`) and not a literal."""
    value = match["value"]
    return (
        text[match.end() : match.end() + 1] in ("(", "[", "{")
        or value.startswith(("$", "%", "@", "/", "./", "http://", "https://"))
        or (not match["quote"] and _ATTRIBUTE.fullmatch(value) is not None)
    )


def _looks_like_password(value: str) -> bool:
    """Letters and digits, or one of the symbols that people put into passwords; not all one character."""
    kinds = (any(map(str.isalpha, value)), any(map(str.isdigit, value)), not _STRONG_SYMBOLS.isdisjoint(value))
    return sum(kinds) >= 2 and len(set(value)) > 3


def _looks_random(value: str) -> bool:
    """A long run of letters and digits mixed, with much to tell per character.

    A name of a model, a date or a path has its letters and digits in shorter runs. Random
    hexadecimal of 12 characters has 2.8 bits a character or more, nearly always.
    """
    longest = max(_LETTERS_AND_DIGITS.findall(value), key=len, default="")
    digits = sum(map(str.isdigit, longest))
    is_mixed = digits >= 2 or (digits == 1 and len(longest) >= 16 and longest.lower() != longest)
    return len(longest) >= 10 and is_mixed and any(map(str.isalpha, longest)) and _bits_per_character(longest) >= 2.8


def _bits_per_character(text: str) -> float:
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())
