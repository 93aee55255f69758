"""What makes a national id a right one: check sums, dates, letters given out. Letters and digits only, in upper case.

All continents but Europe, whose rules are in ids_of_europe.py.
"""

from __future__ import annotations

import re

from .checksums import is_date, luhn, verhoeff, weighted
from .page import words


def is_us_ssn(value: str) -> bool:
    """Social Security Administration: no area 000, 666 or 9xx, no group 00, no serial 0000."""
    return value[:3] not in {"000", "666"} and value[0] != "9" and value[3:5] != "00" and value[5:] != "0000"


def is_us_itin(value: str) -> bool:
    """IRS Publication 1915: 9xx and a group of 50-65, 70-88, 90-92 or 94-99."""
    group = int(value[3:5])
    return value[0] == "9" and group >= 50 and not (66 <= group <= 69 or group in {89, 93})


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
    # Foreigners' numbers have a check digit that is two more.
    checks = {(11 - total % 11) % 10, (13 - total % 11) % 10}
    return int(value[12]) in checks and 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31


# GB/T 2260: two digits each.
_CN_PROVINCES = words(
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 91"
)


def is_cn_resident_id(value: str) -> bool:
    """GB 11643-1999: ISO 7064 MOD 11-2, with the birthday inside."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return (
        value[:2] in _CN_PROVINCES
        and value[17] == "10X98765432"[weighted(value, weights) % 11]
        and is_date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    )


def is_us_npi(value: str) -> bool:
    """CMS: Luhn behind 80840, the prefix of American health."""
    return value[0] in "12" and luhn("80840" + value)


_MBI = re.compile(r"[1-9]@(?:[0-9]|@)[0-9]@(?:[0-9]|@)[0-9]@@[0-9]{2}".replace("@", "[AC-HJKMNP-RT-Y]"))


def is_us_mbi(value: str) -> bool:
    """No check sum: CMS gives out no S, L, O, I, B and Z."""
    return _MBI.fullmatch(value) is not None


def is_us_dea(value: str) -> bool:
    return (weighted(value[2:], (1, 2, 1, 2, 1, 2))) % 10 == int(value[8])


def is_br_cnpj(value: str) -> bool:
    first = weighted(value[:12], (5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    second = weighted(value[:13], (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10
    return value[12:] == f"{first}{second}" and len(set(value)) > 1


_CURP = re.compile(r"[A-Z][AEIOUX][A-Z]{2}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]")
_CURP_VALUES = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"


def is_mx_curp(value: str) -> bool:
    if not _CURP.fullmatch(value):
        return False
    total = sum(_CURP_VALUES.index(char) * (18 - at) for at, char in enumerate(value[:17]))
    return -total % 10 == int(value[17])


def is_cl_rut(value: str) -> bool:
    total = weighted(value[-2::-1], (2, 3, 4, 5, 6, 7, 2, 3))
    return value[-1] == "0123456789K0"[11 - total % 11]


def is_ar_cuil(value: str) -> bool:
    check = "09987654321"[weighted(value, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11]
    return value[:2] in {"20", "23", "24", "25", "26", "27", "30", "33", "34"} and check == value[10]


def is_za_id(value: str) -> bool:
    return luhn(value) and value[10] in "012" and 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31


def is_ng_nin(value: str) -> bool:
    return verhoeff(value)


def is_il_id(value: str) -> bool:
    return luhn(value) and len(set(value)) > 1


def is_ae_emirates_id(value: str) -> bool:
    return value[:3] == "784" and luhn(value)


def is_th_citizen_id(value: str) -> bool:
    return value[0] != "0" and (11 - weighted(value, (13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2)) % 11) % 10 == int(
        value[12]
    )


def is_jp_my_number(value: str) -> bool:
    rest = weighted(value, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return int(value[11]) == (0 if rest <= 1 else 11 - rest)


def is_tw_id(value: str) -> bool:
    """The letter counts as two digits, from A = 10 on in an order of its own."""
    letter = "ABCDEFGHJKLMNPQRSTUVXYWZIO".index(value[0]) + 10
    total = letter // 10 + letter % 10 * 9 + weighted(value[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))
    return value[1] in "1289" and total % 10 == 0


def is_hk_id(value: str) -> bool:
    """One letter or two; a blank in front of one counts 36, and A is the check digit ten."""
    letters = value[: len(value) - 7]
    first = 36 if len(letters) == 1 else ord(letters[0]) - 55
    total = 9 * first + 8 * (ord(letters[-1]) - 55) + weighted(value[len(letters) : -1], (7, 6, 5, 4, 3, 2))
    return (total + (10 if value[-1] == "A" else int(value[-1]))) % 11 == 0


def is_my_nric(value: str) -> bool:
    """No check sum: a birthday, and a place that is given out."""
    is_place = value[6:8] not in {"00", "17", "18", "19", "20", "69", "70", "73", "80", "81", "94", "95", "96", "97"}
    return is_place and 1 <= int(value[2:4]) <= 12 and 1 <= int(value[4:6]) <= 31


def is_id_nik(value: str) -> bool:
    """No check sum: a province, and a birthday; 40 is added to a woman's day."""
    is_born = 1 <= int(value[6:8]) % 40 <= 31 and 1 <= int(value[8:10]) <= 12
    return 11 <= int(value[:2]) <= 96 and is_born and value[12:] != "0000"


def is_nz_ird(value: str) -> bool:
    check = -weighted(value[:-1].zfill(8), (3, 2, 7, 6, 5, 4, 3, 2)) % 11
    if check == 10:
        check = -weighted(value[:-1].zfill(8), (7, 4, 3, 2, 5, 2, 7, 6)) % 11
    return check == int(value[-1])


def is_kz_iin(value: str) -> bool:
    check = weighted(value, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)) % 11
    if check == 10:
        check = weighted(value, (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)) % 11
    return check == int(value[11]) and 1 <= int(value[2:4]) <= 12
