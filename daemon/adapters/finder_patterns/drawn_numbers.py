"""Numbers known by how they are written, drawn with 9 for a digit and A for a letter: `999-99-9999`."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...exchange import Span
from . import checksums
from .page import Page, words

_DRAWING = str.maketrans(string.digits + string.ascii_letters + "\u00a0", "9" * 10 + "A" * 52 + " ")
_PLAIN_BLANKS = str.maketrans("\u00a0", " ")
_NOT_ALNUM = str.maketrans("", "", " -./+")
_SHORTEST, _LONGEST = 8, 24  # of what is drawn below
_JOINTS = frozenset(" \u00a0-./+")
_TIGHT_JOINTS = frozenset("-./")  # a comma parts the cells of a row


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a drawing may stand for.

    `check` gets letters and digits only, in upper case. With `context`, one of these words must stand near,
    and the score is below 0.9: without the word it would not be found. `alone`: where it is written in groups
    with blanks between, no more groups may follow or go before, as they do in a table.
    """

    entity_type: str
    check: Callable[[str], bool]
    score: float
    context: frozenset[str] = frozenset()
    alone: bool = True


def find_drawn_numbers(page: Page) -> Iterator[Span]:
    """Cards, social security numbers, phone-free national ids."""
    for first in range(len(page.numbers)):
        yield from _beginning_with(page, first)


def _beginning_with(page: Page, first: int) -> Iterator[Span]:
    """Spans of one number word, or of several joined by single separators, from the given one on."""
    text, numbers = page.text, page.numbers
    start, end = numbers[first]
    last = first
    while end - start <= _LONGEST:
        if end - start >= _SHORTEST:
            for drawn in _DRAWINGS.get(text[start:end].translate(_DRAWING), ()):
                if _fits(page, drawn, first, last):
                    yield Span(start, end, drawn.entity_type, drawn.score)
        last += 1
        if last == len(numbers) or numbers[last][0] != end + 1 or text[end] not in _JOINTS:
            return
        end = numbers[last][1]


def _fits(page: Page, drawn: Drawn, first: int, last: int) -> bool:
    start, end = page.numbers[first][0], page.numbers[last][1]
    written = page.text[start:end].translate(_PLAIN_BLANKS)
    blank_joins = drawn.alone and " " in written
    return (
        not _is_joined(page, first - 1, first, blank_joins)
        and not _is_joined(page, last, last + 1, blank_joins)
        and drawn.check(written.translate(_NOT_ALNUM).upper())
        and (not drawn.context or page.has_near(start, end, drawn.context))
    )


def _is_joined(page: Page, left: int, right: int, blank_joins: bool) -> bool:
    """Whether two neighbouring number words are parts of one longer number (or, with blanks, of one row)."""
    if left < 0 or right == len(page.numbers):
        return False
    end, start = page.numbers[left][1], page.numbers[right][0]
    if start != end + 1:
        return False
    joint = page.text[end]
    return joint in _TIGHT_JOINTS or (blank_joins and joint in " \u00a0\t")


def _table(*rows: tuple[str, Drawn]) -> dict[str, tuple[Drawn, ...]]:
    """Rows of comma-separated drawings, turned into a look-up by drawing."""
    table: dict[str, tuple[Drawn, ...]] = {}
    for drawings, drawn in rows:
        for drawing in drawings.split(","):
            table[drawing] = (*table.get(drawing, ()), drawn)
    return table


_CARDS = ",".join(
    [
        *("9" * length for length in range(12, 20)),
        "9999 9999 9999 9999,9999 9999 9999 9999 999",
        "9999-9999-9999-9999,9999.9999.9999.9999,9999-9999-9999-9999-999",
        "9999 999999 99999,9999-999999-99999,9999 999999 9999,9999-999999-9999",
    ]
)
_US_SSN_WORDS = words("ssn ssns social security")
_TAX_WORDS = words("tax tin tfn steuer steuerid steuernummer identifikationsnummer steueridentifikationsnummer idnr")

_DRAWINGS = _table(
    (_CARDS, Drawn("CREDIT_CARD", checksums.is_card, 0.99, alone=False)),
    ("9999 9999 9999,9999 9999 9999 9", Drawn("CREDIT_CARD", checksums.is_card, 0.95)),
    ("999-99-9999", Drawn("US_SSN", checksums.is_us_ssn, 0.9)),
    ("999 99 9999,999.99.9999,999999999", Drawn("US_SSN", checksums.is_us_ssn, 0.85, _US_SSN_WORDS)),
    ("999-99-9999", Drawn("US_ITIN", checksums.is_us_itin, 0.85)),
    ("999999999,999 99 9999", Drawn("US_ITIN", checksums.is_us_itin, 0.85, words("itin taxpayer"))),
    ("999 999 9999,999-999-9999,9999999999", Drawn("UK_NHS", checksums.is_uk_nhs, 0.85, words("nhs"))),
    ("AA999999A", Drawn("UK_NINO", checksums.is_uk_nino, 0.8)),
    ("99999999A,99999999-A", Drawn("ES_NIF", checksums.is_es_nif, 0.85)),
    ("A9999999A,A-9999999-A", Drawn("ES_NIE", checksums.is_es_nie, 0.9)),
    ("AAAAAA99A99A999A", Drawn("IT_FISCAL_CODE", checksums.is_it_fiscal_code, 0.95)),
    ("99999999999,99 999 999 999", Drawn("DE_TAX_ID", checksums.is_de_tax_id, 0.85, _TAX_WORDS)),
    ("9 99 99 99 999 999 99", Drawn("FR_NIR", checksums.is_fr_nir, 0.95)),
    ("999999999999999", Drawn("FR_NIR", checksums.is_fr_nir, 0.85, words("nir nss insee sécurité sociale"))),
    ("99.99.99-999.99", Drawn("BE_NRN", checksums.is_be_nrn, 0.9)),
    ("999999999,9999.99.999", Drawn("NL_BSN", checksums.is_nl_bsn, 0.85, words("bsn burgerservicenummer sofinummer"))),
    ("99999999999", Drawn("PL_PESEL", checksums.is_pl_pesel, 0.85, words("pesel"))),
    ("99999999-9999", Drawn("SE_PERSONNUMMER", checksums.is_se_personal_number, 0.85)),
    (
        "999999-9999,999999+9999,999999999999",
        Drawn("SE_PERSONNUMMER", checksums.is_se_personal_number, 0.85, words("personnummer samordningsnummer")),
    ),
    ("999999-9999,999999-999A,999999A999A,999999A9999", Drawn("FI_PERSONAL_CODE", checksums.is_fi_personal_code, 0.85)),
    ("999.999.999-99", Drawn("BR_CPF", checksums.is_br_cpf, 0.95)),
    ("99999999999", Drawn("BR_CPF", checksums.is_br_cpf, 0.85, words("cpf"))),
    ("999 999 999,999-999-999,999999999", Drawn("AU_TFN", checksums.is_au_tfn, 0.85, words("tfn"))),
    ("99 999 999 999,99999999999", Drawn("AU_ABN", checksums.is_au_abn, 0.85, words("abn"))),
    ("9999 99999 9,9999999999", Drawn("AU_MEDICARE", checksums.is_au_medicare, 0.85, words("medicare"))),
    (
        "9999 9999 9999,9999-9999-9999,999999999999",
        Drawn("IN_AADHAAR", checksums.is_in_aadhaar, 0.85, words("aadhaar aadhar uid uidai")),
    ),
    ("AAAAA9999A", Drawn("IN_PAN", checksums.is_in_pan, 0.85, words("pan tax income"))),
    ("A9999999A", Drawn("SG_NRIC_FIN", checksums.is_sg_nric_fin, 0.9)),
    ("999-999-999,999 999 999,999999999", Drawn("CA_SIN", checksums.is_ca_sin, 0.85, words("sin insurance nas"))),
    ("999999-9999999", Drawn("KR_RRN", checksums.is_kr_rrn, 0.9)),
    ("999999999999999999,99999999999999999A", Drawn("CN_RESIDENT_ID", checksums.is_cn_resident_id, 0.95)),
    ("999.9999.9999.99", Drawn("CH_AHV", checksums.is_ch_ahv, 0.95)),
)
