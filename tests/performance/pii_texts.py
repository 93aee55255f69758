"""The texts that pii_accuracy.py measures on: made here, or from the standard library; each with what is in it.

Other templates, other people and other values than the tagger was trained on: train_tagger.py takes the words of
pii_names.txt and pii_names_unseen.txt out of its lists. The second set, `unseen`, was written before the tagger that
ships was trained and is only reported on; a third of its people have everyday names.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

_HERE = Path(__file__).parent
_SLOT = re.compile(r"\{(\w+)\}")
_DIGITS = "0123456789"
_ALPHANUMERIC = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_HEX = "0123456789abcdef"
_CODE_LINES = 30


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and the values in it: where, and of what kind."""

    text: str
    values: tuple[tuple[int, int, str], ...] = ()


def texts_with_pii(count: int, seed: int) -> list[Marked]:
    return _made("pii_templates.txt", ("pii_names.txt",), count, seed)


def unseen_texts_with_pii(count: int, seed: int) -> list[Marked]:
    return _made("pii_templates_unseen.txt", ("pii_names_unseen.txt", "pii_names_everyday.txt"), count, seed)


def unseen_plain_texts() -> list[Marked]:
    return [Marked(text) for text in _texts("pii_queries_unseen.txt")]


def _made(templates_file: str, name_files: Sequence[str], count: int, seed: int) -> list[Marked]:
    templates = _texts(templates_file)
    people = [name.split() for file in name_files for name in _lines(file)]
    values = _Values(people, Random(seed))
    return [_filled(templates[number % len(templates)], values) for number in range(count)]


def plain_queries(count: int, seed: int) -> list[Marked]:
    random = Random(seed)
    lines = [line for line in _lines("pii_queries.txt") if not line.startswith("#")]
    first_list = next(at for at, line in enumerate(lines) if line.startswith("["))
    lists = {lines[at][1:-1]: lines[at + 1].split(",") for at in range(first_list, len(lines), 2)}

    def query() -> str:
        return _SLOT.sub(lambda slot: random.choice(lists[slot[1]]), random.choice(lines[:first_list]))

    return [Marked(query()) for _ in range(count)]


def library_code(count: int, seed: int) -> list[Marked]:
    """Pieces of the standard library; those that name their authors are left out. A few more thank somebody."""
    random = Random(seed)
    root = Path(sysconfig.get_path("stdlib"))
    files = [file for file in sorted(root.rglob("*.py")) if not {"site-packages", "test", "tests"} & set(file.parts)]
    pieces: list[Marked] = []
    while len(pieces) < count:
        lines = random.choice(files).read_text(encoding="utf-8", errors="replace").splitlines()
        at = random.randrange(max(1, len(lines) - _CODE_LINES))
        piece = "\n".join(lines[at : at + _CODE_LINES])
        if piece.strip() and not re.search(
            r"(?i)author|copyright|written by|contributed|\w@\w|modified by|^# By", piece
        ):
            pieces.append(Marked(piece))
    return pieces


def annotated(file: Path) -> list[Marked]:
    """Sentences of Universal NER as their authors wrote them; PER is PERSON, the other kinds are left out."""
    sentences: list[Marked] = []
    text, reached, values = "", 0, list[tuple[int, int, str]]()
    for line in [*file.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("# text = "):
            text, reached, values = line.removeprefix("# text = "), 0, []
        elif line[:1].isdigit():
            word, label = line.split("\t")[1:3]
            start = text.index(word, reached)
            reached = start + len(word)
            if label == "I-PER" and values:
                values[-1] = (values[-1][0], reached, "PERSON")
            elif label.endswith("-PER"):
                values.append((start, reached, "PERSON"))
        elif not line and text:
            sentences.append(Marked(text, tuple(values)))
            text = ""
    return sentences


def _filled(template: str, values: _Values) -> Marked:
    text, reached, marked = "", 0, list[tuple[int, int, str]]()
    for slot in _SLOT.finditer(template):
        kind, value = values.of(slot[1])
        text += template[reached : slot.start()]
        marked.append((len(text), len(text) + len(value), kind))
        text += value
        reached = slot.end()
    return Marked(text + template[reached:], tuple(marked))


class _Values:
    """Made-up values, check sums included."""

    def __init__(self, people: Sequence[Sequence[str]], random: Random) -> None:
        self._random = random
        self._people = people
        self._makers: dict[str, tuple[str, Callable[[], str]]] = {
            "first": ("PERSON", lambda: self._person()[0]),
            "last": ("PERSON", lambda: self._person()[1]),
            "full": ("PERSON", lambda: " ".join(self._person())),
            "FULL": ("PERSON", lambda: " ".join(self._person()).upper()),
            "lower": ("PERSON", lambda: " ".join(self._person()).lower()),
            "lfirst": ("PERSON", lambda: self._person()[0].lower()),
            "address": ("STREET_ADDRESS", self._address),
            "german": ("STREET_ADDRESS", lambda: f"Fliederstraße {self._number(1, 90)}"),
            "french": ("STREET_ADDRESS", lambda: f"{self._number(1, 90)} rue des Peupliers"),
            "email": (
                "EMAIL_ADDRESS",
                lambda: ".".join(self._person()).lower() + "@" + self._one_of("mail.example", "acme.io"),
            ),
            "phone": ("PHONE_NUMBER", self._phone),
            "card": ("CREDIT_CARD", self._card),
            "iban": ("IBAN_CODE", self._iban),
            "ssn": ("US_SSN", lambda: f"{self._number(101, 665)}-{self._number(11, 98)}-{self._number(1001, 9998)}"),
            "ip": ("IP_ADDRESS", lambda: f"81.{self._number(2, 250)}.{self._number(2, 250)}.{self._number(2, 250)}"),
            "mac": ("MAC_ADDRESS", lambda: ":".join(self._some(_HEX, 2) for _ in range(6))),
            "btc": ("CRYPTO", lambda: "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"),
            "eth": ("CRYPTO", lambda: "0x" + self._some(_HEX, 40)),
            "stripe": ("SECRET", lambda: "sk_live_" + self._some(_ALPHANUMERIC, 24)),
            "github": ("SECRET", lambda: "ghp_" + self._some(_ALPHANUMERIC, 36)),
            "aws": ("SECRET", lambda: "AKIA" + self._some("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)),
            "openai": ("SECRET", lambda: "sk-proj-" + self._some(_ALPHANUMERIC, 48)),
            "password": ("SECRET", lambda: "Tr0ub4dor&" + self._some(_ALPHANUMERIC, 4)),
            "jwt": ("SECRET", lambda: ".".join(("eyJ" + self._some(_ALPHANUMERIC, 20),) * 2 + ("x" * 43,))),
        }

    def of(self, slot: str) -> tuple[str, str]:
        kind, make = self._makers[slot]
        return kind, make()

    def _person(self) -> Sequence[str]:
        return self._random.choice(self._people)

    def _one_of(self, *options: str) -> str:
        return self._random.choice(options)

    def _number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)

    def _some(self, alphabet: str, size: int) -> str:
        return "".join(self._random.choice(alphabet) for _ in range(size))

    def _address(self) -> str:
        street = self._one_of(
            "Larkspur Crescent", "Tamarind Road", "Old Quarry Lane", "Bellwether Avenue", "W 43rd Street"
        )
        town = self._one_of(
            "", ", Duluth, MN 55802", ", Cheltenham GL50 1AB", ", Boise, Idaho 83702", " Apt 6C, Reno, NV 89501"
        )
        return f"{self._number(2, 9800)} {street}{town}"

    def _phone(self) -> str:
        area, first, last = self._number(212, 989), self._number(220, 989), self._some(_DIGITS, 4)
        return self._one_of(
            f"({area}) {first}-{last}",
            f"{area}-{first}-{last}",
            f"+1 {area} {first} {last}",
            f"+44 7700 900{self._some(_DIGITS, 3)}",
            f"+49 30 901820{self._number(10, 99)}",
            f"+33 1 44 55 {self._number(10, 99)} {self._number(10, 99)}",
        )

    def _card(self) -> str:
        prefix, size = self._random.choice((("4", 16), ("51", 16), ("37", 15), ("6011", 16), ("3530", 16), ("36", 14)))
        body = prefix + self._some(_DIGITS, size - len(prefix) - 1)
        number = body + next(digit for digit in _DIGITS if _luhn(body + digit) == 0)
        return (
            number
            if size != 16 or self._random.random() < 0.5
            else " ".join(number[at : at + 4] for at in (0, 4, 8, 12))
        )

    def _iban(self) -> str:
        country, size = self._random.choice((("DE", 18), ("NL", 0), ("BE", 12), ("AT", 16)))
        account = self._some(_DIGITS, size) if size else "ABNA" + self._some(_DIGITS, 10)
        as_digits = "".join(str(int(char, 36)) for char in f"{account}{country}00")
        return f"{country}{98 - int(as_digits) % 97:02}{account}"


def _luhn(number: str) -> int:
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10


def _texts(file: str) -> list[str]:
    """A text a line, but for the first line, which says what the file is."""
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in _lines(file)[1:]]


def _lines(file: str) -> list[str]:
    return (_HERE / file).read_text(encoding="utf-8").splitlines()
