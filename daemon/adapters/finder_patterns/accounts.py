"""Bank accounts and wallets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...exchange import Span
from .checksums import is_base58_address, is_bech32, is_private_key_base58, is_ripple_address, mod_97_is_one
from .page import Page, is_word_char, words

# The registry of SWIFT, release 99: lengths by country.
_IBAN_LENGTHS = {
    **dict.fromkeys(["NO"], 15),
    **dict.fromkeys(["BE"], 16),
    **dict.fromkeys(["DK", "FI", "FK", "FO", "GL", "NL", "SD"], 18),
    **dict.fromkeys(["MK", "SI"], 19),
    **dict.fromkeys(["AT", "BA", "EE", "KZ", "LT", "LU", "MN", "XK"], 20),
    **dict.fromkeys(["CH", "HR", "LI", "LV"], 21),
    **dict.fromkeys(["BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS", "VA"], 22),
    **dict.fromkeys(["AE", "GI", "IL", "IQ", "OM", "SO", "TL"], 23),
    **dict.fromkeys(["AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN", "VG"], 24),
    **dict.fromkeys(["LY", "PT", "ST"], 25),
    **dict.fromkeys(["IS", "TR"], 26),
    **dict.fromkeys(["BI", "DJ", "FR", "GR", "IT", "MC", "MR", "SM"], 27),
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


# Of letters and digits, as long as an address or a key can be.
_LONG_WORD = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{25,120}+(?![0-9A-Za-z])")
_SHORTEST_WALLET = 25
_ETHEREUM = re.compile(r"0[xX](?!0{40})[0-9a-fA-F]{40}")
_MONERO = re.compile(r"[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}")
_BECH32_PREFIX = re.compile(r"(bc|tb|ltc|addr|stake|cosmos|osmo|celestia|bnb)1", re.IGNORECASE)
# Its addresses have no check sum.
_SOLANA = re.compile(r"[1-9A-HJ-NP-Za-km-z]{43,44}")
_SOLANA_WORDS = words("sol solana phantom spl")


def find_wallets(page: Page) -> Iterator[Span]:
    """Addresses with a right check sum (Bitcoin and all that took over its forms, Ripple, Cardano), and Ethereum's and
    Monero's by their form; a private key with its check sum is a SECRET."""
    if page.longest_word < _SHORTEST_WALLET:
        return
    for match in _LONG_WORD.finditer(page.text):
        word = match[0]
        if _is_wallet(word) or (_SOLANA.fullmatch(word) and page.has_near(*match.span(), _SOLANA_WORDS)):
            yield Span(*match.span(), "CRYPTO", 0.95)
        elif is_private_key_base58(word):
            yield Span(*match.span(), "SECRET", 0.99)


def _is_wallet(word: str) -> bool:
    if word[:2] in ("0x", "0X"):
        return _ETHEREUM.fullmatch(word) is not None
    if prefix := _BECH32_PREFIX.match(word):
        return is_bech32(prefix[1].lower(), word[prefix.end() :])
    if len(word) == 95:
        return _MONERO.fullmatch(word) is not None
    return len(word) <= 35 and (is_base58_address(word) or (word[0] == "r" and is_ripple_address(word)))
