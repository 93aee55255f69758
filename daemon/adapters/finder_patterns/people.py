"""Names, birthdays and addresses, where the words around them leave no doubt. The rest needs a tagger."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...exchange import Span
from .page import Page, positions

_NAME_PART = r"(?:[A-ZÀ-ÖØ-ÞĀ-Ž][\w'’]+(?:-[A-Z]\w+)?|[A-Z]\.)"
_PARTICLE = r"(?:van|von|de|del|della|di|da|dos|bin|ibn|al|el|la|le|der|den|ter|ten)"
_NAME = rf"{_NAME_PART}(?: (?:{_PARTICLE} ){{0,2}}{_NAME_PART}){{0,3}}"
_FULL_NAME = rf"{_NAME_PART}(?: (?:{_PARTICLE} ){{0,2}}{_NAME_PART}){{1,3}}"

_AFTER_CUE = re.compile(rf"[ \t]?({_NAME})")
_CUES = (
    "patient: ",
    "je m'appelle ",
    "ich heiße ",
    "me llamo ",
    "mi nombre es ",
)
_CUES_WITH_NAME = (
    "my name is ",
    "my name's ",
    "his name is ",
    "her name is ",
    "their name is ",
    "full name: ",
    "full name is ",
    "patient name: ",
    "customer name: ",
    "employee name: ",
    "contact name: ",
    "name of patient: ",
    "mein name ist ",
)

_TITLES = (
    "Mr",
    "Mrs",
    "Ms",
    "Mx",
    "Miss",
    "Dr",
    "Prof",
    "Herr",
    "Frau",
    "Mme",
    "Madame",
    "Monsieur",
    "Señor",
    "Señora",
)
_AFTER_TITLE = re.compile(
    rf"\.?(?: (?:Dr|Prof)\.?)?[ \u00a0]({_NAME_PART}(?: (?:{_PARTICLE} ){{0,2}}{_NAME_PART}){{0,2}})"
)

_AFTER_DEAR = re.compile(
    r" (?!Sir|Madam|Team|All|Customer|Hiring|Friend|Colleague|Everyone|User|Diary|Santa|M[rsx]|Mrs|Miss|Dr|Prof)"
    rf"({_NAME})[,:!\n]"
)
_CLOSINGS = (
    "regards,",
    "sincerely,",
    "cheers,",
    "yours,",
    "yours truly,",
    "thanks,",
    "best,",
    "grüßen",
    "cordialement,",
)
_SIGNATURE = re.compile(rf"[ \t]*\r?\n\s{{0,3}}({_FULL_NAME})(?=[ \t]*(?:\r?\n|\Z))")


def find_people(page: Page) -> Iterator[Span]:
    """Names behind a cue: `my name is`, a title, `Dear`, the end of a letter."""
    for cue in (*_CUES, *_CUES_WITH_NAME) if "name" in page.lower else _CUES:
        for at in positions(page.lower, cue):
            yield from _name(_AFTER_CUE.match(page.text, at + len(cue)))
    for title in _TITLES:
        for at in positions(page.text, title):
            if not page.text[max(0, at - 1) : at].isalnum():
                yield from _name(_AFTER_TITLE.match(page.text, at + len(title)))
    for at in positions(page.text, "Dear"):
        yield from _name(_AFTER_DEAR.match(page.text, at + len("Dear")))
    for closing in _CLOSINGS:
        for at in positions(page.lower, closing):
            yield from _name(_SIGNATURE.match(page.text, at + len(closing)))


def _name(match: re.Match[str] | None) -> Iterator[Span]:
    if match:
        yield Span(*match.span(1), "PERSON", 0.8)


_MONTH = (
    r"(?:Jan(?:uary|uar)?|Feb(?:ruary|ruar)?|Mar(?:ch)?|März|Apr(?:il)?|May|Mai|June?|Juni|July?|Juli|Aug(?:ust)?"
    r"|Sept?(?:ember)?|O[ck]t(?:ober)?|Nov(?:ember)?|De[cz](?:ember)?)\.?"
)
_DATE = re.compile(
    rf"[0-9]{{4}}[-./][0-9]{{1,2}}[-./][0-9]{{1,2}}|[0-9]{{1,2}}[-./ ][0-9]{{1,2}}[-./ ][0-9]{{2,4}}"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?(?: of)? {_MONTH},? [0-9]{{4}}"
    rf"|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}",
    re.I,
)
_BIRTH_CUES = ("born", "birth", "d.o.b", "dob", "geboren", "geburts", "né le", "née le", "nacimiento", "nascimento")
_BIRTH_REACH = 40


def find_birthdays(page: Page) -> Iterator[Span]:
    """Dates up to 40 characters behind a word of birth, in the same line."""
    for cue in _BIRTH_CUES:
        for at in positions(page.lower, cue):
            if page.lower[max(0, at - 1) : at].isalpha():
                continue
            line = page.text[at : at + _BIRTH_REACH + 20].split("\n", 1)[0]
            if match := _DATE.search(line):
                yield Span(at + match.start(), at + match.end(), "DATE_OF_BIRTH", 0.85)


_STREET_KIND = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Way|Place|Pl|Square|Sq"
    r"|Terrace|Ter|Parkway|Pkwy|Highway|Hwy|Close|Crescent|Mews|Gardens|Row)\b\.?"
)
_STREET_AFTER = re.compile(
    r"[0-9]{1,5}[A-Za-z]?,? (?:[NSEW]\.? |[NS][EW] )?"
    rf"(?:[A-Z][\w'’.-]{{1,24}} |[0-9]{{1,3}}(?:st|nd|rd|th) ){{1,3}}{_STREET_KIND}"
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|Fl|#)\.? ?#?[0-9A-Za-z-]{1,6}\b)?"
    r"(?:, (?:[A-Z][\w.'’-]{1,24} ?){1,3}, (?:[A-Z]{2} [0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}))?"
)
_RUE_AFTER = re.compile(
    r"[0-9]{1,4}(?: ?(?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|allée|impasse|quai)"
    r"(?: (?:de|du|des|la|le|les|d'|l'))*[ ']?[A-ZÀ-Þ][\w'’-]{1,24}(?: (?:de|du|des|la)? ?[A-ZÀ-Þ][\w'’-]{1,24}){0,3}"
)
_STREET_BEFORE = re.compile(
    r"(?<!\w)[A-ZÄÖÜ][\wäöüß.-]{2,30}(?:straße|strasse|str\.|weg|platz|allee|gasse|ring|damm|ufer) \Z"
)


def find_streets(page: Page) -> Iterator[Span]:
    """`12 Long Street, Apt 3`, `12 rue de la Paix`, `Lange Straße 12`."""
    text = page.text
    for start, end in page.numbers:
        if end - start > 6 or not text[start].isdigit():
            continue
        if match := _STREET_AFTER.match(text, start) or _RUE_AFTER.match(text, start):
            yield Span(start, match.end(), "STREET_ADDRESS", 0.75)
        elif text[start - 1 : start] == " ":
            window = max(0, start - 45)
            if before := _STREET_BEFORE.search(text[window:start]):
                yield Span(window + before.start(), end, "STREET_ADDRESS", 0.75)
