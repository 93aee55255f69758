"""What the guards compare, read from a text once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..placeholders import PLACEHOLDER
from . import words
from .grammar import (
    doer_in,
    equated_in,
    limits_in,
    modalities_of,
    parts_of,
    places_of_numbers,
    sought_of,
    states_of,
    switched_in,
    tenses_of,
    way_of_asking,
)
from .numbers import read_numbers
from .spelling import spelt
from .stems import stem

# A question is at most 1,024 bytes, yet anybody's: no pattern below may take cubic time.
_URL = re.compile(r"(?:https?://|www\.)\S+|[^\s@]{1,64}@[^\s@]+|(?<!\S)(?:~|\.{1,2})?/[\w.-][\w./-]*|\b[A-Za-z]:\\\S+")

_QUOTED = re.compile(r"\"([^\"\n]+)\"|“([^”\n]+)”|«([^»\n]+)»|(?<!\w)'([^'\n]+)'(?!\w)|`+([^`]+)`+")

_CODE = re.compile(
    r"""
      \b[^\W\d]\w*(?:\.(?![A-Z][a-z]*\s)[^\W\d]\w*)+         # df.dropna, file.py; no sentence.Without its blank
    | (?<!\S)\.[A-Za-z]\w*                                  # .xlsx
    | \w*(?:\+\+|--)\w+ | \w+(?:\+\+|--)(?!\w)               # ++i, i++
    | [\^!]\w+                                               # ^a, !x
    | \b[^\W_]*_\w+                                         # snake_case, CONSTANT_CASE
    | \b[a-z]+[A-Z]\w*                                      # camelCase; CamelCase is more often a brand
    | \b[^\W\d]\w*(?=\()                                    # called(
    | (?<!\S)-{1,2}[A-Za-z][\w-]*                           # --flag
    | [$@\#][A-Za-z_]\w* | \\\w                             # $VAR, @decorator, \n
    | [<>=!+*%^|&~/:-]*[<>=+*^|~][<>=!+*%^|&~/:-]* | && | ::
    | (?<=\d\s)[-/%](?=\s\d)
    | [\[\]{}]
    """,
    re.VERBOSE,
)

_TOKEN = re.compile(
    r"c\+\+|[cf]\#(?!\w)|node\.js"
    r"|(?:(?<![\w.)])-)?\d+(?:,\d{3})+(?:\.\d+)?|(?:(?<![\w.)])-)?\d+(?:[.:]\d+)*"
    r"|[$€£¥₹₩₽%°]|[^\W\d_]+(?:['’][^\W\d_]+)?"
)

_CAPITALISED = re.compile(r"(?<=[\w,;)'\"] )[A-Z][\w'-]*")

_CONTRACTED_NOT = re.compile(r"\b(?:ca|wo)n['’]t\b|(?<=[a-z])n['’]t\b|\bcannot\b", re.IGNORECASE)

_SUFFIX = re.compile(r"['’](?:s|m|d|re|ve|ll)\b")

# What people wrap a question in; it changes nothing in the answer.
_FRAME = re.compile(
    r"^(?:\W*\b(?:hi|hello|hey|ok|okay|so|please|pls|kindly|well|thanks|thank you|tell me|let me know|"
    r"(?:can|could|would|will) you(?: please| kindly)?(?: help me(?: to)?)?"
    r"(?: tell me| explain(?: to me)?| let me know)?|"
    r"i (?:want|need|would like|wish|'d like) to (?:know|understand|ask)|i was wondering|do you know|"
    r"any idea)\b[,:!.]*\s*)+",
    re.IGNORECASE,
)

# To say that one does not know is to ask.
_DOUBT = re.compile(
    r"\b(?:i ?['’]?a?m |i )?(?:not (?:quite |really |exactly )?(?:sure|certain)"
    r"|(?:do not|don['’]?t) (?:know|understand)|(?:have )?no idea)\b|\bor not\b",
    re.IGNORECASE,
)

_KINDS: Mapping[str, Mapping[str, str]] = {
    "unit": words.UNITS,
    "date": words.CALENDAR,
    "currency": words.CURRENCIES,
    "time zone": words.TIME_ZONES,
    "language": words.LANGUAGES,
    "technology": words.TECHNOLOGIES,
    "format": words.FORMATS,
    "length": words.LENGTHS,
}


@dataclass(frozen=True, slots=True)
class Features:
    """One text as the guards see it. Tuples keep the text's order; words are lower case."""

    text: str
    folded: str
    urls: tuple[str, ...]
    quoted: tuple[str, ...]
    backticked: tuple[str, ...]
    code: tuple[str, ...]
    """With words that stand in the text in two cases: `Map` beside `map`."""
    shouted: frozenset[str]
    """IT, US, WHO, which in lower case are other words."""
    tokens: tuple[str, ...]
    """Words and numbers, without the politeness around the question."""
    meanings: tuple[str, ...]
    """Of each token, so that synonyms and forms of a word are equal; empty where it carries none."""
    parts: tuple[str, ...]
    """`meanings` with the persons in their places: in `what do I expect from my boss` I, expectations and a boss."""
    content: frozenset[str]
    """The meanings that there are."""
    stems: frozenset[str]
    """Of the words that are not light, without a look at the closed lists."""
    numbers: tuple[str, ...]
    measures: frozenset[str]
    """Numbers with the unit behind them, and units that are asked for: `5 km`, `? mile`."""
    members: Mapping[str, tuple[str, ...]]
    """Members of the closed lists, by kind; a kind without any is left out."""
    poles: Mapping[int, frozenset[int]]
    """Sides taken, by pair of opposites."""
    negations: int
    modalities: frozenset[str]
    persons: tuple[str, ...]
    possessives: frozenset[str]
    tenses: frozenset[str]
    states: frozenset[tuple[str, str]]
    question_words: frozenset[str]
    way_of_asking: str
    sought: frozenset[str]
    equated: frozenset[str]
    switched: frozenset[str]
    limits: frozenset[str]
    places_of_numbers: frozenset[tuple[str, str]]
    doer: str
    entities: frozenset[str]
    """Capitalised inside a sentence."""
    governed: Mapping[str, frozenset[str]]
    """Content to the prepositions right before it."""


def read_features(text: str) -> Features:
    urls, rest = _cut(_URL, text) if _may_hold_url(text) else ((), text)
    rest = PLACEHOLDER.sub(" ", rest)
    tokens = _tokens(rest)
    numbers, measures = read_numbers(tokens)
    meanings = [_meaning(token) for token in tokens]
    quoted, backticked = _quoted(rest)
    return Features(
        text=text,
        folded=text.casefold(),
        urls=tuple(url.rstrip(".,;:!?)") for url in urls),
        quoted=quoted,
        backticked=backticked,
        code=(*(_CODE.findall(rest) if _may_hold_code(rest) else ()), *_told_by_case(rest)),
        shouted=frozenset() if text.isupper() else frozenset(_SHOUTED.findall(rest)),
        tokens=tokens,
        meanings=tuple(meanings),
        parts=parts_of(tokens, meanings),
        content=frozenset(filter(None, meanings)),
        stems=frozenset(stem(token) for token in tokens if token not in words.LIGHT and token[0].isalpha()),
        numbers=numbers,
        measures=measures,
        members=_members_by_kind(tokens),
        poles=_poles(tokens),
        negations=sum(token in words.NEGATORS for token in tokens),
        persons=_members(tokens, words.PERSONS),
        possessives=frozenset(words.PERSONS[token] for token in words.POSSESSIVES.intersection(tokens)),
        tenses=tenses_of(tokens),
        modalities=modalities_of(tokens),
        states=states_of(tokens),
        question_words=frozenset(_members(tokens, words.QUESTION_WORDS)),
        way_of_asking=way_of_asking(tokens),
        sought=sought_of(tokens),
        equated=equated_in(tokens),
        switched=switched_in(tokens),
        limits=limits_in(tokens),
        places_of_numbers=places_of_numbers(tokens),
        doer=doer_in(tokens),
        entities=_entities(rest),
        governed=_governed(tokens, meanings),
    )


def _cut(pattern: re.Pattern[str], text: str) -> tuple[tuple[str, ...], str]:
    """What the pattern finds, and the text without it."""
    found = tuple(pattern.findall(text))
    return found, pattern.sub(" ", text) if found else text


# Most texts hold nothing of what the dear patterns look for, which a few searches for single characters tell:
# they halve the time for a long question.


def _may_hold_url(text: str) -> bool:
    return "/" in text or "@" in text or "\\" in text or "www." in text


def _may_hold_code(text: str) -> bool:
    return (
        not _CODE_CHARACTERS.isdisjoint(text)
        or _INNER_MARK.search(text) is not None
        or "::" in text
        or "&&" in text
        or "- " in text
        or "/ " in text
        or "% " in text
        or " -" in text
        or text[:1] == "-"
        or "\n-" in text
        or "\t-" in text
        or (not text.islower() and _CAMEL.search(text) is not None)
    )


_CODE_CHARACTERS = frozenset("_($@#\\<>=+*^|~[]{}")
_INNER_MARK = re.compile(r"[.!]\w")
_CAMEL = re.compile(r"[a-z][A-Z]")


def _quoted(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What stands between quotation marks, and what between backticks."""
    if _QUOTATION_MARKS.isdisjoint(text):
        return (), ()
    found = _QUOTED.findall(text)
    return tuple(filter(None, ("".join(marks[:-1]) for marks in found))), tuple(filter(None, (m[-1] for m in found)))


_QUOTATION_MARKS = frozenset("\"“«'`")


def _tokens(text: str) -> tuple[str, ...]:
    folded = text.lower()
    if _FREE_OF in folded:
        text = text.lower().replace(_FREE_OF, " without")
    if " but " in folded:
        text = _ALL_BUT.sub(" except ", text)
    if "'s" in folded or "’s" in folded:
        text = _CONTRACTED_IS.sub(" is", text)
    has_contraction = "n't" in folded or "n’t" in folded or "cannot" in folded
    spelled = _CONTRACTED_NOT.sub(_spell_out, text) if has_contraction else text
    may_doubt = any(sign in folded for sign in _SIGNS_OF_DOUBT)
    asked = _FRAME.sub("", _DOUBT.sub(" ", spelled) if may_doubt else spelled)
    return tuple(map(spelt, _TOKEN.findall(_SUFFIX.sub("", asked.lower()))))


_FREE_OF = "-free"
_ALL_BUT = re.compile(r"(?<=\b(?:all|any))(?:one|body|thing)? but |(?<=\bevery)(?:one|body|thing) but ", re.IGNORECASE)
_CONTRACTED_IS = re.compile(r"(?<=\b(?:who|how|why))['’]s\b|(?<=\b(?:what|when|that))['’]s\b|(?<=\bwhere)['’]s\b", re.I)

_SIGNS_OF_DOUBT = ("sure", "certain", "know", "understand", "idea", "or not")


def _spell_out(contraction: re.Match[str]) -> str:
    """`can't` is `can not`, `doesn't` is `does not`."""
    text = contraction.group().lower()
    return "can not" if text.startswith("ca") else "will not" if text.startswith("wo") else " not"


@lru_cache(4_096)
def _meaning(token: str) -> str:
    """One name for all forms of a word; empty for what carries no meaning by itself."""
    if token in words.NEGATORS:
        return "not"
    if token in words.LIGHT or token in words.SPELLED_NUMBERS or not (token[-1].isalpha() or token in words.UNITS):
        return ""
    if token in words.OPPOSITES:
        return str(words.OPPOSITES[token][0])
    if token in words.UNITS:
        return words.UNITS[token]
    return words.SYNONYMS.get(token) or stem(token)


def _members(tokens: Iterable[str], table: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(table[token] for token in tokens if token in table)


def _members_by_kind(tokens: Sequence[str]) -> dict[str, tuple[str, ...]]:
    sure = [token for before, token in zip(("", *tokens), tokens, strict=False) if _is_sure(before, token)]
    found = ((kind, _members(sure, table)) for kind, table in _KINDS.items())
    return {kind: members for kind, members in found if members}


_NO_LENGTHS = (("how", "long"), ("so", "long"), ("too", "long"), ("as", "long"))


def _is_sure(before: str, token: str) -> bool:
    """`how long` asks for no length, and `I am` is no hour."""
    if token in words.ONLY_BEHIND_NUMBERS:
        return before[:1].isdecimal()
    return (before, token) not in _NO_LENGTHS


def _poles(tokens: Iterable[str]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for token in tokens:
        for pair, pole in words.OPPOSITES.get(token, ()):
            found.setdefault(pair, set()).add(pole)
    return {pair: frozenset(poles) for pair, poles in found.items()}


def _told_by_case(text: str) -> tuple[str, ...]:
    """Capitalised words inside a text that has them in lower case as well: `Map` beside `map`."""
    if text.islower() or text.isupper():
        return ()
    capitalised = [word for word in _CAPITALISED.findall(text) if not word.isupper()]
    lower = set(_LOWER_WORD.findall(text)) if capitalised else ()
    return tuple(word for word in capitalised if word.lower() in lower)


_SHOUTED = re.compile(r"\b(?:IT|US|WHO)\b")
_LOWER_WORD = re.compile(r"\b[a-z]{2,}\b")


def _entities(text: str) -> frozenset[str]:
    """A text that capitalises every other word names nothing by it."""
    found = _CAPITALISED.findall(text)
    if 2 * len(found) > text.count(" ") + 2:
        return frozenset()
    return frozenset(_SUFFIX.sub("", name.lower()) for name in found) - {"i"}


def _governed(tokens: Sequence[str], meanings: Sequence[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    preposition = ""
    for token, meaning in zip(tokens, meanings, strict=True):
        if token in words.PREPOSITIONS:
            preposition = token
        elif governed := token if token[0].isdecimal() else meaning:
            if preposition:
                found.setdefault(governed, set()).add(preposition)
            preposition = ""
    return {meaning: frozenset(prepositions) for meaning, prepositions in found.items()}
