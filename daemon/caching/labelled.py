"""Labelled questions, as `helix bench cache` reads them: which of them want one answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..exchange import JsonObject
from ..json_text import parse_object


class Prompt(NamedTuple):
    text: str
    label: str


class Pair(NamedTuple):
    asked: str
    kept: str
    is_same: bool


def read_stream(lines: Iterable[str]) -> list[Prompt]:
    """Of lines of `{"text", "cls"}`; exact repeats are left out.

    Raises:
        ValueError: a line is not that; says which.
    """
    prompts = {}
    for number, row in _rows(lines):
        prompts[_text(row, "text", number)] = _text(row, "cls", number)
    return [Prompt(text, label) for text, label in prompts.items()]


def read_pairs(lines: Iterable[str]) -> list[Pair]:
    """Of lines of `{"query", "cached_query", "label"}`; label 1: both want one answer.

    Raises:
        ValueError: a line is not that; says which.
    """
    pairs = []
    for number, row in _rows(lines):
        if row.get("label") not in (0, 1):
            raise ValueError(f"line {number}: label is to be 0 or 1")
        pairs.append(Pair(_text(row, "query", number), _text(row, "cached_query", number), row["label"] == 1))
    return pairs


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, JsonObject]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            row = parse_object(line)
            if row is None:
                raise ValueError(f"line {number}: not a JSON object")
            yield number, row


def _text(row: JsonObject, field: str, number: int) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value:
        raise ValueError(f"line {number}: {field} is to be a text")
    return value
