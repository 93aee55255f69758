"""E-mail addresses and phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import NumberParseException

from ...exchange import Span
from .checksums import is_article_number
from .page import Page, is_word_char, positions, words

EMAIL_SIGNS = ("@", "%40")
"""`%40` is how an address stands in a URL's query."""

_LOCAL_PART_MAX = 64  # RFC 5321, 4.5.3.1.1
_DOMAIN = re.compile(r"(?:[^\W_][\w-]{0,62}\.){1,8}[^\W_][\w-]{0,62}")
_LABEL = re.compile(r"[^.]+")
# Chinese and Japanese set no blank between an address and the words behind it.
_ASCII_LABEL = re.compile(r"[A-Za-z]{2,24}(?![\x00-\x7f])")
_FIRST_CJK = "\u2e80"
# RFC 2606 and 6762, and what networks at home and at work use.
_LOCAL_TLDS = frozenset(
    {"example", "test", "invalid", "local", "localhost", "internal", "lan", "corp", "home", "intranet"}
)
_PUNCTUATION = "!#$&'*+/=?^`{|}~.-"


def find_emails(page: Page, tlds: frozenset[str]) -> Iterator[Span]:
    """Addresses that end in a top-level domain in use; `git@host:path` is a remote, not an address."""
    for sign in EMAIL_SIGNS:
        for at in positions(page.text, sign):
            end = _domain_end(page.text, at + len(sign), tlds)
            if end is None:
                continue
            start = _local_start(page.text, at)
            if start < at and not _is_login(page.text, start, at, end):
                yield Span(start, end, "EMAIL_ADDRESS", 0.95)


def _domain_end(text: str, start: int, tlds: frozenset[str]) -> int | None:
    """Behind the last label that is a top-level domain: what follows it may be the next sentence."""
    match = _DOMAIN.match(text, start)
    if match is None:
        return None
    _, *labels = _LABEL.finditer(text, start, match.end())
    for label in reversed(labels):
        ascii_label = _ASCII_LABEL.match(text, label.start(), label.end())
        for end in (label.end(), ascii_label.end() if ascii_label else label.start()):
            if _is_tld(text[label.start() : end].lower(), tlds):
                return end
    return None


def _is_tld(label: str, tlds: frozenset[str]) -> bool:
    return label in tlds or label in _LOCAL_TLDS or label.startswith("xn--")


def _local_start(text: str, at: int) -> int:
    """Where the local part before the `@` at `at` begins; `at` itself when there is none."""
    window = text[max(0, at - _LOCAL_PART_MAX) : at]
    size = 0
    for char in reversed(window):
        if char >= _FIRST_CJK or not (char.isalnum() or char == "_" or char in _PUNCTUATION):
            break
        size += 1
    local = window[len(window) - size :].lstrip(_PUNCTUATION)
    # What stands left of the last "=", "?", "&" or "/" belongs to a URL or an assignment.
    local = re.split(r"[=?&/|`{}]", local)[-1]
    return at - len(local) if not local.endswith(".") else at


_LOGIN_BEFORE = re.compile(r"://[^\s/@:]{0,64}:[^\s/]*\Z")


def _is_login(text: str, start: int, at: int, end: int) -> bool:
    """`git@host:path` of a remote, and `user:password@host` of a URL, whose password is a SECRET."""
    if text[start:at] == "git" and text[end : end + 1] == ":":
        return True
    return ":" in text[max(0, start - 80) : start] and _LOGIN_BEFORE.search(text, max(0, start - 80), at) is not None


_E164_DIGITS = 15
_INTERNATIONAL = re.compile(r"\+[0-9]++(?:[ \u00a0\-./()]{1,2}[0-9]++){0,7}+")
# Europe dials 00 for the plus, North America 011. Digits before or behind it make it a row of a table.
_AFTER_EXIT_CODE = re.compile(
    r"(?<![\w.+-])(?<![0-9][ ,/])(?:00|011 ?)([1-9][0-9]{0,2}(?:[ \u00a0\-./()]{1,2}[0-9]++){1,7}+)(?![\w-]|[ .,][0-9])"
)
# In one piece it may be the number of an article or an order.
_AFTER_EXIT_CODE_UNPARTED = re.compile(r"(?<![\w.+-])(?<![0-9][ ,/])00([2-9][0-9]{9,12})(?![\w-]|[ .,][0-9])")
_ARTICLE_WORDS = words(
    "ean gtin isbn sku upc barcode article artikel item order invoice rechnung bestellung ticket ref reference part "
    "serial seq id ids code number nr no"
)
_DIGITS = re.compile(r"[0-9]+")
_NORTH_AMERICAN = re.compile(
    r"(?<![A-Za-z0-9_.+-])(?:\+?1[ .-]?)?(?:\([2-9][0-9]{2}\) ?[0-9]{3}[ .-]|[2-9][0-9]{2}([.-])[0-9]{3}\1)[0-9]{4}"
    r"(?![A-Za-z0-9_]|[.-][0-9])"
)
# With blanks alone it looks like the cells of a table: nothing may go before or follow.
_NORTH_AMERICAN_SPACED = re.compile(
    r"(?<![A-Za-z0-9_.+-])(?<![0-9] )(?:1 )?[2-9][0-9]{2} [2-9][0-9]{2}[ .-][0-9]{4}(?![A-Za-z0-9_]|[.-][0-9]| [0-9])"
)
_NATIONAL = re.compile(r"\(?[0-9][0-9()]{0,16}(?:[ \u00a0\-./()]{1,2}[0-9()]{1,16}){0,6}+(?![A-Za-z0-9_-])")
_EXTENSION = re.compile(r" ?(?:x|ext\.?|extension) ?[0-9]{1,6}\b", re.I)
_DATE = re.compile(r"[0-9]{4}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:[0-9]{4}|[0-9]{2})")

_PHONE_WORDS = words(
    "phone phones telephone tel mobile cell cellphone cellular fax whatsapp sms hotline landline voicemail "
    "telefon telefono teléfono téléphone telefone telefax handy rufnummer móvil celular portable"
)
# No number that is looked for here has fewer digits, whatever parts them.
_SEVEN_DIGITS = re.compile(r"[0-9](?:[ \u00a0\-./()]{0,3}[0-9]){6}")
_CALL_WORDS = _PHONE_WORDS | words("call dial ring reach contact text anrufen llame appelez")
_UK_MOBILE = re.compile(r"07[0-9]{3} ?[0-9]{6}|07[0-9]{3} [0-9]{3} [0-9]{3}")
# Directly before a number they leave no doubt: `my number is`, `call me at`.
_CUE = re.compile(
    r"(?:\b(?:my|his|her|our|their|your) (?:new |work |home |office |private )?(?:number|nr|no\.?)(?: is|:| is:)?"
    r"|\b(?:call|dial|ring|phone|text)(?: me| us| him| her| them)?(?: back)?(?: at| on)?"
    r"|\breach(?:ed)?(?: me| us| him| her| them)? (?:at|on)) ?\Z"
)
_CUE_REACH = 40
# The cheaper question first.
_CUE_ENDS = (
    *("number", "nr", "no", "no.", "is", "call", "dial", "ring", "phone", "text", "me", "us", "him", "her", "them"),
    *("back", "at", "on"),
)
_COUNTED = re.compile(
    r"\b(?:id|order|ticket|invoice|case|ref|version|build|port)s?\b(?: (?:no|nr|number)\b)?(?: is\b)?[ .:=#\"']{0,4}\Z"
)
_YEARS = re.compile(r"(?:19|20)[0-9]{2}[-/ ](?:19|20)[0-9]{2}")
# As they are written there, and given out there.
_WRITTEN_NATIONALLY = (
    (re.compile(r"\(?0[0-9]{2,4}\)?[ -][0-9]{3,4}[ -]?[0-9]{3,4}"), "GB"),
    (re.compile(r"0[1-9](?:[ .][0-9]{2}){4}"), "FR"),
)


def find_phone_numbers(page: Page) -> Iterator[Span]:
    """International numbers, North American ones as they are written, others where a word says so."""
    reached = 0
    for start, _ in page.numbers:
        if start < reached or not _SEVEN_DIGITS.match(page.text, start):
            continue
        end = _phone_end(page, start)
        if end is not None:
            begin = start - 1 if page.text[start - 1 : start] in ("+", "(") else start
            reached = _with_extension(page.text, end)
            yield Span(begin, reached, "PHONE_NUMBER", 0.8)


def _phone_end(page: Page, start: int) -> int | None:
    """Where a phone number ends whose first digit is at `start`."""
    text = page.text
    if text[start - 1 : start] == "+" and start >= 1:
        return _international_end(text, start - 1)
    if text.startswith(("00", "011"), start) and (end := _exit_code_end(page, start)) is not None:
        return end
    begin = start - 1 if start >= 1 and text[start - 1] == "(" else start
    if match := _NORTH_AMERICAN.match(text, begin) or _NORTH_AMERICAN_SPACED.match(text, begin):
        return match.end()
    return _national_end(page, begin)


def _international_end(text: str, plus: int) -> int | None:
    """The end of the longest number that can be dialled: behind it another number may stand."""
    match = _INTERNATIONAL.match(text, plus)
    if match is None or is_word_char(text[plus - 1 : plus]):
        return None
    ends = [group.end() for group in _DIGITS.finditer(match[0])]
    return next((plus + end for end in reversed(ends) if _can_be_dialled(match[0][:end])), None)


def _exit_code_end(page: Page, start: int) -> int | None:
    """The same with `00` for the plus; other digits begin so too, so it must be a number that some country gave out."""
    match = _AFTER_EXIT_CODE.match(page.text, start)
    if match is None:
        match = _AFTER_EXIT_CODE_UNPARTED.match(page.text, start)
        if match is None or page.has_near(start, match.end(), _ARTICLE_WORDS) or is_article_number(match[0]):
            return None
    return match.end() if _is_given_out("+" + match[1], None) else None


def _is_given_out(written: str, country: str | None) -> bool:
    """Whether numbers of that form were given to anyone, in the country or, with a plus, anywhere."""
    if not 7 <= sum(map(str.isdigit, written)) <= _E164_DIGITS:  # parsing takes 20 µs
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(written, country))
    except NumberParseException:
        return False


def _can_be_dialled(written: str) -> bool:
    if not 7 <= sum(map(str.isdigit, written)) <= _E164_DIGITS:  # parsing takes 20 µs
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(written))
    except NumberParseException:
        return False


def _national_end(page: Page, begin: int) -> int | None:
    """A number that is only known by the words around it, or by being written as one in Britain or France."""
    match = _NATIONAL.match(page.text, begin)
    if match is None or page.text[begin - 1 : begin] in ("-", ".", "/", "_", "#"):
        return None
    digits = sum(map(str.isdigit, match[0]))
    if not 7 <= digits <= 15 or _is_something_else(page.text, begin, match[0]):
        return None
    if _has_cue(page, begin, match[0], digits) or _is_written_nationally(page, begin, match):
        return match.end()
    surely_formed = digits >= 10 or (match[0].lstrip("(").startswith("0") and digits >= 8)
    cues = _CALL_WORDS if surely_formed else _PHONE_WORDS
    is_told = page.has_near(begin, match.end(), cues) and not _is_counted(page, begin)
    return match.end() if is_told or _UK_MOBILE.fullmatch(match[0]) else None


def _is_counted(page: Page, begin: int) -> bool:
    """Whether it is called the number of something else: `call id 4508315945`."""
    return _COUNTED.search(page.lower, max(0, begin - _CUE_REACH), begin) is not None


def _is_something_else(text: str, begin: int, written: str) -> bool:
    return bool(_DATE.fullmatch(written) or _YEARS.fullmatch(written)) or _is_argument(text, begin, written)


def _has_cue(page: Page, begin: int, written: str, digits: int) -> bool:
    """Fewer digits in one piece are rather how often something is called."""
    if written.isdigit() and digits < 9:
        return False
    before = page.lower[max(0, begin - _CUE_REACH) : begin]
    return before.rstrip(" :").endswith(_CUE_ENDS) and _CUE.search(before) is not None


def _is_written_nationally(page: Page, begin: int, match: re.Match[str]) -> bool:
    """Without any word; where digits stand beside it, it is a row of a table."""
    beside = page.text[max(0, begin - 2) : begin] + page.text[match.end() : match.end() + 2]
    return not any(map(str.isdigit, beside)) and any(
        form.fullmatch(match[0]) and _is_given_out(match[0], country) for form, country in _WRITTEN_NATIONALLY
    )


def _is_argument(text: str, begin: int, written: str) -> bool:
    """Whether it stands as in `call(1234567890)`; in `phone(212) 555-0199` the parentheses are the number's own."""
    return written[0] == "(" and is_word_char(text[begin - 1 : begin]) and ")" not in written[1:-1]


def _with_extension(text: str, end: int) -> int:
    match = _EXTENSION.match(text, end)
    return match.end() if match else end
