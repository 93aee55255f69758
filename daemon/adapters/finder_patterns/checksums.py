"""Check sums, and cards and accounts known by them. Each takes letters and digits only, ids in upper case."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE_BASE58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def luhn(value: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = sum(int(digit) for digit in value[-1::-2])
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in value[-2::-2])
    return total % 10 == 0


def verhoeff(value: str) -> bool:
    """Verhoeff 1969: products and positions in the dihedral group of order ten."""
    check = 0
    for position, digit in enumerate(reversed(value)):
        check = _dihedral(check, _permuted(position, int(digit)))
    return check == 0


def _dihedral(left: int, right: int) -> int:
    if left < 5:
        return (left + right) % 5 if right < 5 else (left + right) % 5 + 5
    return (left - right) % 5 + 5 if right < 5 else (left - right) % 5


def _permuted(position: int, digit: int) -> int:
    for _ in range(position % 8):
        digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
    return digit


def mod_97_is_one(value: str) -> bool:
    """ISO 7064 MOD 97-10, as in IBAN: the first four characters belong at the end."""
    return int("".join(str(int(char, 36)) for char in value[4:] + value[:4])) % 97 == 1


def weighted(value: str, weights: tuple[int, ...]) -> int:
    """The sum of the leading digits, each times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(value, weights, strict=False))


def is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_CARD = re.compile(
    r"""4\d{12}(?:\d{3}){0,2}                                              # Visa
      | (?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}   # Mastercard
      | 3[47]\d{13}                                                        # American Express
      | 3(?:0[0-5]|09|[689]\d)\d{11}(?:\d{2})?                             # Diners Club
      | 35(?:2[89]|[3-8]\d)\d{12}(?:\d{3})? | (?:2131|1800)\d{11}          # JCB
      | (?:6011|64[4-9]\d|65\d\d|62\d\d|81\d\d)\d{12}(?:\d{3})?            # Discover, UnionPay
      | (?:50|5[6-9]|6\d)\d{10,17}                                         # Maestro
      | 220[0-4]\d{12} | 9792\d{12}                                        # Mir, Troy
    """,
    re.VERBOSE,
)


def is_card(value: str) -> bool:
    """A length and a beginning that some card scheme issues, and Luhn."""
    return _CARD.fullmatch(value) is not None and luhn(value)


def is_article_number(value: str) -> bool:
    """EAN-13 and GTIN-14, by their check digit."""
    return len(value) in (13, 14) and weighted(value[::-1], (1, 3) * 7) % 10 == 0


def is_ean_13(value: str) -> bool:
    return len(value) == 13 and is_article_number(value)


def is_base58_address(value: str) -> bool:
    """Base58Check of a version and a hash: Bitcoin's addresses, and those of Litecoin, Dogecoin, Dash, Tron, ..."""
    return _decoded_base58(value, _BASE58, 25) is not None


def is_ripple_address(value: str) -> bool:
    """The same with an alphabet of its own, in which every address begins with r."""
    return _decoded_base58(value, _RIPPLE_BASE58, 25) is not None


def is_private_key_base58(value: str) -> bool:
    """Bitcoin's wallet import format, and extended private keys (BIP 32)."""
    if value[0] in "5KLc9" and len(value) in (51, 52):
        return any(_decoded_base58(value, _BASE58, size) is not None for size in (37, 38))
    return value[:4] in ("xprv", "yprv", "zprv", "tprv") and len(value) == 111 and not set(value).difference(_BASE58)


def _decoded_base58(value: str, alphabet: str, size: int) -> bytes | None:
    """Without the last four of `size` bytes, which are those of a double SHA-256 of the others; None if not."""
    number = 0
    for char in value:
        digit = alphabet.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    if number.bit_length() > 8 * size:
        return None
    decoded = number.to_bytes(size, "big")
    is_right = sha256(sha256(decoded[:-4]).digest()).digest()[:4] == decoded[-4:]
    return decoded[:-4] if is_right else None


def is_bech32(prefix: str, data: str) -> bool:
    """BIP 173 and BIP 350: what follows the lower-case prefix and its `1`."""
    values = [_BECH32.find(char) for char in data.lower()]
    if -1 in values or data not in {data.lower(), data.upper()}:
        return False
    expanded = [*(ord(char) >> 5 for char in prefix), 0, *(ord(char) & 31 for char in prefix)]
    return _bech32_polymod([*expanded, *values]) in {1, 0x2BC830A3}


def _bech32_polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check
