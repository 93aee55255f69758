"""Secrets: keys of known issuers, and what is given to something called a password, a token, a key."""

import pytest

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nzP1eP5QGefi2DM==\n-----END RSA PRIVATE KEY-----"

_HEX = "9f86d081884c7d659a2feaa0c55ad015"
_MIXED = "aB3-_x" * 10
_ALNUM = "aB3c" * 10
_AZURE_KEY = "aB3/x+9z" * 10 + "abcdef=="
_AGE_DATA = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("密钥sk-proj-abc123def456ghi789谢谢", "sk-proj-abc123def456ghi789", "SECRET"),
        ("sk-proj-abc123def456ghi789", "sk-proj-abc123def456ghi789", "SECRET"),
        ("sk-ant-api03-AbCdEfGh1234567890xyz", "sk-ant-api03-AbCdEfGh1234567890xyz", "SECRET"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", "SECRET"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "SECRET",
        ),
        ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "SECRET"),
        ("xoxb-123456789012-abcdefABCDEF", "xoxb-123456789012-abcdefABCDEF", "SECRET"),
        ("key=AIzaSyA1234567890abcdefghijklmnopqrstuv", "AIzaSyA1234567890abcdefghijklmnopqrstuv", "SECRET"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "SECRET"),
        ("hf_abcdefghijklmnopqrstuvwxyz1234", "hf_abcdefghijklmnopqrstuvwxyz1234", "SECRET"),
        (
            "x eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3 y",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3",
            "SECRET",
        ),
        (f"key:\n{PEM}\nend", PEM, "SECRET"),
        ("postgres://admin:s3cr3t@db.example.com/x", "s3cr3t", "SECRET"),
        ("password: hunter22", "hunter22", "SECRET"),
        ("my password is Tr0ub4dor&3.", "Tr0ub4dor&3", "SECRET"),
        (f'"api_key": "{_HEX}"', _HEX, "SECRET"),
        ("Authorization: Bearer abcdef1234567890abcdef", "abcdef1234567890abcdef", "SECRET"),
        (
            "https://x.io/a?X-Amz-Signature=9f86d081884c7d659a2feaa0c55ad015",
            "9f86d081884c7d659a2feaa0c55ad015",
            "SECRET",
        ),
        ("?access_token=a81f3bd9c7e24f10&x=1", "a81f3bd9c7e24f10", "SECRET"),
    ],
)
def test_finds(found, text, value, kind):
    assert [(value, kind)] == found(text)


@pytest.mark.parametrize(
    "key",
    [
        f"SK{_HEX}",
        f"AC{_HEX}",
        f"123456789:AAH{_MIXED[:32]}",
        f"MTE4NzY1NDMyMTA5ODc2NTQzMg.GX1a2B.{_MIXED[:38]}",
        f"dckr_pat_{_MIXED[:27]}",
        f"lin_api_{_ALNUM}",
        f"EAAA{_MIXED}",
        f"sq0atp-{_MIXED[:22]}",
        f"sq0csp-{_MIXED[:43]}",
        f"AGE-SECRET-KEY-1{_AGE_DATA}",
        f"glpat-{_MIXED[:20]}",
        f"glpat-{_MIXED[:27]}.01.1a2b3c4d5",
        f"npm_{_ALNUM[:36]}",
        f"pypi-AgEIcHlwaS5vcmc{_MIXED}",
        f"hf_{_ALNUM[:34]}",
        f"SG.{_MIXED[:22]}.{_MIXED[:43]}",
        f"shpat_{_HEX}",
        f"shpss_{_HEX}",
        f"dop_v1_{_HEX}{_HEX}",
        f"doo_v1_{_HEX}{_HEX}",
        f"hvs.CAESI{_MIXED}",
        "hooks.slack.com/services/T00000000/B00000000/aB3caB3caB3caB3caB3caB3c",
        PEM.replace("RSA", "OPENSSH"),
        PEM.replace("\n", "\\n"),
        f"lsv2_pt_{_HEX}_{_HEX[:10]}",
        f"gldt-{_MIXED[:20]}",
        f"xoxe.xoxp-1-{_MIXED}",
        f"GOCSPX-{_MIXED[:28]}",
        f"1//0{_MIXED}",
        f"key-{_HEX}",
        f"{_HEX}-us12",
        f"{_HEX}{_HEX[:4]}NRAL",
        f"dckr_oat_{_MIXED[:32]}",
        f"{_ALNUM[:14]}.atlasv1.{_MIXED}{_MIXED[:7]}",
        f"dapi{_HEX}",
        f"glsa_{_ALNUM[:32]}_{_HEX[:8]}",
        f"pul-{_HEX}{_HEX[:8]}",
        f"dp.pt.{_ALNUM}aB3",
        f"PMAK-{_HEX[:24]}-{_HEX}ab",
        f"pat{_ALNUM[:14]}.{_HEX}{_HEX}",
        f"ntn_{_ALNUM}",
        f"figd_{_MIXED[:40]}",
        f"1/1234567890123456:{_HEX}",
        f"nvapi-{_MIXED}",
        f"tskey-auth-{_ALNUM[:12]}CNTRL-{_ALNUM[:32]}",
        f"sntryu_{_HEX}{_HEX}",
        f"sbp_{_HEX}{_HEX[:8]}",
        f"xkeysib-{_HEX}{_HEX}-{_ALNUM[:16]}",
        f"access-production-{_HEX[:8]}-1234-4abc-8def-{_HEX[:12]}",
        f"rubygems_{_HEX}{_HEX[:16]}",
        "5K5ESYkRwJSqq4S8LwoYjb3Ua52UJuiaBrTw4k2XdJ2Wyrk7qDP",
    ],
)
def test_finds_a_key_by_its_issuers_form(found, key):
    assert [(key, "SECRET")] == found(key)
    assert [(key, "SECRET")] == found(f"KEY: '{key}'\n")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        # (text, the secret in it)
        ("https://api.x.io/v1?api_key=abc1def2&page=2", "abc1def2"),
        ("/cb?state=1&token=abcDEF123", "abcDEF123"),
        ("/cb#access_token=12345678", "12345678"),
        ("?x=1&token=qwertyuiopasdf", "qwertyuiopasdf"),
        ("?key=AbCdEf123456789012", "AbCdEf123456789012"),
        (f"SESSION_KEY={_HEX}", _HEX),
        ("session_key: 9f86d081884c7d65", "9f86d081884c7d65"),
        (f"export DD_API_KEY={_HEX}", _HEX),
        ("DB_PASSWORD=correct-horse\nDEBUG=1", "correct-horse"),
        ("JWT_SECRET=supersecretvalue", "supersecretvalue"),
        ("  POSTGRES_PASSWORD: postgres\n", "postgres"),
        ("  APP_SECRET: s3cretValue9\n", "s3cretValue9"),
        ('{"AUTH_TOKEN": "k9-x7-p2-q8"}', "k9-x7-p2-q8"),
        ('const clientSecret = "p8e7Qx~aZ.1";', "p8e7Qx~aZ.1"),
        ("export MY_TOKEN='zq81-44ab'", "zq81-44ab"),
        ('password = "letmeinplease"', "letmeinplease"),
        ("SMTP_PASS=hunter2x", "hunter2x"),
        ("grant_type=x&client_secret=xyz12345&scope=a", "xyz12345"),
        ("client_secret: xyz12345\n", "xyz12345"),
        ("run --token=abc12345 now", "abc12345"),
        ('{"password": "letmeinplease"}', "letmeinplease"),
        ('SECRET_KEY = "django-insecure-abc"', "django-insecure-abc"),
        ("Authorization: Basic YWRtaW46aHVudGVyMg==", "YWRtaW46aHVudGVyMg=="),
        ("-H 'authorization: basic dXNlcjpwYXNz'", "dXNlcjpwYXNz"),
        (f"AccountName=foo;AccountKey={_AZURE_KEY};EndpointSuffix=core.windows.net", _AZURE_KEY),
        ("postgres://u:p@h", "p"),
        ("postgresql+asyncpg://u:pw1@h/x", "pw1"),
    ],
)
def test_finds_a_secret_by_what_it_is_given_to(found, text, secret):
    assert [(secret, "SECRET")] == found(text)
