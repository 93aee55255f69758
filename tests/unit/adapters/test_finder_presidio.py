"""What is found and what is left alone: a corpus, hostile texts, settings."""

import logging
from itertools import pairwise

import pytest

from daemon.adapters import finder_presidio_registry
from daemon.adapters.finder_patterns.structured import find_structured, merged
from daemon.adapters.finder_presidio import PresidioFinder
from daemon.adapters.finder_presidio_registry import StructuredRecognizer
from daemon.errors import FinderUnavailable, ModelUnavailable
from daemon.exchange import Span
from daemon.settings import PiiSettings

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nzP1eP5QGefi2DM==\n-----END RSA PRIVATE KEY-----"

FOUND = [
    # (text, the value in it, its kind)
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
    ("card 4111 1111 1111 1111 exp 12/26", "4111 1111 1111 1111", "CREDIT_CARD"),
    ("4111-1111-1111-1111", "4111-1111-1111-1111", "CREDIT_CARD"),
    ("5555555555554444", "5555555555554444", "CREDIT_CARD"),
    ("3782 822463 10005", "3782 822463 10005", "CREDIT_CARD"),
    ("ann,4012888888881881,12", "4012888888881881", "CREDIT_CARD"),
    ("电话+86 138 0013 8000谢谢", "+86 138 0013 8000", "PHONE_NUMBER"),
    ("密钥sk-proj-abc123def456ghi789谢谢", "sk-proj-abc123def456ghi789", "SECRET"),
    ("地址93.184.216.34谢谢", "93.184.216.34", "IP_ADDRESS"),
    ("帐户GB82WEST12345698765432谢谢", "GB82WEST12345698765432", "IBAN_CODE"),
    ("卡号4111111111111111,谢谢", "4111111111111111", "CREDIT_CARD"),
    ("6304000000000000", "6304000000000000", "CREDIT_CARD"),
    ("DE89 3704 0044 0532 0130 00 and", "DE89 3704 0044 0532 0130 00", "IBAN_CODE"),
    ("GB82WEST12345698765432.", "GB82WEST12345698765432", "IBAN_CODE"),
    ("fr14 2004 1010 0505 0001 3m02 606", "fr14 2004 1010 0505 0001 3m02 606", "IBAN_CODE"),
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
    ("request from 203.0.113.7:8080", "203.0.113.7", "IP_ADDRESS"),
    ("host=93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
    ("ssh root@93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
    ("https://ipinfo.io/93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
    ("DNS 8.8.8.8", "8.8.8.8", "IP_ADDRESS"),
    ("http://93.184.216.34/x", "93.184.216.34", "IP_ADDRESS"),
    ("at 2606:4700:4700::1111.", "2606:4700:4700::1111", "IP_ADDRESS"),
    ("00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "MAC_ADDRESS"),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "CRYPTO"),
    ("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "CRYPTO"),
    ("0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "0x742d35Cc6634C0532925a3b844Bc454e4438f44e", "CRYPTO"),
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
    ('"api_key": "9f86d081884c7d659a2feaa0c55ad015"', "9f86d081884c7d659a2feaa0c55ad015", "SECRET"),
    ("Authorization: Bearer abcdef1234567890abcdef", "abcdef1234567890abcdef", "SECRET"),
    ("https://x.io/a?X-Amz-Signature=9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015", "SECRET"),
    ("?access_token=a81f3bd9c7e24f10&x=1", "a81f3bd9c7e24f10", "SECRET"),
    ("fax 5 to 0044 20 7946 0958.", "0044 20 7946 0958", "PHONE_NUMBER"),
    ("0049 30 901820", "0049 30 901820", "PHONE_NUMBER"),
    ("call 00442079460958", "00442079460958", "PHONE_NUMBER"),
    ("call phone(212) 555-0199", "(212) 555-0199", "PHONE_NUMBER"),
    ("upstream 8.8.8.8:53", "8.8.8.8", "IP_ADDRESS"),
    ("[2001:4860:4860::8888]:443", "2001:4860:4860::8888", "IP_ADDRESS"),
    ("host/93.184.216.34", "93.184.216.34", "IP_ADDRESS"),
    ("0011.2233.4455", "0011.2233.4455", "MAC_ADDRESS"),
    ("seen at 3c5a.b4d0.9e11.", "3c5a.b4d0.9e11", "MAC_ADDRESS"),
    ("mac 3456.7890.1234", "3456.7890.1234", "MAC_ADDRESS"),
    ("SIN 046 454 286", "046 454 286", "CA_SIN"),
    ("SIN: 130-692-544", "130-692-544", "CA_SIN"),
    ("My name is Ann van der Lee and", "Ann van der Lee", "PERSON"),
    ("see Dr. Smith today", "Smith", "PERSON"),
    ("Dear Ms Brown, hello", "Brown", "PERSON"),
    ("Best regards,\nBob Chan\n", "Bob Chan", "PERSON"),
    ("born on 12 March 1984 in Rome", "12 March 1984", "DATE_OF_BIRTH"),
    ("DOB: 1984-03-12", "1984-03-12", "DATE_OF_BIRTH"),
    ("lives at 221B Baker Street, London", "221B Baker Street", "STREET_ADDRESS"),
    (
        "12 Long Oak Street, Apt 3, Springfield, IL 62704",
        "12 Long Oak Street, Apt 3, Springfield, IL 62704",
        "STREET_ADDRESS",
    ),
    ("wohnt in der Hauptstraße 12", "Hauptstraße 12", "STREET_ADDRESS"),
    ("12 rue de la Paix", "12 rue de la Paix", "STREET_ADDRESS"),
]

_HEX = "9f86d081884c7d659a2feaa0c55ad015"
_MIXED = "aB3-_x" * 10
_ALNUM = "aB3c" * 10
_AZURE_KEY = "aB3/x+9z" * 10 + "abcdef=="
_AGE_DATA = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7LQPZRY9X8GF2TVDW0S3JN54KHCE"

ISSUED = [
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
]

GIVEN = [
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
]

LEFT_ALONE = [
    "call(1234567890); dial(2125550199, 3)",
    "chrome/120.0.0.0 nginx/1.25.31.40 version 8.8.8.8:53",
    "2024.0101.1200 1234.5678.9012 0000.0000.0000 dead.beef.cafe 1.0011.2233.4455",
    "0044 0045 0046 0047 0048",
    "0010 20 30 40 50",
    "5 0044 20 7946 0958",
    "sin 046 454 287",
    "0012345678905 0012345678901",
    "token: iphone15\nf(token=token2, secret=secrets1)\nassert token == 'identifier1'",
    "PASSWORD=changeme DB_PASSWORD=change_me_123",
    "PASSWORD=password\nDB_PASSWORD=required\nSECRET=optional",
    "API_KEY=your-key-here API_TOKEN=<your token> SECRET_KEY=xxxxxxxxxxxx",
    "TOKEN=${VAR}\nTOKEN=$(cat token1)\nDB_PASSWORD={{ .Values.password1 }}",
    'TOKEN = os.environ["TOKEN1"]; SECRET=process.env.SECRET1',
    "TOKEN=getToken1(); API_TOKEN: CharField(max_length=64)",
    "RESET_PASSWORD = 'resetPassword'",
    '{"password": "Passwort", "confirm_password": "Confirm", "forgot_password": "Forgot password?"}',
    "SECRET_NAME=my-secret-name\nTOKEN_LIMIT=128000\nTOKEN_URL=https://x.io/token1",
    "?token_type=bearer1&page_token=2&grant=token&key=value",
    f"CACHE_KEY={_HEX}\ncache_key: {_HEX}",
    "Authorization: Basic authentication, Basic dGVzdA==, basic knowledge",
    f"SKU{_HEX} AC power, SK{_HEX}0",
    "12345:AAHdqT 12:34:56:AA:BB",
    f"data:image/png;base64,iVBORw0K/EAAA{_ALNUM}{_ALNUM}",
    f"a.GX1a2B.{_MIXED[:38]} hvs.foo EAAAAA",
    "",
    "Hello, how are you today?",
    "The meeting is on 2024-05-06 at 12:30:45.",
    "05/06/2024, 6.5.2024 and 2024.05.06",
    "Version 1.2.3.4 of foo==1.2.3.4 and v10.20.30.40",
    "Chrome/120.0.6099.109 Safari/537.36",
    "foo>=1.2.3.40 lib-10.20.30.40 version: 10.20.30.40",
    "127.0.0.1, 10.0.0.1, 192.168.1.1, 169.254.0.1, 0.0.0.0, 255.255.255.255",
    "::1 fe80::1 fd00::1 std::vector a::b ::",
    "550e8400-e29b-41d4-a716-446655440000",
    "d41d8cd98f00b204e9800998ecf8427e",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "commit 7bae894f4bd111a9338e4303ba9dae6e718808f63",
    "ISBN 978-3-16-148410-0 and 9780306406157",
    "1700000000000 ms, 1700000000 s",
    "3.14159265358979323846 and 0.4111111111111111",
    "4111111111111112",
    "1234 5678 9012 3456",
    "DE89 3704 0044 0532 0130 01",
    "000-12-3456 666-12-3456 123-00-4567 123-45-0000",
    "| 123 456 789 | 234 567 890 | 345 678 901 |",
    "1 2 3 4 5 6 7 8 9 10 11 12 13",
    "100 200 300 400 500 600",
    "1,234,567,890.00 and 12 345 678",
    "order 123456789 shipped",
    "invoice 2023-000123456",
    "def f(self): return self.me.name",
    "@property\ndef x(self): ...",
    "y = A@B.T + X@self.weights",
    "git clone git@github.com:acme/widgets.git",
    "npm install react@18.2.0 @types/node@20.1.0",
    "token = tokens[i1]",
    "token = self.tokenizer2.encode(text)",
    "max_tokens: 4096, total_tokens=12345678",
    "model: gpt-4o-2024-08-06, token limit: claude-3-5-sonnet-20241022",
    "how do I get the passcode reset?",
    'SignatureAlgorithmOID.RSA: "sha512WithRSAEncryption"',
    "redis://[[username]:[password]]@localhost:6379/0",
    'ObjectIdentifier("2.5.29.54") 1.3.101.112',
    "password: str = Field(...)",
    "password = os.environ['DB_PASSWORD']",
    "password: ********",
    "password is required and must be long",
    "secret: ${MY_SECRET}",
    'api_key="YOUR_API_KEY"',
    'type="password" name="password"',
    "task-list-with-long-name-1 risk-assessment-of-everything-2",
    "the secret of success is persistence",
    "bearer of good news arrived",
    "https://example.com/path?page=2&q=hello",
    "user@example.unknowntld",
    "scheme://host:8080/path",
    "for (int i = 0; i < 10; i++) { sum += a[i]; }",
    "#ff00aa #123456 rgb(12, 34, 56)",
    "latitude 52.520008, longitude 13.404954",
    "0xdeadbeef 0x0000000000000000000000000000000000000000",
    "12:30:45 - 13:45:00",
    "2024-05-06T12:30:45.123456Z",
    "chapter 1.2.3.4 and section 10.2",
    "127 people, 12 streets and 5 drives",
    "I live on the street. 12 roads led there.",
    "Mr. and Mrs. were there; Dr. no",
    "Dear Sir or Madam, Dear team,",
    "Regards,\nthe whole team",
    "my name is not important",
    "born to run since 1984",
    "SELECT * FROM users WHERE id = 12345 LIMIT 100",
    "12345678A",
    "X1234567A",
    "S1234567A",
    "AB123456Z",
    "RSSMRA85T10A562T",
    "143 476 5919",
    "9999 5678 9012 3456",
    "44051401359",
    "2341 2341 2346",
    "111222333",
    "529.982.247-26",
    "756.9217.0769.84",
    "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdx",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "<EMAIL_ADDRESS_1> called <PHONE_NUMBER_2>, password: <SECRET_1>",
    "page 12-34-5678901",
    "SHA256: ab:cd:ef:01:23:45:67:89",
    "ratio 16:9:4, time 1:02:03",
    "x +1000000000000000000",
    "iPhone 15 Pro Max 256",
    "Windows NT 10.0; Win64; x64",
    "a@b, @user, user@, @",
]

HOSTILE = [
    "1",
    "-",
    "a@",
    "eyJ",
    "eyJa.",
    "1-",
    "1 ",
    "+1 ",
    "a.",
    "::",
    ":a",
    "AA11 ",
    "1.1.",
    "sk-",
    "://a:",
    "token=",
    "password:",
]
HOSTILE += [
    "0044 ",
    "00",
    ".",
    ".0011",
    "8.8.8.8:",
    "[::",
    "=",
    '"',
    " ",
    "key=",
    "A_KEY=",
    "&a_token=",
    "basic ",
    "12345678:AA",
]
HOSTILE += [
    ".aaaaaa.",
    "SECRET=",
    "PASSWORD=a",
    "EAAA",
    "hvs.1",
    "SK1",
    "Mr. A",
    "-----BEGIN ",
    "12 A",
    "born ",
    "Dear A",
    "%40",
    "@a.",
    "0x",
    "regards,\n",
    "(",
]


@pytest.fixture(scope="module")
def finder():
    finder = PresidioFinder(PiiSettings())
    finder.warm()
    return finder


class Patterns:
    """The patterns without the tagger, which has its own tests."""

    tlds = StructuredRecognizer(["SECRET"]).tlds

    def find(self, text):
        return merged(find_structured(text, self.tlds))


@pytest.fixture(scope="module")
def patterns():
    return Patterns()


def kinds(finder, text):
    return [(text[span.start : span.end], span.entity_type) for span in finder.find(text)]


@pytest.mark.parametrize(("text", "value", "kind"), FOUND)
def test_finds(patterns, text, value, kind):
    assert [(value, kind)] == kinds(patterns, text)


@pytest.mark.parametrize("key", ISSUED)
def test_finds_a_key_by_its_issuers_form(patterns, key):
    assert [(key, "SECRET")] == kinds(patterns, key)
    assert [(key, "SECRET")] == kinds(patterns, f"KEY: '{key}'\n")


@pytest.mark.parametrize(("text", "secret"), GIVEN)
def test_finds_a_secret_by_what_it_is_given_to(patterns, text, secret):
    assert [(secret, "SECRET")] == kinds(patterns, text)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_leaves_alone(finder, text):
    assert [] == kinds(finder, text)


@pytest.mark.parametrize("unit", HOSTILE)
def test_ends_on_a_long_run_of(patterns, unit):
    """No pass is more than linear; a quadratic one would not come back."""
    patterns.find(unit * (2**18 // len(unit)))


def test_findings_are_sorted_and_do_not_overlap(finder):
    text = " ".join(value for value, _, _ in FOUND)
    spans = finder.find(text)

    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert all(span.start < span.end for span in spans)


def test_a_guess_from_one_value_into_the_next_leaves_both_what_they_are():
    """Else what is to be blocked as the second would pass as the first."""
    card, guess, iban = (
        Span(5, 24, "CREDIT_CARD", 0.99),
        Span(20, 33, "STREET_ADDRESS", 0.8),
        Span(31, 50, "IBAN", 0.99),
    )

    assert (card, Span(24, 31, "STREET_ADDRESS", 0.8), iban) == merged([guess, iban, card])
    assert (Span(5, 33, "CREDIT_CARD", 0.99),) == merged([guess, card])


def test_a_context_word_counts_only_as_a_whole_word(finder):
    assert [] == kinds(finder, "assnx 536904399")
    assert [("536904399", "US_SSN")] == kinds(finder, "user_ssn 536904399")


def test_a_kind_that_is_allowed_is_not_looked_for():
    finder = PresidioFinder(PiiSettings(entities={"EMAIL_ADDRESS": "allow"}))
    finder.warm()

    assert [("4111111111111111", "CREDIT_CARD")] == kinds(finder, "ann@example.com 4111111111111111")


def test_the_owners_recognizers_are_run():
    settings = PiiSettings(recognizers=[{"name": "EMPLOYEE_ID", "regex": r"\bEMP-\d{6}\b", "score": 0.1}])
    finder = PresidioFinder(settings)
    finder.warm()

    assert [("EMP-123456", "EMPLOYEE_ID")] == kinds(finder, "x" * 20_000 + " EMP-123456 EMP-12 AEMP-123456")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("URL", "see https://example.com/x now", "https://example.com/x"),
        ("DATE_TIME", "on 2024-05-06 we", "2024-05-06"),
        ("US_BANK_NUMBER", "bank account 12345678901", "12345678901"),
        ("US_PASSPORT", "passport number 912803456", "912803456"),
        ("US_DRIVER_LICENSE", "driver license H12234567", "H12234567"),
    ],
)
def test_kinds_off_by_default_are_presidios_once_switched_on(kind, text, value):
    finder = PresidioFinder(PiiSettings(entities={kind: "replace"}))
    finder.warm()

    assert [(value, kind)] == kinds(finder, text)


def test_a_kind_that_nothing_recognizes_is_told_once(caplog):
    with caplog.at_level(logging.WARNING):
        PresidioFinder(PiiSettings(entities={"AGE": "replace", "LOCATION": "replace"})).warm()

    assert "nothing here recognizes AGE: left as it is" in caplog.text


def test_the_owners_words_are_found_as_whole_words_in_any_case():
    settings = PiiSettings(recognizers=[{"name": "PROJECT", "words": ["Project Falcon", "falcon", "C++"]}])
    finder = PresidioFinder(settings)
    finder.warm()

    assert [("project  FALCON", "PROJECT"), ("Falcon", "PROJECT"), ("c++", "PROJECT")] == kinds(
        finder, "the project  FALCON, a Falcon, no falcons, in c++"
    )


def test_a_value_on_the_allow_list_is_left_alone_in_any_case():
    finder = PresidioFinder(PiiSettings(allow=["Support@Example.com"]))
    finder.warm()

    assert [("ann@example.com", "EMAIL_ADDRESS")] == kinds(finder, "support@example.com or ann@example.com")


def test_findings_below_the_threshold_of_their_kind_are_left_alone():
    finder = PresidioFinder(PiiSettings(thresholds={"PHONE_NUMBER": 0.9}))
    finder.warm()

    assert [("ann@example.com", "EMAIL_ADDRESS")] == kinds(finder, "call +44 20 7946 0958 or ann@example.com")


def test_without_the_taggers_files_it_is_degraded_and_goes_on_with_patterns(monkeypatch):
    def missing(name):
        raise ModelUnavailable("there are no model files")

    monkeypatch.setattr(finder_presidio_registry, "find_model", missing)
    finder = PresidioFinder(PiiSettings())
    finder.warm()

    assert finder.is_ready
    assert "names and addresses are found by cues only: there are no model files" == finder.degraded
    assert [("Ann Lee", "PERSON")] == kinds(finder, "my name is Ann Lee")


def test_the_version_follows_the_settings():
    versions = {
        PresidioFinder(settings).version
        for settings in (
            PiiSettings(),
            PiiSettings(entities={"PERSON": "allow"}),
            PiiSettings(recognizers=[{"name": "X", "regex": "x"}]),
        )
    }

    assert 3 == len(versions)
    assert PresidioFinder(PiiSettings()).version == PresidioFinder(PiiSettings()).version


def test_before_it_is_loaded_it_says_so():
    with pytest.raises(FinderUnavailable):
        PresidioFinder(PiiSettings()).find("ann@example.com")


def test_it_is_ready_only_once_it_has_run():
    """The first run loads more than the import did; a request must not wait for it."""
    ready_while_running = []

    class Observed(PresidioFinder):
        def _found(self, recognizers, text):
            ready_while_running.append(self.is_ready)
            return super()._found(recognizers, text)

    finder = Observed(PiiSettings())
    finder.warm()

    assert [False] == ready_while_running
    assert finder.is_ready


def test_lone_surrogates_and_nul_do_no_harm(finder):
    assert [("ann@example.com", "EMAIL_ADDRESS")] == kinds(finder, "\ud800\0 ann@example.com \udfff")


def test_offsets_hold_where_lower_case_is_longer(finder):
    assert [("hunter22", "SECRET")] == kinds(finder, "İİİ password: hunter22")


def test_a_failure_tells_nothing_of_the_text(finder, monkeypatch, caplog):
    class Broken:
        supported_entities = ()

        def find(self, text):
            raise RuntimeError(text)

    broken = PresidioFinder(PiiSettings())
    monkeypatch.setattr(broken, "_recognizers", (Broken(),))
    with pytest.raises(FinderUnavailable) as raised:
        broken.find("ann@example.com")

    assert "ann@" not in str(raised.value) + caplog.text
    assert raised.value.__cause__ is None
