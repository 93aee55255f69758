"""Check sums of cards, accounts and national ids. Each takes letters and digits only, in upper case."""

from __future__ import annotations

import re
from datetime import date
from hashlib import sha256

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
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


def is_us_ssn(value: str) -> bool:
    """Social Security Administration: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    return value[:3] not in {"000", "666"} and value[0] != "9" and value[3:5] != "00" and value[5:] != "0000"


def is_us_itin(value: str) -> bool:
    """IRS Publication 1915: 9xx and a group of 50-65, 70-88, 90-92 or 94-99."""
    group = int(value[3:5])
    return value[0] == "9" and group >= 50 and not (66 <= group <= 69 or group in {89, 93})


def is_uk_nhs(value: str) -> bool:
    return weighted(value, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 and len(set(value)) > 1


_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]")


def is_uk_nino(value: str) -> bool:
    """No check sum: the letters that HMRC gives out (NIM39110)."""
    return _NINO.fullmatch(value) is not None


def is_es_nif(value: str) -> bool:
    return value[8] == "TRWAGMYFPDXBNJZSQVHLCKE"[int(value[:8]) % 23]


def is_es_nie(value: str) -> bool:
    return value[0] in "XYZ" and is_es_nif(str("XYZ".index(value[0])) + value[1:])


_FISCAL_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23)


def is_it_fiscal_code(value: str) -> bool:
    values = [int(char) if char.isdigit() else ord(char) - 65 for char in value[:15]]
    total = sum(_FISCAL_ODD[number] for number in values[0::2]) + sum(values[1::2])
    return value[15] == chr(65 + total % 26) and value[8] in "ABCDEHLMPRST"


def is_de_tax_id(value: str) -> bool:
    """ISO 7064 MOD 11,10; the first ten digits hold one digit two or three times."""
    product = 10
    for digit in value[:10]:
        product = (((int(digit) + product) % 10 or 10) * 2) % 11
    return value[0] != "0" and 7 < len(set(value[:10])) < 10 and (11 - product) % 10 == int(value[10])


def is_fr_nir(value: str) -> bool:
    return value[0] in "12" and 97 - int(value[:13]) % 97 == int(value[13:])


def is_be_nrn(value: str) -> bool:
    number, check = int(value[:9]), int(value[9:])
    return check in (97 - number % 97, 97 - (2_000_000_000 + number) % 97)


def is_nl_bsn(value: str) -> bool:
    return weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and len(set(value)) > 1


def is_pl_pesel(value: str) -> bool:
    return (
        weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0
        and 1 <= int(value[2:4]) % 20 <= 12
        and 1 <= int(value[4:6]) <= 31
    )


def is_se_personal_number(value: str) -> bool:
    """Ten digits, or twelve with the century; days from 61 on are coordination numbers."""
    short = value[-10:]
    day = int(short[4:6])
    return luhn(short) and 1 <= int(short[2:4]) <= 12 and (1 <= day <= 31 or 61 <= day <= 91)


def is_fi_personal_code(value: str) -> bool:
    """Six digits of the birthday, an optional century letter, three digits, a check character."""
    birthday, serial, check = value[:6], value[-4:-1], value[-1]
    expected = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(birthday + serial) % 31]
    return check == expected and is_date(2000, int(birthday[2:4]), int(birthday[:2]))


def is_br_cpf(value: str) -> bool:
    if len(set(value)) == 1:
        return False
    first = weighted(value[:9], (10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(value[:10], (11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return value[9:] == f"{first}{second}"


def is_au_tfn(value: str) -> bool:
    return weighted(value, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_au_abn(value: str) -> bool:
    return (weighted(value, (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) - 10) % 89 == 0


def is_au_medicare(value: str) -> bool:
    return value[0] in "23456" and weighted(value, (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(value[8])


def is_in_aadhaar(value: str) -> bool:
    return value[0] not in "01" and verhoeff(value)


def is_in_pan(value: str) -> bool:
    """No public check sum: the fourth letter says what kind of holder, P is a person."""
    return value[3] in "ABCFGHJLPT"


def is_sg_nric_fin(value: str) -> bool:
    total = weighted(value[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(value[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "KLJNPQRTUWX"}
    if value[0] not in letters:
        return False
    remainder = total % 11
    return value[8] == letters[value[0]][10 - remainder if value[0] == "M" else remainder]


def is_ca_sin(value: str) -> bool:
    """Those that begin with 0 are the tax office's own, for who has no other; those with 8 belong to businesses."""
    return value[:3] != "000" and value[0] != "8" and luhn(value)


def is_kr_rrn(value: str) -> bool:
    total = weighted(value, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
    return (11 - total % 11) % 10 == int(value[12]) and 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31


def is_cn_resident_id(value: str) -> bool:
    """GB 11643-1999: ISO 7064 MOD 11-2, with the birthday inside."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return value[17] == "10X98765432"[weighted(value, weights) % 11] and is_date(
        int(value[6:10]), int(value[10:12]), int(value[12:14])
    )


def is_ch_ahv(value: str) -> bool:
    """756, and the check digit of EAN-13."""
    return value[:3] == "756" and weighted(value, (1, 3) * 6 + (1,)) % 10 == 0


def is_bitcoin_base58(value: str) -> bool:
    """Base58Check: the last four bytes are those of a double SHA-256."""
    number = 0
    for char in value:
        digit = _BASE58.find(char)
        if digit < 0:
            return False
        number = number * 58 + digit
    if number.bit_length() > 200:  # 25 bytes: version, hash, check
        return False
    decoded = number.to_bytes(25, "big")
    return sha256(sha256(decoded[:21]).digest()).digest()[:4] == decoded[21:]


def is_bitcoin_bech32(value: str) -> bool:
    """BIP 173 and BIP 350, for the prefix `bc`."""
    data = [_BECH32.find(char) for char in value.lower()[3:]]
    if -1 in data or value not in {value.lower(), value.upper()}:
        return False
    # The prefix "bc", expanded: high bits, zero, low bits.
    return _bech32_polymod([3, 3, 0, 2, 3, *data]) in {1, 0x2BC830A3}


def _bech32_polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check
