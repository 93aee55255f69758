"""Bank accounts and wallets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...exchange import Span
from .checksums import is_bitcoin_base58, is_bitcoin_bech32, mod_97_is_one
from .page import Page, is_word_char

# The registry of SWIFT, release 99: lengths by country.
_IBAN_LENGTHS = {
    **dict.fromkeys(["NO"], 15),
    **dict.fromkeys(["BE", "BI"], 16),
    **dict.fromkeys(["DK", "FI", "FK", "FO", "GL", "NL", "SD"], 18),
    **dict.fromkeys(["MK", "SI"], 19),
    **dict.fromkeys(["AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"], 20),
    **dict.fromkeys(["CH", "CR", "HR", "LI", "LV"], 21),
    **dict.fromkeys(["BG", "BH", "DE", "GB", "GE", "IE", "ME", "RS", "VA"], 22),
    **dict.fromkeys(["AE", "GI", "IL", "IQ", "OM", "SO", "TL"], 23),
    **dict.fromkeys(["AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"], 24),
    **dict.fromkeys(["LY", "PT", "ST"], 25),
    **dict.fromkeys(["IS", "TR"], 26),
    **dict.fromkeys(["DJ", "FR", "GR", "IT", "MC", "MR", "SM"], 27),
    **dict.fromkeys(["AL", "AZ", "BY", "CY", "DO", "GT", "HN", "HU", "LB", "NI", "PL", "SV"], 28),
    **dict.fromkeys(["BR", "EG", "PS", "QA", "UA"], 29),
    **dict.fromkeys(["JO", "KW", "MU", "YE"], 30),
    **dict.fromkeys(["MT", "SC"], 31),
    **dict.fromkeys(["LC"], 32),
    **dict.fromkeys(["RU"], 33),
}
_IBAN_START = re.compile(r"[A-Za-z]{2}[0-9]{2}")
_SEPARATORS = " \u00a0-"
_WITHOUT_SEPARATORS = str.maketrans("", "", _SEPARATORS)


def find_ibans(page: Page) -> Iterator[Span]:
    """IBANs, written in one piece or in groups, of the length their country has."""
    for start, _ in page.numbers:
        if _IBAN_START.match(page.text, start):
            end = _iban_end(page.text, start)
            if end is not None:
                yield Span(start, end, "IBAN_CODE", 0.99)


def _iban_end(text: str, start: int) -> int | None:
    end = _skip(text, start, _IBAN_LENGTHS.get(text[start : start + 2].upper(), 0))
    if end == start or is_word_char(text[end : end + 1]):
        return None
    return end if mod_97_is_one(text[start:end].translate(_WITHOUT_SEPARATORS).upper()) else None


def _skip(text: str, start: int, count: int) -> int:
    """Behind the next `count` ASCII letters and digits, with single separators; `start` when there are fewer."""
    end = start
    while count:
        if text[end : end + 1] in tuple(_SEPARATORS):
            end += 1
        if not (text[end : end + 1].isascii() and text[end : end + 1].isalnum()):
            return start
        end, count = end + 1, count - 1
    return end


_ETHEREUM = re.compile(r"0[xX](?!0{40})[0-9a-fA-F]{40}")


def find_wallets(page: Page) -> Iterator[Span]:
    """Bitcoin addresses with a right check sum, and Ethereum's by their form."""
    for start, end in page.numbers:
        if 26 <= end - start <= 90 and _is_wallet(page.text[start:end]):
            yield Span(start, end, "CRYPTO", 0.95)


def _is_wallet(word: str) -> bool:
    if word[0] in "13" and len(word) <= 35:
        return is_bitcoin_base58(word)
    if word[:3].lower() == "bc1":
        return is_bitcoin_bech32(word)
    return _ETHEREUM.fullmatch(word) is not None
