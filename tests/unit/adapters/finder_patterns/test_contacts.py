"""E-mail addresses and phone numbers."""

import pytest


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("Write to ann.lee@example.com.", "ann.lee@example.com", "EMAIL_ADDRESS"),
        ("bob+tag@mail.corp.local is new", "bob+tag@mail.corp.local", "EMAIL_ADDRESS"),
        ("<jörg@müller.de>", "jörg@müller.de", "EMAIL_ADDRESS"),
        ("https://x.io/?email=ann%40example.com&x=1", "ann%40example.com", "EMAIL_ADDRESS"),
        ("邮箱ann@example.com谢谢", "ann@example.com", "EMAIL_ADDRESS"),
        ("to ann@example.com.Then go", "ann@example.com", "EMAIL_ADDRESS"),
        ("mailto:o'neil@example.co.uk", "o'neil@example.co.uk", "EMAIL_ADDRESS"),
        ("call +1 (555) 123-4567 now", "+1 (555) 123-4567", "PHONE_NUMBER"),
        ("+44 20 7946 0958", "+44 20 7946 0958", "PHONE_NUMBER"),
        ("+44 20 7946 0958 1", "+44 20 7946 0958", "PHONE_NUMBER"),
        ("+44 20 7946 0958  4111 1111", "+44 20 7946 0958", "PHONE_NUMBER"),
        ("+44 20 7946 0958 41111111111111111", "+44 20 7946 0958", "PHONE_NUMBER"),
        ("+4930901820", "+4930901820", "PHONE_NUMBER"),
        ("(212) 555-0199 ext. 33", "(212) 555-0199 ext. 33", "PHONE_NUMBER"),
        ("ring 555-123-4567", "555-123-4567", "PHONE_NUMBER"),
        ("2 212-555-0199 2", "212-555-0199", "PHONE_NUMBER"),
        ("call 212 555 0199", "212 555 0199", "PHONE_NUMBER"),
        ("tel: 2125550199", "2125550199", "PHONE_NUMBER"),
        ("Tel. 030 1234567", "030 1234567", "PHONE_NUMBER"),
        ("07700 900123", "07700 900123", "PHONE_NUMBER"),
        ("téléphone 06 12 34 56 78", "06 12 34 56 78", "PHONE_NUMBER"),
        ('{"phone_number": "2125550199"}', "2125550199", "PHONE_NUMBER"),
        ("电话+86 138 0013 8000谢谢", "+86 138 0013 8000", "PHONE_NUMBER"),
        ("fax 5 to 0044 20 7946 0958.", "0044 20 7946 0958", "PHONE_NUMBER"),
        ("0049 30 901820", "0049 30 901820", "PHONE_NUMBER"),
        ("call 00442079460958", "00442079460958", "PHONE_NUMBER"),
        ("call phone(212) 555-0199", "(212) 555-0199", "PHONE_NUMBER"),
        ("my number is 0161 615 1713", "0161 615 1713", "PHONE_NUMBER"),
        ("his work number: 913 836 921", "913 836 921", "PHONE_NUMBER"),
        ("reach me on 634-7085", "634-7085", "PHONE_NUMBER"),
        ("011 44 20 7182 4477", "011 44 20 7182 4477", "PHONE_NUMBER"),
        ("00442079460958", "00442079460958", "PHONE_NUMBER"),
        ("020 7946 0958", "020 7946 0958", "PHONE_NUMBER"),
        ("06 12 34 56 78", "06 12 34 56 78", "PHONE_NUMBER"),
    ],
)
def test_finds(found, text, value, kind):
    assert [(value, kind)] == found(text)
