"""A text and what is marked in it; the markup that templates are written in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

IGNORE = "?"
"""Marks what no loss is taken of: nobody knows, or both answers are right."""

KINDS = ("PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION")

_SLOT = re.compile(r"\{(\w+)\}")
_CHOICE = re.compile(r"\[\[([^\[\]]*)\]\]")


@dataclass(frozen=True, slots=True)
class Mark:
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Labelled:
    text: str
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, text: str, kind: str) -> Labelled:
        return cls(text, (Mark(0, len(text), kind),))

    def mapped(self, change: Callable[[str], str]) -> Labelled:
        """Another case, for example; as it is where that changes the length."""
        text = change(self.text)
        return Labelled(text, self.marks) if len(text) == len(self.text) else self


def joined(parts: Iterable[Labelled | str], between: str = "") -> Labelled:
    texts: list[str] = []
    marks: list[Mark] = []
    size = 0
    for part in parts:
        labelled = part if isinstance(part, Labelled) else Labelled(part)
        if texts and between:
            texts.append(between)
            size += len(between)
        marks += [Mark(mark.start + size, mark.end + size, mark.kind) for mark in labelled.marks]
        texts.append(labelled.text)
        size += len(labelled.text)
    return Labelled("".join(texts), tuple(marks))


def filled(template: str, slots: Mapping[str, Callable[[], Labelled | str]], random: Random) -> Labelled:
    """The template with one of each `[[this|that]]`, and each `{slot}` filled anew."""
    template = _CHOICE.sub(lambda choice: random.choice(choice[1].split("|")), template)
    parts: list[Labelled | str] = []
    reached = 0
    for match in _SLOT.finditer(template):
        if match[1] not in slots:
            continue
        parts += [template[reached : match.start()], slots[match[1]]()]
        reached = match.end()
    return joined([*parts, template[reached:]])
