"""How numbers are written, drawn with 9 for a digit and A for a letter: `999-99-9999`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from . import checksums
from . import ids_of_europe as europe
from . import ids_of_the_world as world
from .page import words

_NO_WORDS: frozenset[str] = frozenset()


def _is_nothing_else(value: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a drawing may stand for.

    `check` gets letters and digits only, in upper case. With `context`, one of these words must stand near, and the
    score is below 0.9: without the word it would not be found. It is doubtful near a word of `doubt`, where `other`
    knows it too, and where it is written in groups with blanks between and one more group of `row_digits` stands
    beside it, as in a table; near a word of `trust` it is found all the same.
    """

    entity_type: str
    check: Callable[[str], bool]
    score: float
    context: frozenset[str] = _NO_WORDS
    row_digits: int = 1
    doubt: frozenset[str] = _NO_WORDS
    trust: frozenset[str] = _NO_WORDS
    other: Callable[[str], bool] = _is_nothing_else


def _table(*rows: tuple[str, Drawn]) -> dict[str, tuple[Drawn, ...]]:
    """Rows of comma-separated drawings, turned into a look-up by drawing."""
    table: dict[str, tuple[Drawn, ...]] = {}
    for drawings, drawn in rows:
        for drawing in drawings.split(","):
            table[drawing] = (*table.get(drawing, ()), drawn)
    return table


def _id(entity_type: str, check: Callable[[str], bool], context: str = "", *, score: float = 0.0) -> Drawn:
    """Without a word near it only where its form and check leave little doubt."""
    return Drawn(entity_type, check, score or (0.85 if context else 0.9), words(context))


_SURE_CARDS = ",".join(
    [
        *("9" * length for length in (15, 16, 19)),
        "9999-9999-9999-9999,9999.9999.9999.9999,9999-9999-9999-9999-999,9999.9999.9999.9999.999,999999-9999999999999",
        "9999-999999-99999,9999-999999-9999,9999.999999.99999,9999.999999.9999",
    ]
)
_CARDS_IN_GROUPS = "9999 9999 9999 9999,9999 9999 9999 9999 999,9999 999999 99999,9999 999999 9999,999999 9999999999999"
_FEW_CARDS = ",".join([*("9" * length for length in (12, 13, 14, 17, 18)), "9999-9999-9999"])
_CARD_WORDS = words(
    "card cards cc pan visa mastercard maestro amex discover diners jcb unionpay credit debit creditcard karte "
    "kreditkarte carte tarjeta carta cartão kort cvv cvc exp expires expiry pay"
)
_OTHER_NUMBERS = words(
    "id ids uid arn account order invoice ticket tracking tweet channel guild message user isbn ean gtin sku upc "
    "barcode timestamp time ts seq offset aadhaar aadhar uidai"
)
_US_SSN_WORDS = words("ssn ssns social security")
_TAX_WORDS = "tax tin tfn steuer steuerid steuernummer identifikationsnummer steueridentifikationsnummer idnr"
_NRN_WORDS = "rijksregisternummer rijksregister national niss insz nn"
_PERSONAL_WORDS = "personnummer personnr pnr samordningsnummer"

BY_DRAWING = _table(
    (_SURE_CARDS, Drawn("CREDIT_CARD", checksums.is_card, 0.99)),
    (_CARDS_IN_GROUPS, Drawn("CREDIT_CARD", checksums.is_card, 0.99, row_digits=4, trust=_CARD_WORDS)),
    (
        _FEW_CARDS,
        Drawn(
            "CREDIT_CARD", checksums.is_card, 0.95, doubt=_OTHER_NUMBERS, trust=_CARD_WORDS, other=checksums.is_ean_13
        ),
    ),
    ("9999 9999 9999,9999 9999 9999 9", Drawn("CREDIT_CARD", checksums.is_card, 0.95, trust=_CARD_WORDS)),
    ("999-99-9999", Drawn("US_SSN", world.is_us_ssn, 0.9)),
    ("999 99 9999,999.99.9999,999999999", Drawn("US_SSN", world.is_us_ssn, 0.85, _US_SSN_WORDS)),
    ("999-99-9999", _id("US_ITIN", world.is_us_itin, score=0.85)),
    ("999999999,999 99 9999", _id("US_ITIN", world.is_us_itin, "itin taxpayer")),
    ("9999999999", _id("US_NPI", world.is_us_npi, "npi")),
    ("9AA9-AA9-AA99,9AA9-A99-AA99,9A99-AA9-AA99,9A99-A99-AA99", _id("US_MBI", world.is_us_mbi)),
    ("9AA9AA9AA99,9AA9A99AA99,9A99AA9AA99,9A99A99AA99", _id("US_MBI", world.is_us_mbi, "mbi medicare beneficiary")),
    ("AA9999999", _id("US_DEA", world.is_us_dea, "dea")),
    ("999 999 9999,999-999-9999,9999999999", _id("UK_NHS", europe.is_uk_nhs, "nhs")),
    ("AA999999A,AA 99 99 99 A,AA-99-99-99-A,AA 999999 A", _id("UK_NINO", europe.is_uk_nino, score=0.8)),
    ("99999999A,99999999-A,99.999.999-A,99999999 A", _id("ES_NIF", europe.is_es_nif, score=0.85)),
    ("A9999999A,A-9999999-A,A 9999999 A,A9999999-A", _id("ES_NIE", europe.is_es_nie)),
    ("AAAAAA99A99A999A", _id("IT_FISCAL_CODE", europe.is_it_fiscal_code, score=0.95)),
    ("99999999999,99 999 999 999", _id("DE_TAX_ID", europe.is_de_tax_id, _TAX_WORDS)),
    ("99999999A999", _id("DE_PENSION_NUMBER", europe.is_de_pension_number)),
    ("9999999999,9999 999999", _id("AT_SVNR", europe.is_at_insurance_number, "svnr sv sozialversicherungsnummer svn")),
    ("9 99 99 99 999 999 99", _id("FR_NIR", europe.is_fr_nir, score=0.95)),
    ("999999999999999", _id("FR_NIR", europe.is_fr_nir, "nir nss insee sécurité sociale")),
    ("99.99.99-999.99", _id("BE_NRN", europe.is_be_nrn)),
    ("99999999999", _id("BE_NRN", europe.is_be_nrn, _NRN_WORDS)),
    ("999999999,9999.99.999,999 999 999", _id("NL_BSN", europe.is_nl_bsn, "bsn burgerservicenummer sofinummer")),
    ("99999999999", _id("PL_PESEL", europe.is_pl_pesel, "pesel")),
    ("99999999-9999", _id("SE_PERSONNUMMER", europe.is_se_personal_number, score=0.85)),
    (
        "999999-9999,999999+9999,999999999999,9999999999",
        _id("SE_PERSONNUMMER", europe.is_se_personal_number, _PERSONAL_WORDS),
    ),
    ("999999-9999,9999999999", _id("DK_CPR", europe.is_dk_cpr, "cpr cprnr cprnummer")),
    ("999999 99999", _id("NO_BIRTH_NUMBER", europe.is_no_birth_number)),
    ("99999999999", _id("NO_BIRTH_NUMBER", europe.is_no_birth_number, "fødselsnummer personnummer fnr fodselsnummer")),
    ("999999-9999,9999999999", _id("IS_KENNITALA", europe.is_is_kennitala, "kennitala kt")),
    (
        "999999-9999,999999-999A,999999A999A,999999A9999",
        _id("FI_PERSONAL_CODE", europe.is_fi_personal_code, score=0.85),
    ),
    ("999999/9999", _id("CZ_BIRTH_NUMBER", europe.is_cz_birth_number)),
    ("9999999999", _id("CZ_BIRTH_NUMBER", europe.is_cz_birth_number, "rodné rodne rč číslo")),
    ("999999999,999 999 999", _id("PT_NIF", europe.is_pt_nif, "nif contribuinte")),
    ("9999999999999", _id("RO_CNP", europe.is_ro_cnp, "cnp")),
    ("9999999999", _id("BG_EGN", europe.is_bg_egn, "egn егн")),
    ("99999999999", _id("HR_OIB", europe.is_hr_oib, "oib")),
    ("9999999999999", _id("JMBG", europe.is_jmbg, "jmbg emšo emso јмбг")),
    ("99999999999", _id("GR_AMKA", europe.is_gr_amka, "amka αμκα")),
    ("9999999A,9999999AA", _id("IE_PPS", europe.is_ie_pps, "pps ppsn")),
    ("99999999999", _id("EE_PERSONAL_CODE", europe.is_baltic_personal_code, "isikukood")),
    ("99999999999", _id("LT_PERSONAL_CODE", europe.is_baltic_personal_code, "asmens kodas")),
    ("999999-99999", _id("LV_PERSONAL_CODE", europe.is_lv_personal_code, "personas kods")),
    ("999999999,999 999 999,999-999-999", _id("HU_TAJ", europe.is_hu_taj, "taj")),
    ("999.9999.9999.99", _id("CH_AHV", europe.is_ch_ahv, score=0.95)),
    ("9999999999999", _id("CH_AHV", europe.is_ch_ahv, "ahv avs navs ahvn")),
    ("99999999999", _id("TR_IDENTITY_NUMBER", europe.is_tr_identity_number, "tc tckn kimlik")),
    ("999-999-999 99", _id("RU_SNILS", europe.is_ru_snils)),
    ("99999999999", _id("RU_SNILS", europe.is_ru_snils, "снилс snils")),
    ("999999999999", _id("RU_INN", europe.is_ru_inn, "инн inn")),
    ("999999999999", _id("KZ_IIN", world.is_kz_iin, "иин iin жсн")),
    ("999.999.999-99", _id("BR_CPF", world.is_br_cpf, score=0.95)),
    ("99999999999", _id("BR_CPF", world.is_br_cpf, "cpf")),
    ("99.999.999/9999-99", _id("BR_CNPJ", world.is_br_cnpj, score=0.95)),
    ("99999999999999", _id("BR_CNPJ", world.is_br_cnpj, "cnpj")),
    ("AAAA999999AAAAAA99,AAAA999999AAAAAAA9", _id("MX_CURP", world.is_mx_curp, score=0.95)),
    ("99.999.999-9,9.999.999-9,99.999.999-A,9.999.999-A", _id("CL_RUT", world.is_cl_rut)),
    ("99999999-9,9999999-9,99999999-A,9999999-A", _id("CL_RUT", world.is_cl_rut, "rut run")),
    ("99-99999999-9", _id("AR_CUIL", world.is_ar_cuil)),
    ("99999999999", _id("AR_CUIL", world.is_ar_cuil, "cuil cuit")),
    ("999 999 999,999-999-999,999999999", _id("CA_SIN", world.is_ca_sin, "sin insurance nas", score=0.87)),
    ("999 999 999,999-999-999,999999999", _id("AU_TFN", world.is_au_tfn, "tfn tax")),
    ("99 999 999 999,99999999999", _id("AU_ABN", world.is_au_abn, "abn")),
    ("9999 99999 9,9999999999", _id("AU_MEDICARE", world.is_au_medicare, "medicare")),
    ("999-999-999,99-999-999,999999999,99999999,999 999 999", _id("NZ_IRD", world.is_nz_ird, "ird")),
    (
        "9999 9999 9999,9999-9999-9999,999999999999",
        _id("IN_AADHAAR", world.is_in_aadhaar, "aadhaar aadhar uid uidai"),
    ),
    ("AAAAA9999A", _id("IN_PAN", world.is_in_pan, "pan tax income permanent")),
    ("A9999999A", _id("SG_NRIC_FIN", world.is_sg_nric_fin)),
    ("999999-99-9999", _id("MY_NRIC", world.is_my_nric, score=0.85)),
    ("9999999999999999", _id("ID_NIK", world.is_id_nik, "nik ktp")),
    ("9-9999-99999-99-9,9 9999 99999 99 9", _id("TH_CITIZEN_ID", world.is_th_citizen_id)),
    ("9999999999999", _id("TH_CITIZEN_ID", world.is_th_citizen_id, "thai thailand บัตรประชาชน ประชาชน")),
    ("999999-9999999", _id("KR_RRN", world.is_kr_rrn)),
    ("9999999999999", _id("KR_RRN", world.is_kr_rrn, "rrn 주민등록번호 주민번호")),
    (
        "9999 9999 9999,9999-9999-9999,999999999999",
        _id("JP_MY_NUMBER", world.is_jp_my_number, "mynumber マイナンバー 個人番号"),
    ),
    ("999999999999999999,99999999999999999A", _id("CN_RESIDENT_ID", world.is_cn_resident_id, score=0.95)),
    ("A999999999", _id("TW_ID", world.is_tw_id, "taiwan taiwanese 身分證 身分證字號 國民身分證")),
    ("A999999(9),AA999999(9)", _id("HK_ID", world.is_hk_id)),
    ("9999999999999", _id("ZA_ID", world.is_za_id, "id identity rsa said")),
    ("99999999999", _id("NG_NIN", world.is_ng_nin, "nin")),
    ("999999999", _id("IL_ID", world.is_il_id, "zehut teudat זהות")),
    ("784-9999-9999999-9", _id("AE_EMIRATES_ID", world.is_ae_emirates_id)),
    ("999999999999999", _id("AE_EMIRATES_ID", world.is_ae_emirates_id, "emirates")),
)
# Without letters that stand apart.
SHORTEST = 6
LONGEST = max(map(len, BY_DRAWING))
