"""Texts that others wrote: labelled corpora, questions without names, program code."""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from .labelled import IGNORE, Labelled, Mark, joined
from .names import NameWriter
from .noise import cased
from .words import WORDS

_KINDS = {
    **{"person": "PERSON", "per": "PERSON"},
    **{"location": "LOCATION", "loc": "LOCATION"},
    **{"corporation": "ORGANIZATION", "group": "ORGANIZATION", "org": "ORGANIZATION"},
}
_NO_BLANK_BEFORE = re.compile(r"[.,!?;:%)\]}…]+|'(?:s|m|re|ve|ll|d|t)|n't|'")
_NO_BLANK_BEHIND = ("(", "[", "{", "$", "#", "@")

# Their licences allow what is made of them to be given on: Apache-2.0, MIT, BSD.
_CODE = WORDS["packages"]
_TELLS_OF_PEOPLE = re.compile(
    r"(?i)author|copyright|written by|contribut|thanks to|maintain|credit|courtesy|person|surname"
)
_CAPITALISED = re.compile(r"(?<![\w.@/-])[A-ZÀ-Þ][a-zß-ÿ]{3,}(?![\w(./@-])")
_CODE_LINES = 24
_DOCUMENTATION = re.compile(r'"documentation":("(?:[^"\\]|\\.)*")')
_TAG = re.compile(r"<[^>]+>")

_PEOPLE = (
    r"man|woman|boy|girl|child|doctor|teacher|lawyer|patient|student|professor|president|senator|governor|actor|actress|"
    r"singer|painter|writer|author|poet|scientist|neighbor|clerk|waiter|manager|director|boss|old man|old woman|"
    r"young man|young woman|defendant|witness|victim|prisoner|soldier|captain|king|queen|prince|minister|candidate|"
    r"speaker|player|coach|driver|nurse|guest|visitor|stranger|baby|husband|wife|widow|mayor|judge|priest"
)
_SOMEONE = re.compile(
    rf"\b(?:[Hh]e|[Ss]he|him|[Tt]he (?:{_PEOPLE})|[Mm]y (?:brother|sister|uncle|aunt|son|daughter|friend))\b(?!')"
)
_POSSESSIVE = re.compile(r" (?:his|her) (?=[a-z]{3,})")


def read_conll(file: Path) -> list[Labelled]:
    """Sentences, the words set as people set them."""
    sentences: list[Labelled] = []
    rows: list[tuple[str, str]] = []
    for line in [*file.read_text(encoding="utf-8").splitlines(), ""]:
        fields = re.split(r"[\t ]", line)
        if len(fields) > 1 and not line.startswith("# "):
            at = 1 if fields[0].isdigit() and len(fields) > 3 else 0
            rows.append((fields[at], fields[at + 1]))
        elif rows:
            sentences.append(_sentence(_without_usernames(rows)))
            rows = []
    return sentences


def _without_usernames(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The Broad Twitter Corpus marks most @usernames as people."""
    kept: list[tuple[str, str]] = []
    for word, label in rows:
        if kept and kept[-1][0] == "@":
            kept[-1] = (f"@{word}", "O")
        else:
            kept.append((word, "O" if word.startswith("@") else label))
    return kept


def _sentence(rows: list[tuple[str, str]]) -> Labelled:
    text = ""
    marks: list[Mark] = []
    glue, last = True, "O"
    for word, label in rows:
        prefix, _, name = label.partition("-")
        kind = _KINDS.get(name.lower())
        if not (glue or _NO_BLANK_BEFORE.fullmatch(word)):
            text += " "
        start = len(text)
        text += word
        if kind and prefix == "I" and last == kind and marks:
            marks[-1] = Mark(marks[-1].start, len(text), kind)
        elif kind:
            marks.append(Mark(start, len(text), kind))
        glue, last = word in _NO_BLANK_BEHIND, kind or "O"
    return Labelled(text, tuple(marks))


def varied(sentence: Labelled, names: NameWriter, random: Random) -> Labelled:
    """With other names now and then, in another case now and then."""
    return cased(_renamed(sentence, names) if random.random() < 0.5 else sentence, random, lower=0.12)


def _renamed(sentence: Labelled, names: NameWriter) -> Labelled:
    parts: list[Labelled | str] = []
    reached = 0
    for mark in sentence.marks:
        value = sentence.text[mark.start : mark.end]
        parts.append(sentence.text[reached : mark.start])
        parts.append(_other(value, names) if mark.kind == "PERSON" else Labelled.of(value, mark.kind))
        reached = mark.end
    return joined([*parts, sentence.text[reached:]])


def _other(value: str, names: NameWriter) -> Labelled:
    if value.startswith("#"):
        return Labelled.of(value, "PERSON")
    return names.full() if " " in value else names.first()


def read_questions(file: Path) -> list[Labelled]:
    """Those of every second intent: the others are there to measure with."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    taken = set(sorted({row["cls"] for row in rows})[::2]) - {"change_user_name", "change_ai_name", "text", "make_call"}
    return [Labelled(row["text"]) for row in rows if row["cls"] in taken]


def read_code(packages: Path, names: frozenset[str], most: int, random: Random) -> list[Labelled]:
    """Pieces of Python and of descriptions in Markdown. What may be somebody's name there is ignored."""
    files = [file for package in _CODE for file in sorted((packages / package).rglob("*.py"))]
    for package in _CODE:
        files += sorted(packages.glob(f"{package}-*.dist-info/METADATA"))
    return _read_pieces(files, names, most, random)


def read_scripts(modules: Path, names: frozenset[str], most: int, random: Random) -> list[Labelled]:
    """Pieces of JavaScript, TypeScript, styles and Markdown."""
    files = [
        file
        for package in WORDS["scripts"]
        for pattern in ("*.js", "*.ts", "*.mjs", "*.css", "*.md", "*.json")
        for file in sorted((modules / package).rglob(pattern))
        if ".min." not in file.name
    ]
    return _read_pieces(files, names, most, random)


def read_descriptions(packages: Path, names: frozenset[str], most: int, random: Random) -> list[Labelled]:
    """What botocore says of the services that it speaks to: many sentences of technical English."""
    found: set[str] = set()
    for file in sorted((packages / "botocore" / "data").rglob("service-2.json.gz")):
        for match in _DOCUMENTATION.findall(gzip.decompress(file.read_bytes()).decode()):
            text = html.unescape(_TAG.sub("", json.loads(match))).strip()
            if 30 < len(text) < 900 and not _TELLS_OF_PEOPLE.search(text):
                found.add(text)
    return [
        Labelled(text, tuple(_doubtful(text, names))) for text in random.sample(sorted(found), min(most, len(found)))
    ]


def read_plain(texts: Iterable[str], names: frozenset[str]) -> list[Labelled]:
    """Sentences without names, but for what may be one."""
    return [Labelled(text, tuple(_doubtful(text, names))) for text in texts]


def told_of_people(examples: Iterable[str]) -> list[str]:
    """Templates made of sentences that say `he`, `her`, `the man`: a name can stand there."""
    templates = []
    for example in examples:
        if "{" in example or "[" in example or not _SOMEONE.search(example):
            continue
        with_slots = _POSSESSIVE.sub(" {first}'s ", _SOMEONE.sub("{someone}", example, count=2), count=1)
        templates.append(with_slots)
    return templates


def _read_pieces(files: list[Path], names: frozenset[str], most: int, random: Random) -> list[Labelled]:
    random.shuffle(files)
    pieces: list[Labelled] = []
    for file in files:
        fresh = [piece for piece in _pieces(file) if not _TELLS_OF_PEOPLE.search(piece)]
        pieces += [
            Labelled(piece, tuple(_doubtful(piece, names))) for piece in random.sample(fresh, min(4, len(fresh)))
        ]
        if len(pieces) >= most:
            break
    return pieces[:most]


def _pieces(file: Path) -> Iterator[str]:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    for at in range(0, len(lines), _CODE_LINES):
        piece = "\n".join(line[:160] for line in lines[at : at + _CODE_LINES])
        if len(piece) > 80:
            yield piece


def _doubtful(piece: str, names: frozenset[str]) -> Iterable[Mark]:
    return (Mark(*match.span(), IGNORE) for match in _CAPITALISED.finditer(piece) if match[0] in names)
