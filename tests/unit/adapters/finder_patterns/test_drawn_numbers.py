"""Cards and national ids: numbers with a form, and mostly a check sum."""

import pytest


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("card 4111 1111 1111 1111 exp 12/26", "4111 1111 1111 1111", "CREDIT_CARD"),
        ("4111-1111-1111-1111", "4111-1111-1111-1111", "CREDIT_CARD"),
        ("5555555555554444", "5555555555554444", "CREDIT_CARD"),
        ("3782 822463 10005", "3782 822463 10005", "CREDIT_CARD"),
        ("ann,4012888888881881,12", "4012888888881881", "CREDIT_CARD"),
        ("卡号4111111111111111,谢谢", "4111111111111111", "CREDIT_CARD"),
        ("6304000000000000", "6304000000000000", "CREDIT_CARD"),
        ("my SSN is 536-90-4399", "536-90-4399", "US_SSN"),
        ("1 536-90-4399 2", "536-90-4399", "US_SSN"),
        ("ssn: 536904399", "536904399", "US_SSN"),
        ("social security 536 90 4399", "536 90 4399", "US_SSN"),
        ("912-70-1234", "912-70-1234", "US_ITIN"),
        ("NHS number 943 476 5919", "943 476 5919", "UK_NHS"),
        ("NINO AB123456C", "AB123456C", "UK_NINO"),
        ("DNI 12345678Z", "12345678Z", "ES_NIF"),
        ("NIE X1234567L", "X1234567L", "ES_NIE"),
        ("RSSMRA85T10A562S", "RSSMRA85T10A562S", "IT_FISCAL_CODE"),
        ("Steuer-ID 86095742719", "86095742719", "DE_TAX_ID"),
        ("PESEL: 44051401359", "44051401359", "PL_PESEL"),
        ("529.982.247-25", "529.982.247-25", "BR_CPF"),
        ("S1234567D", "S1234567D", "SG_NRIC_FIN"),
        ("aadhaar 2341 2341 2346", "2341 2341 2346", "IN_AADHAAR"),
        ("BSN 111222333", "111222333", "NL_BSN"),
        ("TFN 123 456 782", "123 456 782", "AU_TFN"),
        ("ABN 51 824 753 556", "51 824 753 556", "AU_ABN"),
        ("131052-308T", "131052-308T", "FI_PERSONAL_CODE"),
        ("19811218-9876", "19811218-9876", "SE_PERSONNUMMER"),
        ("11010519491231002X", "11010519491231002X", "CN_RESIDENT_ID"),
        ("AHV 756.9217.0769.85", "756.9217.0769.85", "CH_AHV"),
        ("1 84 12 76 451 089 46", "1 84 12 76 451 089 46", "FR_NIR"),
        ("SIN 046 454 286", "046 454 286", "CA_SIN"),
        ("SIN: 130-692-544", "130-692-544", "CA_SIN"),
    ],
)
def test_finds(found, text, value, kind):
    assert [(value, kind)] == found(text)
