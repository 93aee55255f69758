"""From how likely each word belongs to a name or an address to where these begin and end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .finder_patterns.page import positions, words
from .tagger_words import Gap

# A finding takes in words that are at least so likely; how sure it is, its likeliest word says.
TAKEN_IN = 0.3

_EDGES = ",;:|/()[]{}<>\"'“”‘’«»-–—_*#=@&\\ \n\t"
_MAIL_LOCAL = re.compile(r"[^\s@<>()\[\]{},;:\"']+\Z")
_MAIL_DOMAIN = re.compile(r"[^\s@<>()\[\]{},;:\"']+")
_LONGEST_LOCAL = 64
# What stands before numbers, in capitals like a name in a form.
_LABELS = words(
    "iban bic swift ssn itin tin ein vat nhs nino dob mrn dni nif nie cpf cnpj bsn pesel tfn abn sin pan nir ahv cvv "
    "cvc pin otp ip ipv4 ipv6 mac url uri uuid id api jwt key token btc eth usd eur gbp"
)
# Programs stand before addresses and quotes as first names do.
_PROGRAMS = words(
    "awk bash cat cd chmod chown cp curl cut diff echo find git grep head kill less ls mail make man mkdir mv node npm "
    "pip ping python rg rm scp sed sh sort ssh sudo tail tar touch tr vim wc wget xargs"
)
# An agent's prompt says who it is, and its provider may insist on these words. Whoever bears one as a first name is
# found by both names.
_ASSISTANTS = words("claude codex copilot cortana gemini grok siri")
_NO_NAMES = _LABELS | _PROGRAMS | _ASSISTANTS


class LikelyWord(NamedTuple):
    """A word that may belong to a finding."""

    number: int
    """Counted from the beginning of the text: neighbours have neighbouring numbers."""
    start: int
    end: int
    gap: int
    kind: str
    certainty: float
    """How likely it belongs to a finding of that kind."""
    begins: bool
    """Whether it rather begins one than goes on with it."""


class Found(NamedTuple):
    start: int
    end: int
    kind: str
    certainty: float


def outside_addresses(likely: Iterable[LikelyWord], text: str) -> Iterator[LikelyWord]:
    """The words but for those of mail addresses: names stand in many, and what is beside one is a value of its own."""
    inside = list(_mail_addresses(text))
    at = 0
    for word in likely:
        while at < len(inside) and inside[at][1] <= word.start:
            at += 1
        if at == len(inside) or word.end <= inside[at][0]:
            yield word


def _mail_addresses(text: str) -> Iterator[tuple[int, int]]:
    for at in positions(text, "@"):
        window = max(0, at - _LONGEST_LOCAL)
        local = _MAIL_LOCAL.search(text[window:at])
        domain = _MAIL_DOMAIN.match(text, at + 1)
        if local and domain:
            yield window + local.start(), domain.end()


def grown(likely: Iterable[LikelyWord], text: str) -> Iterator[Found]:
    """Neighbouring words of one kind, as far as they belong together, without the marks around them."""
    run: list[LikelyWord] = []
    for word in likely:
        if run and not _belongs_to(run[-1], word, text):
            yield from _found(run, text)
            run = []
        run.append(word)
    yield from _found(run, text)


def _belongs_to(before: LikelyWord, word: LikelyWord, text: str) -> bool:
    if word.number != before.number + 1 or word.kind != before.kind:
        return False
    if word.kind == "PERSON":
        # First and last name, with nothing between them, are one person's; over the end of a line no name goes on.
        return word.gap <= Gap.BLANK and not (word.begins and not text[before.end - 1].isalpha())
    if word.kind == "STREET_ADDRESS":
        return not (word.begins and word.gap >= Gap.LINE)
    return not word.begins


def _found(run: list[LikelyWord], text: str) -> Iterator[Found]:
    if not run:
        return
    start, end = run[0].start, run[-1].end
    while start < end and text[start] in _EDGES:
        start += 1
    while start < end and text[end - 1] in _EDGES:
        end -= 1
    if _can_be(run[0].kind, text[start:end]):
        yield Found(start, end, run[0].kind, max(word.certainty for word in run))


def _can_be(kind: str, value: str) -> bool:
    """A name has a letter, an address a number too."""
    has_letter = any(map(str.isalpha, value)) and value.lower() not in _NO_NAMES
    return has_letter and (kind != "STREET_ADDRESS" or any(map(str.isdigit, value)))
