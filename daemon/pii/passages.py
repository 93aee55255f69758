"""The passages of a place that are read one by one, and how they go back: a plain text is one, JSON has many."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..dialects.dialect import Place, TextKind

# A string, with what makes it a key; or a number long enough to be a card's or a phone's.
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"(?P<colon>\s*:)?|(?P<number>-?[0-9][0-9.eE+-]{5,})', re.DOTALL)
# As far as the finder looks back for a word that tells what a number is.
_LEAD_CHARS = 60
_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z_$-]*[0-9]?")


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to be scanned. `lead` stands before it and tells what it is; it is not rewritten."""

    text: str = field(repr=False)
    lead: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A JSON literal at `source[start:end]`."""

    start: int
    end: int
    passage: Passage = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlainSheet:
    place: Place = field(repr=False)
    passages: tuple[Passage, ...] = field(repr=False)

    def put_back(self, texts: Sequence[str]) -> None:
        self.place.text = texts[0]


@dataclass(frozen=True, slots=True)
class JsonSheet:
    place: Place = field(repr=False)
    literals: tuple[Literal, ...] = field(repr=False)

    @property
    def passages(self) -> tuple[Passage, ...]:
        return tuple(literal.passage for literal in self.literals)

    def put_back(self, texts: Sequence[str]) -> None:
        stays_json = self.place.kind is not TextKind.PLAIN
        self.place.text = with_literals(self.place.text, self.literals, texts, stays_json=stays_json)


def with_literals(source: str, literals: Sequence[Literal], texts: Sequence[str], *, stays_json: bool) -> str:
    """The source with those literals rewritten that have another text now; every other character stays.

    A number becomes a string where the source has to stay JSON; in a caller's prose it need not.
    """
    parts: list[str] = []
    reached = 0
    for literal, text in zip(literals, texts, strict=True):
        if text != literal.passage.text:
            is_bare = source[literal.start] != '"' and not stays_json
            parts += [source[reached : literal.start], text if is_bare else json.dumps(text, ensure_ascii=False)]
            reached = literal.end
    return "".join([*parts, source[reached:]])


Sheet = PlainSheet | JsonSheet


def sheet_of(place: Place) -> Sheet:
    """The passages of a place.

    A plain text that is a JSON object is read as JSON too, so that originals are kept unescaped: an answer
    may quote them in prose. What should be JSON and is not is read as plain text.
    """
    text = place.text
    if (place.kind is TextKind.JSON or text.lstrip().startswith("{")) and _is_json(text):
        return JsonSheet(place, tuple(literals_of(text)))
    return PlainSheet(place, (Passage(text),))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def literals_of(source: str) -> Iterator[Literal]:
    """Values and keys, each led by what stands before it: a number behind `ssn` is not any number.

    Keys that are mere identifiers are the tool's, not the user's, and are left alone.
    """
    lead = ""
    for match in _LITERAL.finditer(source):
        start, end = match.start(), match.start("colon") if match["colon"] else match.end()
        text = source[start:end] if match["number"] else json.loads(source[start:end], strict=False)
        if not (match["colon"] and _IDENTIFIER.fullmatch(text)):
            yield Literal(start, end, Passage(text, lead))
        lead = f"{lead}{text}{': ' if match['colon'] else '; '}"[-_LEAD_CHARS:]
