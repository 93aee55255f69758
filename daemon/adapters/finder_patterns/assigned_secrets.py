"""Values that are given to something called a password, a token, a key: in prose, code, settings and addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .page import Page, positions, words
from .randomness import looks_random

_PASSWORD_WORDS = (
    *("passw", "passphrase", "pwd", "passcode", "kennwort", "mot de passe", "contraseña", "contrasena", "senha"),
    *("wachtwoord", "hasło", "lösenord", "adgangskode", "salasana", "пароль", "密码", "密碼", "パスワード", "비밀번호"),
)
_TOKEN_WORDS = ("secret", "token", "bearer", "credential")
_SIGNATURE_WORDS = ("signature=", "sig=", "sessionid=", "sessid=")
# From the word on: the rest of the name, a sign of assignment.
_IS = (
    r"[\w.-]{0,32}[\"'`\]]{0,2}(?:\s{0,3}(?::=|=>|=|:|：)\s{0,3}"
    r"|\s{1,2}(?:is now|is|to|ist|lautet|es|est|é)(?:\s{1,2}:?\s?|:\s{1,2})"
)
_QUOTE = r"(?:[Bb]earer |[Bb]asic )?(?P<quote>[\"'`]?)"
_VALUE = r"(?P<value>[^\s\"'`,;<>(){}\[\]]{6,512})"
# A value that is no password ends at "&", which parts the fields of a URL's query.
_FIELD_VALUE = r"(?P<value>[^\s\"'`,;<>(){}\[\]&]{6,512})"
_PASSWORD_ASSIGNMENT = re.compile(rf"{_IS}){_QUOTE}{_VALUE}")
# A blank is enough behind `Bearer`.
_TOKEN_ASSIGNMENT = re.compile(rf"{_IS}|[ \t]){_QUOTE}{_FIELD_VALUE}")
_FIELD_BEFORE = re.compile(r"[?&][\w.-]{0,24}\Z")
_FIELD_ASSIGNMENT = re.compile(rf"{_IS}){_QUOTE}{_FIELD_VALUE}")
_SIGNATURE_ASSIGNMENT = re.compile(r"(?P<quote>)(?P<value>[^\s\"'`&#<>]{12,512})")


def find_assigned_secrets(page: Page) -> Iterator[tuple[int, int]]:
    for found in (
        *(_find_named(page), _find_keys(page), _find_declared(page), _find_in_queries(page)),
        *(_find_spaced(page), _find_in_elements(page), _find_in_statements(page)),
    ):
        for match in found:
            start = match.start("value")
            yield start, start + len(_trimmed(match))


def _find_named(page: Page) -> Iterator[re.Match[str]]:
    """What follows a word for secrets in any way that gives it a value."""
    for names, assignment, is_secret in (
        (_PASSWORD_WORDS, _PASSWORD_ASSIGNMENT, _looks_like_password),
        (_TOKEN_WORDS, _TOKEN_ASSIGNMENT, looks_random),
        (_SIGNATURE_WORDS, _SIGNATURE_ASSIGNMENT, looks_random),
    ):
        for name in names:
            if page.text.isascii() and not name.isascii():
                continue
            for at in positions(page.lower, name):
                is_field = assignment is _PASSWORD_ASSIGNMENT and _FIELD_BEFORE.search(page.lower, max(0, at - 26), at)
                form = _FIELD_ASSIGNMENT if is_field else assignment
                yield from _literal(form.match(page.text, at + len(name)), is_secret)


def _literal(match: re.Match[str] | None, is_secret: Callable[[str], bool]) -> Iterator[re.Match[str]]:
    if match and not _is_code(match) and not _is_fill_in(match["value"]) and is_secret(_trimmed(match)):
        yield match


_SECRET_KEY_NAME = re.compile(
    r"(?:api|access|account|admin|app|application|auth|client|consumer|deploy|encryption|hmac|jwt|license|master"
    r"|my|our|private|service|session|shared|signing|storage|subscription)[_ -]?\Z"
)
_SETTING_KEY_NAME = re.compile(r"(?<![A-Za-z0-9_])[A-Z][A-Z0-9_]{0,30}_\Z")
_OPEN_KEY_NAME = re.compile(
    r"(?:PUBLIC|PUBLISHABLE|CACHE|SORT|PARTITION|PRIMARY|FOREIGN|IDEMPOTENCY|DEDUP|OBJECT|LOOKUP|GROUP|INDEX|ROW|HASH"
    r"|ROUTING)_\Z"
)
_KEY_NAME_REACH = 34


def _find_keys(page: Page) -> Iterator[re.Match[str]]:
    """Of all that is called a key only what is one: `api_key`, `SESSION_KEY`, but no key of a cache or a table."""
    for at in positions(page.lower, "key"):
        before = max(0, at - _KEY_NAME_REACH)
        name = page.text[before:at]
        is_setting = _SETTING_KEY_NAME.search(name) and not _OPEN_KEY_NAME.search(name)
        if is_setting or _SECRET_KEY_NAME.search(page.lower[before:at]):
            yield from _literal(_TOKEN_ASSIGNMENT.match(page.text, at + len("key")), looks_random)


# The name ends with the word, and the value is all there is: a setting, or a string in quotes.
_PASSWORD_ENDS = ("password", "passwd")
_DECLARED_WORDS = (*_PASSWORD_ENDS, "secret", "token", "pass")
_DECLARATION = re.compile(
    rf"(?:_?key)?[\"'`\]]{{0,2}}(?P<sign>\s{{0,3}}(?::=|=>|=|:)\s{{0,3}})(?P<quote>[\"'`]?){_FIELD_VALUE}",
    re.IGNORECASE,
)
_SETTING_NAME = re.compile(r"(?<![A-Za-z0-9_])[A-Z0-9_]{4,48}\Z")
_COMPOUND_NAME = re.compile(r"[A-Za-z0-9][_-][A-Za-z]+\Z")
_NAME_REACH = 49
_SHORTEST_OF_LETTERS = 8


def _find_declared(page: Page) -> Iterator[re.Match[str]]:
    """`DB_PASSWORD=correct-horse`, `clientSecret: "p8e7.Qx~1"`: with such a name, a value need not be random."""
    for word in _DECLARED_WORDS:
        for at in positions(page.lower, word):
            name_end = at + len(word)
            match = _DECLARATION.match(page.text, name_end)
            if match and (expected := _expected(page.text[max(0, name_end - _NAME_REACH) : name_end], match)):
                yield from _literal(match, expected)


def _expected(name: str, match: re.Match[str]) -> Callable[[str], bool] | None:
    """What a value must look like, by how the name is written and where the value stands; None: this is no setting."""
    if name.endswith("PASS") and not name.endswith("_PASS"):  # a test's verdict
        return None
    if _SETTING_NAME.search(name):
        return _is_given_value if _stands_alone(match) else None
    if name.endswith("pass"):
        is_whole = not name[-5:-4].isalnum()
        return _is_mixed_word if is_whole and _stands_alone(match) else None
    if _is_file_setting(name, match):
        return _is_given_value
    if _is_quoted(match):
        return _is_given_value if _is_given_password(name, match) else _is_mixed
    is_field = match["sign"] == "=" or _COMPOUND_NAME.search(name)
    return _is_mixed if is_field and _stands_alone(match) else None


_LABEL_NAME = re.compile(
    r"(?:forgot|reset|confirm|change|new|old|invalid|wrong|missing|enter|no|show|hide)[_.-]?password\Z"
)
_LINE_START = re.compile(r"(?:^|\n)[ \t-]*[a-z][a-z0-9_.-]*\Z")


def _is_file_setting(name: str, match: re.Match[str]) -> bool:
    """`db_password: letmein` on a line of its own, as YAML and properties have it; no label of a form."""
    text, name_end = match.string, match.start()
    return (
        name.endswith(_PASSWORD_ENDS)
        and _COMPOUND_NAME.search(name.replace(".", "_")) is not None
        and not _LABEL_NAME.search(name)
        and text[match.end() : match.end() + 1] in ("", "\n", "\r")
        and _LINE_START.search(text, max(0, name_end - _NAME_REACH - 8), name_end) is not None
        and match["value"][0].islower()
        and _stands_alone(match)
    )


def _is_given_password(name: str, match: re.Match[str]) -> bool:
    """`password = "Letmein..."`; behind a colon, a word with a capital is a label of a form more often."""
    return name.lower().endswith(_PASSWORD_ENDS) and ("=" in match["sign"] or match["value"][0].islower())


def _stands_alone(match: re.Match[str]) -> bool:
    """In quotes, or up to a blank or `&`, as shells, YAML and forms have it: no operand of an expression."""
    if match["quote"]:
        return _is_quoted(match)
    is_spaced_like_a_setting = match["sign"] in ("=", ":", ": ")
    return is_spaced_like_a_setting and not match.string[match.end() : match.end() + 1].strip(" \t\r\n&")


def _is_quoted(match: re.Match[str]) -> bool:
    return match["quote"] != "" and match.string.startswith(match["quote"], match.end())


def _is_given_value(value: str) -> bool:
    """Letters and digits, or words that do not only say what belongs there."""
    if _looks_like_password(value):
        return True
    named = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", value).lower()))
    return len(value) >= _SHORTEST_OF_LETTERS and len(set(value)) > 3 and bool(named - _WORDS_FOR_VALUES)


def _is_mixed(value: str) -> bool:
    return len(value) >= 8 and any(map(str.isdigit, value)) and _looks_like_password(value)


_SPACED = re.compile(r"[ \t]{1,2}(?P<quote>[\"'`]?)(?P<value>[^\s\"'`,;<>(){}\[\]|]{6,128})")
_SPACED_WORDS = ("password", "passwd", "passphrase")
# What is said of passwords in prose, with a number behind it.
_NOT_GIVEN = re.compile(
    r"(?:sha|md|utf|base|argon|bcrypt|scrypt|aes|rsa|oauth|http|ipv|tls|ssl|step|page|user|field|test|type|version|level|win"
    r"|windows|chapter|section|option|day|week|year|month|min|char)[s-]?[0-9]",
    re.IGNORECASE,
)


def _find_spaced(page: Page) -> Iterator[re.Match[str]]:
    """`--password letmein`, `password Tr0ub4dor&3`: behind a blank alone only what can hardly be a word of prose."""
    if "pass" not in page.lower:
        return
    for word in _SPACED_WORDS:
        for at in positions(page.lower, word):
            is_option = page.text[max(0, at - 12) : at].rpartition(" ")[2].startswith("--")
            yield from _literal(
                _SPACED.match(page.text, at + len(word)), _is_given_value if is_option else _is_mixed_word
            )


def _is_mixed_word(value: str) -> bool:
    is_plain = not set(value).intersection("_./:\\=") or looks_random(value)
    is_mixed = len(value) >= 6 and any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return is_mixed and is_plain and not _NOT_GIVEN.match(value) and _looks_like_password(value)


_ELEMENT = re.compile(r">(?P<quote>)(?P<value>[^<>\s]{4,256})</")


def _find_in_elements(page: Page) -> Iterator[re.Match[str]]:
    """`<password>...</password>`"""
    if "</" not in page.text:
        return
    for word in ("password", "passwd", "pwd", "secret", "token"):
        for at in positions(page.lower, f"{word}>"):
            yield from _literal(_ELEMENT.match(page.text, at + len(word)), _is_given_value)


_STATEMENT_CUES = ("identified by ", "requirepass ", "masterauth ")
_STATEMENT_VALUE = re.compile(r"(?P<quote>[\"']?)(?P<value>[^\s\"'`;]{4,128})")


def _find_in_statements(page: Page) -> Iterator[re.Match[str]]:
    """What SQL and Redis are told."""
    for cue in _STATEMENT_CUES:
        for at in positions(page.lower, cue):
            match = _STATEMENT_VALUE.match(page.text, at + len(cue))
            if match and (match["quote"] or not cue.startswith("identified")):
                yield from _literal(match, _is_given_value)


_QUERY_SECRET = re.compile(
    r"[?&#;](?:[a-z0-9_.-]{0,24}[_.-])?(?:api[_-]?key|apikey|token|secret|passw(?:or)?d|pwd|[a-z]{1,12}token)="
    r"(?P<quote>)(?P<value>[^\s\"'`&;#<>(){}\[\]]{6,512})",
    re.IGNORECASE,
)
_QUERY_KEY = re.compile(r"[?&](?:key|auth)=(?P<quote>)(?P<value>[^\s\"'`&;#<>(){}\[\]]{6,512})", re.IGNORECASE)


def _find_in_queries(page: Page) -> Iterator[re.Match[str]]:
    """`?api_key=...&token=...`: nothing but a value stands in a URL's query, so it may be short."""
    if "=" not in page.text:
        return
    for pattern, is_secret in ((_QUERY_SECRET, _is_query_value), (_QUERY_KEY, looks_random)):
        for match in pattern.finditer(page.text):
            yield from _literal(match, is_secret)


def _is_query_value(value: str) -> bool:
    if value.isdigit():
        return len(value) >= 8 and len(set(value)) > 3
    return _looks_like_password(value) or (value.isalpha() and len(value) >= 12)


def _trimmed(match: re.Match[str]) -> str:
    """The value without the punctuation that ends a sentence; in quotes it stands as it is."""
    value = match["value"]
    return value if match["quote"] else value.rstrip(".:")


_ATTRIBUTE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


def _is_code(match: re.Match[str]) -> bool:
    """Whether the value is an expression (`self.token2.text`, `get1(`, `${X}`) and not a literal."""
    value = match["value"]
    return (
        match.string[match.end() : match.end() + 1] in ("(", "[", "{")
        or value.startswith(("$", "%", "@", "/", "./", "http://", "https://", "--"))
        or (not match["quote"] and _ATTRIBUTE.fullmatch(value) is not None)
    )


_FILL_IN = re.compile(
    r"(?:change|replace)[-_]?(?:me|this|it|with)|(?:your|insert|enter|put|example|dummy|sample|fake)[-_]"
    r"|your(?:api|access|secret)?(?:key|token|secret|password)|placeholder|redacted|todo|fixme|x{4}|\.{3}",
    re.IGNORECASE,
)
_WORDS_FOR_VALUES = words(
    "a access admin any api app auth authorization authentication basic bearer body boolean changed client "
    "confirm confirmation confirmed configured cookie credential credentials default description disabled "
    "empty enabled encrypted env environment error expired false forgot forgotten from get given header here "
    "hidden id identifier in incorrect input integer invalid is key latest length login missing my name "
    "new no none not null number of old optional or pass passwort password passwords path please private "
    "prompt protected refresh required reset save secret secrets session set show sign simple some string "
    "strong test testing text the to token tokens true type undefined unknown unset update user "
    "username value valid variable vault wachtwoord weak with wrong your"
)


def _is_fill_in(value: str) -> bool:
    """Whether it only says what belongs there: `changeme`, `your-key-here`."""
    return _FILL_IN.match(value) is not None


_STRONG_SYMBOLS = frozenset("!@#$%^&*+?~")


_PASSPHRASE = re.compile(r"[a-z]{2,}(?:-[a-z]{2,}){2,}")


def _looks_like_password(value: str) -> bool:
    """Letters and digits, or one of the symbols that people put into passwords; not all one character. Or small words
    between dashes, which no programming language has as a name."""
    if _PASSPHRASE.fullmatch(value):
        return not _WORDS_FOR_VALUES.issuperset(value.split("-"))
    kinds = (any(map(str.isalpha, value)), any(map(str.isdigit, value)), not _STRONG_SYMBOLS.isdisjoint(value))
    return sum(kinds) >= 2 and len(set(value)) > 3
