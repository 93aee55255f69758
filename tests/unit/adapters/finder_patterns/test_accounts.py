"""Bank accounts and wallets."""

import pytest


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("帐户GB82WEST12345698765432谢谢", "GB82WEST12345698765432", "IBAN_CODE"),
        ("DE89 3704 0044 0532 0130 00 and", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
        ("GB82WEST12345698765432.", "GB82WEST12345698765432", "IBAN_CODE"),
        ("fr14 2004 1010 0505 0001 3m02 606", "fr14 2004 1010 0505 0001 3m02 606", "IBAN_CODE"),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO"),
        ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "CRYPTO"),
        ("LdL3mKk2QY5so4fR5Lsb5k1ydAFqHy2ZzB", "LdL3mKk2QY5so4fR5Lsb5k1ydAFqHy2ZzB", "CRYPTO"),
        ("ltc1q9fv362auxltr5f0xyls3evpmam4vlfh5l0unfk", "ltc1q9fv362auxltr5f0xyls3evpmam4vlfh5l0unfk", "CRYPTO"),
        ("DQnVRX16G5Tmzpa8K1cnTvnABFuXGL1e7P", "DQnVRX16G5Tmzpa8K1cnTvnABFuXGL1e7P", "CRYPTO"),
        ("TF59KbMDigjrBoBxYotBKoEzfEb7SJRqXk", "TF59KbMDigjrBoBxYotBKoEzfEb7SJRqXk", "CRYPTO"),
        ("rsdEdzTojGtv4zABiDdxeHDwNX4hBnUY4W", "rsdEdzTojGtv4zABiDdxeHDwNX4hBnUY4W", "CRYPTO"),
        (
            "solana wallet 76UXbUGjBso57zk9keK8T55BXjia7sdHhKC6WenDzjKB",
            "76UXbUGjBso57zk9keK8T55BXjia7sdHhKC6WenDzjKB",
            "CRYPTO",
        ),
        ("CR97 0898 9229 6775 8135 93", "CR97 0898 9229 6775 8135 93", "IBAN_CODE"),
        ("0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "CRYPTO"),
    ],
)
def test_finds(found, text, value, kind):
    assert [(value, kind)] == found(text)
