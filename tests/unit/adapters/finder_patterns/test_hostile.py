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
        *(
            "regards,\n",
            "(",
            "(1",
            "A1",
            "AA 12 ",
            "A123456(",
            "X-1",
            "12-34-",
            "00441",
            "011 1 ",
            "my number ",
            "r1ab",
        ),
        *("curl -u ", "curl a", "mysql -p", "password ", "passwd a ", "cookie: a=", "<password>", "://a:b@", "a-b-"),
        *("sk-a1", "?password=a", "a_password: a\n", ".atlasv1.", "/api/webhooks/1", "jdbc:oracle:thin:a/"),
    ],
)
def test_ends_on_a_long_run_of(found, unit):
    found(unit * (2**18 // len(unit)))
