"""Tables, forms, logs and configurations: the same records in every notation that programs and offices use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

from .labelled import Labelled, joined
from .words import RECORDS

Slots = Mapping[str, Callable[[], Labelled | str]]
Row = Sequence[Labelled | str]

# What stands before a name that a program gives a value to, and behind the value.
_ASSIGNMENTS = (*(("", ""), ("const ", ";"), ("let ", ";"), ("self.", ""), ("$", ";"), ("user.", ""), ("export ", "")),)


class Field(NamedTuple):
    key: str
    slot: str


class RecordWriter:
    """Records of people, and as many of things, whose `name` is no person's."""

    def __init__(self, slots: Slots, random: Random) -> None:
        self._slots = slots
        self._random = random
        self._notations = (
            *(self._separated, self._separated, self._markdown, self._json, self._json, self._json_lines, self._yaml),
            *(self._xml, self._html, self._sql, self._form, self._form, self._constructor, self._log, self._assigned),
        )

    def any(self) -> Labelled:
        fields = self._fields()
        count = self._random.choice((1, 1, 2, 2, 3, 4, 6))
        rows = [[self._slots[field.slot]() for field in fields] for _ in range(count)]
        return self._random.choice(self._notations)([field.key for field in fields], rows)

    def _fields(self) -> list[Field]:
        """Two to six, in one way of writing keys."""
        kind = self._random.choice(("person", "person", "person", "thing"))
        named = self._random.choice(RECORDS[kind])
        others = RECORDS["other"] + (RECORDS["other_of_people"] if kind == "person" else RECORDS["other_of_things"])
        rest = self._random.sample(others, self._random.randint(0 if len(named) > 1 else 1, 4))
        chosen = [*rest[:1], *named, *rest[1:]] if self._random.random() < 0.3 else [*named, *rest]
        if self._random.random() < 0.15:
            self._random.shuffle(chosen)
        style = self._random.choice(_STYLES)
        return [Field(style(self._random.choice(keys.split("|"))), slot) for keys, slot in chosen]

    def _separated(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        mark = self._random.choice((",", ",", ";", "\t", "|", ", ", " | "))
        quote = self._random.choice(("", "", '"'))
        head = [mark.join(f"{quote}{key}{quote}" for key in keys)] if self._random.random() < 0.7 else []
        return joined([*head, *(joined([_quoted(value, quote) for value in row], mark) for row in rows)], "\n")

    def _markdown(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        head = [f"| {' | '.join(keys)} |", "|" + "|".join(["---"] * len(keys)) + "|"]
        return joined([*head, *(_between("| ", joined(row, " | "), " |") for row in rows)], "\n")

    def _json(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        step = self._random.choice(("", "  ", "    "))
        objects = [self._object(keys, row, step) for row in rows]
        if len(rows) == 1 and self._random.random() < 0.7:
            return objects[0]
        if self._random.random() < 0.3:
            return _between(f'{{"{self._wrapper()}": [', joined(objects, ", "), "]}")
        return _between("[", joined(objects, ",\n" if step else ", "), "]")

    def _json_lines(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        return joined([self._object(keys, row, "") for row in rows], "\n")

    def _object(self, keys: Sequence[str], row: Row, step: str) -> Labelled:
        colon = self._random.choice((": ", ": ", ":"))
        edge = "\n" if step else ""
        pairs = _pairs(keys, row, lambda key: f"{step}{json.dumps(key, ensure_ascii=False)}{colon}", '"')
        return _between(f"{{{edge}", joined(pairs, f",{edge or ' '}"), f"{edge}}}")

    def _yaml(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        quote = self._random.choice(("", "", '"', "'"))
        head = [f"{self._wrapper()}:"] if self._random.random() < 0.6 else []
        items = [joined(_pairs(keys, row, lambda key: f"{key}: ", quote), "\n    ") for row in rows]
        return joined([*head, *(joined(["  - ", item]) for item in items)], "\n")

    def _xml(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        outer = self._wrapper().rstrip("s")
        between = self._random.choice(("", "\n  "))
        names = [key.replace(" ", "") for key in keys]
        elements = [
            joined(
                [_between(f"<{name}>", value, f"</{name}>") for name, value in zip(names, row, strict=True)], between
            )
            for row in rows
        ]
        return joined([_between(f"<{outer}>{between}", inner, f"{between[:1]}</{outer}>") for inner in elements], "\n")

    def _html(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        head = "<tr>" + "".join(f"<th>{key}</th>" for key in keys) + "</tr>"
        body = [_between("<tr><td>", joined(row, "</td><td>"), "</td></tr>") for row in rows]
        return joined(["<table>", head, *body, "</table>"], self._random.choice(("", "\n")))

    def _sql(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        start = f"INSERT INTO {self._wrapper()} ({', '.join(map(_snake, keys))}) VALUES "  # noqa: S608 - only a text
        values = [_between("('", joined(row, "', '"), "')") for row in rows]
        return _between(start, joined(values, ",\n  "), ";")

    def _form(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        colon = self._random.choice((": ", ": ", ":", " : ", ":\t", " - ", ":\n"))
        bullet, star = self._random.choice((("", ""), ("", ""), ("- ", ""), ("- ", "**"), ("", "**"), ("* ", "")))
        between = self._random.choice(("\n", "\n", "\n", "; ", ", ", "  ", "\n\n"))
        behind = f"{colon.rstrip()}{star} " if star else colon
        forms = [joined(_pairs(keys, row, lambda key: f"{bullet}{star}{key}{behind}"), between) for row in rows]
        return joined(forms, "\n\n")

    def _constructor(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        kind = self._wrapper().rstrip("s").capitalize()
        quote = self._random.choice("\"'")
        arguments = [joined(_pairs(keys, row, lambda key: f"{_snake(key)}=", quote), ", ") for row in rows]
        return joined([_between(f"{kind}(", argument, ")") for argument in arguments], "\n")

    def _log(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        lines = []
        for row in rows:
            level = self._random.choice(("INFO", "WARN", "ERROR", "DEBUG", "info", "[INFO]"))
            start = [self._slots["date"](), self._slots["time"](), level, self._slots["event"]()]
            lines.append(joined([*start, *_pairs(keys, row, lambda key: f"{_snake(key)}=", '"')], " "))
        return joined(lines, "\n")

    def _assigned(self, keys: Sequence[str], rows: Sequence[Row]) -> Labelled:
        quote, equals = self._random.choice(("'", '"', '"')), self._random.choice((" = ", " = ", "="))
        start, end = self._random.choice(_ASSIGNMENTS)
        pairs = [
            pair
            for row in rows
            for pair in _pairs(keys, row, lambda key: f"{start}{key.replace(' ', '_')}{equals}", quote)
        ]
        return joined([joined([pair, end]) for pair in pairs], "\n")

    def _wrapper(self) -> str:
        return self._random.choice(RECORDS["wrappers"])


def _pairs(keys: Sequence[str], row: Row, written: Callable[[str], str], quote: str = "") -> list[Labelled]:
    """Each value behind its key, which is written in a notation's way."""
    return [joined([written(key), _quoted(value, quote)]) for key, value in zip(keys, row, strict=True)]


def _between(before: str, middle: Labelled | str, behind: str) -> Labelled:
    return joined([before, middle, behind])


def _quoted(value: Labelled | str, quote: str) -> Labelled | str:
    return joined([quote, value, quote]) if quote else value


def _as_it_is(key: str) -> str:
    return key


def _snake(key: str) -> str:
    return key.lower().replace(" ", "_")


def _camel(key: str) -> str:
    words = key.title().replace(" ", "")
    return words[:1].lower() + words[1:]


_STYLES: tuple[Callable[[str], str], ...] = (
    _as_it_is,
    _as_it_is,
    str.title,
    str.upper,
    _snake,
    _snake,
    _camel,
    str.lower,
)
