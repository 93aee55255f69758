"""What makes a national id a right one: check sums, dates, letters given out. Letters and digits only, in upper case.

Europe, Russia and Turkey included.
"""

from __future__ import annotations

import re

from .checksums import is_date, luhn, weighted


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


def is_ch_ahv(value: str) -> bool:
    """756, and the check digit of EAN-13."""
    return value[:3] == "756" and weighted(value, (1, 3) * 6 + (1,)) % 10 == 0


def is_de_pension_number(value: str) -> bool:
    """VKVV §2: area, birthday, initial, serial; the letter counts as two digits, products by their digits' sum."""
    digits = value[:8] + f"{ord(value[8]) - 64:02}" + value[9:11]
    total = sum(
        sum(divmod(int(digit) * weight, 10))
        for digit, weight in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)
    )
    return total % 10 == int(value[11]) and 1 <= int(value[4:6]) <= 12 and 1 <= int(value[2:4]) <= 31


def is_at_insurance_number(value: str) -> bool:
    """The fourth digit is the check digit; then follows the birthday."""
    total = weighted(value, (3, 7, 9, 0, 5, 8, 4, 2, 1, 6))
    return value[0] != "0" and total % 11 == int(value[3]) and 1 <= int(value[4:6]) <= 31


def is_dk_cpr(value: str) -> bool:
    """Since 2007 there are some without the check sum, so only the birthday is looked at."""
    return is_date(2000, int(value[2:4]), int(value[:2]))


def is_no_birth_number(value: str) -> bool:
    """Two check digits; 4 is added to the day in D-numbers."""
    checks = ((3, 7, 6, 1, 8, 9, 4, 5, 2, 1), (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))
    day, month = int(value[:2]) % 40, int(value[2:4]) % 40
    return all(weighted(value, weights) % 11 == 0 for weights in checks) and 1 <= day <= 31 and 1 <= month <= 12


def is_is_kennitala(value: str) -> bool:
    return weighted(value, (3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0 and 1 <= int(value[2:4]) <= 12 and value[9] in "089"


def is_cz_birth_number(value: str) -> bool:
    """Czech and Slovak: the rest of a division by 11. 50 is added to a woman's month, 20 where a day's ran out."""
    month = int(value[2:4]) % 50 % 20
    return int(value[:9]) % 11 % 10 == int(value[9]) and 1 <= month <= 12 and 1 <= int(value[4:6]) <= 31


def is_pt_nif(value: str) -> bool:
    return value[0] != "0" and weighted(value, (9, 8, 7, 6, 5, 4, 3, 2)) * 10 % 11 % 10 == int(value[8])


def is_ro_cnp(value: str) -> bool:
    check = weighted(value, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    is_born = 1 <= int(value[3:5]) <= 12 and 1 <= int(value[5:7]) <= 31
    return value[0] != "0" and is_born and (1 if check == 10 else check) == int(value[12])


def is_bg_egn(value: str) -> bool:
    return (
        weighted(value, (2, 4, 8, 5, 10, 9, 7, 3, 6)) % 11 % 10 == int(value[9])
        and 1 <= int(value[2:4]) % 20 <= 12
        and 1 <= int(value[4:6]) <= 31
    )


def is_hr_oib(value: str) -> bool:
    """ISO 7064 MOD 11,10."""
    product = 10
    for digit in value[:10]:
        product = (((int(digit) + product) % 10 or 10) * 2) % 11
    return (11 - product) % 10 == int(value[10])


def is_jmbg(value: str) -> bool:
    """Of Slovenia, Serbia and the other heirs of Yugoslavia."""
    check = -weighted(value, (7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11 % 10
    return check == int(value[12]) and 1 <= int(value[2:4]) <= 12 and 1 <= int(value[:2]) <= 31


def is_gr_amka(value: str) -> bool:
    return luhn(value) and 1 <= int(value[2:4]) <= 12 and 1 <= int(value[:2]) <= 31


def is_ie_pps(value: str) -> bool:
    """A second letter counts nine times."""
    second = ord(value[8]) - 64 if value[8:] and value[8] != "W" else 0
    return value[7] == "WABCDEFGHIJKLMNOPQRSTUV"[(weighted(value[:7], (8, 7, 6, 5, 4, 3, 2)) + 9 * second) % 23]


def is_baltic_personal_code(value: str) -> bool:
    """Estonia and Lithuania: century and sex, birthday, serial, check digit."""
    check = weighted(value, (1, 2, 3, 4, 5, 6, 7, 8, 9, 1)) % 11
    if check == 10:
        check = weighted(value, (3, 4, 5, 6, 7, 8, 9, 1, 2, 3)) % 11 % 10
    return check == int(value[10]) and 1 <= int(value[3:5]) <= 12 and 1 <= int(value[5:7]) <= 31


def is_lv_personal_code(value: str) -> bool:
    """Those from 2017 on begin with 32 and tell no birthday."""
    if value[:2] == "32":
        return True
    total = weighted(value, (10, 5, 8, 4, 2, 1, 6, 3, 7, 9))
    return (1 + total) % 11 % 10 == int(value[10]) and is_date(2000, int(value[2:4]), int(value[:2]))


def is_hu_taj(value: str) -> bool:
    return weighted(value, (3, 7, 3, 7, 3, 7, 3, 7)) % 10 == int(value[8])


def is_tr_identity_number(value: str) -> bool:
    odd, even = sum(map(int, value[0:9:2])), sum(map(int, value[1:8:2]))
    return (
        value[0] != "0" and (odd * 7 - even) % 10 == int(value[9]) and sum(map(int, value[:10])) % 10 == int(value[10])
    )


def is_ru_snils(value: str) -> bool:
    return weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, 1)) % 101 % 100 == int(value[9:])


def is_ru_inn(value: str) -> bool:
    """A person's, of twelve digits."""
    first = weighted(value[:10], (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = weighted(value[:11], (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return value[10:] == f"{first}{second}"
