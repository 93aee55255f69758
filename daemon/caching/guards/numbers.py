"""Numbers of a text, in digits or in words, and the units behind them."""

from __future__ import annotations

from collections.abc import Sequence

from . import words


def read_numbers(tokens: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The numbers in order, and the measures: `5 km`, and `? mile` where `how many miles` is asked.

    A number stays as it is written, so that version 3.10 is not version 3.1.
    """
    numbers: list[str] = []
    measures: set[str] = set()
    before = ""
    for token in tokens:
        if (digits := _digits(token)) is not None:
            _append(numbers, digits, follows_tens=before in words.TENS and token in words.SMALL_NUMBERS)
        elif token in words.MULTIPLIERS:
            follows_number = before in words.MULTIPLIERS or _digits(before) is not None
            _multiply(numbers, words.MULTIPLIERS[token], follows_number=follows_number)
        elif token in words.UNITS and _digits(before) is not None:
            measures.add(f"{numbers[-1]} {words.UNITS[token]}")
        elif token in words.UNITS and before == "many":
            measures.add(f"? {words.UNITS[token]}")
        before = token
    return tuple(numbers), frozenset(measures)


def _digits(token: str) -> str | None:
    if token[-1:].isdecimal():
        return token.replace(",", "")
    value = words.SPELLED_NUMBERS.get(token)
    return None if value is None else str(value)


def _append(numbers: list[str], digits: str, *, follows_tens: bool) -> None:
    """`twenty` and `five` are one number."""
    if follows_tens:
        numbers[-1] = str(int(numbers[-1]) + int(digits))
    else:
        numbers.append(digits)


def _multiply(numbers: list[str], factor: int, *, follows_number: bool) -> None:
    if follows_number and numbers[-1].isdecimal():
        numbers[-1] = str(int(numbers[-1]) * factor)
    else:
        numbers.append(str(factor))
