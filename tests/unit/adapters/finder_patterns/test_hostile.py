"""No pass is more than linear; a quadratic one would not come back."""

import pytest


@pytest.mark.parametrize(
    "unit",
    [
        *("1", "-", "a@", "eyJ", "eyJa.", "1-", "1 ", "+1 ", "a."),
        *("::", ":a", "AA11 ", "1.1.", "sk-", "://a:", "token=", "password:", "0044 "),
        *("00", ".", ".0011", "8.8.8.8:", "[::", "=", '"', " ", "key="),
        *("A_KEY=", "&a_token=", "basic ", "12345678:AA", ".aaaaaa.", "SECRET=", "PASSWORD=a", "EAAA", "hvs.1"),
        *("SK1", "Mr. A", "-----BEGIN ", "12 A", "born ", "Dear A", "%40", "@a.", "0x"),
        *("regards,\n", "("),
    ],
)
def test_ends_on_a_long_run_of(found, unit):
    found(unit * (2**18 // len(unit)))
