"""Made-up texts: templates filled with people, addresses and what is neither."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from . import gazetteers
from .addresses import AddressWriter
from .labelled import IGNORE, Labelled, Mark, filled, joined
from .names import ALSO_WORDS, NameWriter, People
from .words import WORDS

_HERE = Path(__file__).parent
_HOLIDAYS = [thing for thing in WORDS["eponyms"] if thing.endswith(("Day", "Eve", "Friday", "Monday"))]


class TextWriter:
    """One seed, one sequence of texts."""

    def __init__(self, people: People, random: Random) -> None:
        self._random = random
        self._names = NameWriter(people, random)
        self._towns = gazetteers.towns()
        self._addresses = AddressWriter(WORDS["cities"] * 10 + self._towns, random)
        self._slots = self._make_slots()
        self._sentences = _lines("sentences.txt")
        self._negatives = _lines("negatives.txt")
        self._documents = (_HERE / "documents.txt").read_text().split("\n----\n")

    def sentences(self) -> Labelled:
        """One to four, some of them without a name."""
        count = self._random.choices((1, 2, 3, 4), (6, 3, 2, 1))[0]
        lines = [self._line(0.25) for _ in range(count)]
        return self._cased(joined(lines, self._random.choice((" ", "\n", " ", "\n\n"))))

    def document(self) -> Labelled:
        parts = [filled(self._random.choice(self._documents), self._slots)]
        if self._random.random() < 0.3:
            parts.insert(self._random.randint(0, 1), self._line(0.7))
        return self._cased(joined(parts, "\n\n"))

    def negative(self) -> Labelled:
        count = self._random.choices((1, 2, 4, 8), (5, 3, 2, 1))[0]
        return self._cased(joined([self._line(1.0) for _ in range(count)], self._random.choice((" ", "\n", "\n"))))

    def name(self) -> Labelled:
        return self._names.any()

    def full_name(self) -> Labelled:
        return self._names.full()

    def first_name(self) -> Labelled:
        return self._names.first()

    def last_name(self) -> Labelled:
        return self._names.last()

    def _line(self, negative_share: float) -> Labelled:
        lines = self._negatives if self._random.random() < negative_share else self._sentences
        return filled(self._random.choice(lines), self._slots)

    def _cased(self, text: Labelled) -> Labelled:
        roll = self._random.random()
        if roll < 0.10:
            return lowered(text)
        return text.mapped(str.upper) if roll < 0.15 else text

    def _make_slots(self) -> dict[str, Callable[[], Labelled | str]]:
        random, names, addresses = self._random, self._names, self._addresses
        common = gazetteers.common_words()

        def one_of(things: list[str] | tuple[str, ...]) -> Callable[[], str]:
            return lambda: random.choice(things)

        def place(things: list[str]) -> Callable[[], Labelled]:
            return lambda: Labelled.of(random.choice(things), "LOCATION")

        return {
            "name": names.any,
            "full": lambda: names.full() if random.random() < 0.9 else names.short(),
            "first": names.first,
            "last": names.last,
            "formal": names.formal,
            "short": names.short,
            "lastfirst": names.last_first,
            "addr": addresses.line,
            "block": addresses.block,
            "street": addresses.street,
            "city": place(WORDS["cities"] * 12 + self._towns),
            "country": place(WORDS["countries"] + gazetteers.countries()),
            "org": lambda: Labelled.of(self._organization(), "ORGANIZATION"),
            "email": self._email,
            "user": self._user,
            "phone": self._phone,
            "id": self._id,
            "ip": lambda: ".".join(str(random.randint(1, 254)) for _ in range(4)),
            "num": lambda: str(
                random.choice((random.randint(1, 12), random.randint(1, 999), random.randint(1000, 99999)))
            ),
            "age": lambda: str(random.randint(2, 97)),
            "year": lambda: str(random.randint(1890, 2026)),
            "date": self._date,
            "time": self._time,
            "month": one_of(WORDS["months"]),
            "day": one_of(WORDS["days"]),
            "holiday": one_of([*_HOLIDAYS, "Christmas", "Easter"]),
            "product": one_of(WORDS["products"]),
            "tech": one_of(WORDS["tech"]),
            "eponym": one_of(WORDS["eponyms"]),
            "job": one_of(WORDS["jobs"] * 10 + gazetteers.jobs()),
            "currency": one_of(gazetteers.currencies()),
            "colour": one_of(gazetteers.colours()),
            "letter": one_of(gazetteers.letters()),
            "word": one_of(common),
            "Word": lambda: random.choice(common).capitalize(),
            "dept": one_of(WORDS["departments"]),
            "condition": one_of(WORDS["conditions"]),
            "drug": one_of(WORDS["drugs"]),
            "topic": one_of(WORDS["topics"]),
            "topicword": lambda: random.choice(WORDS["topics"]).split()[-1],
            "noun": one_of(WORDS["nouns"]),
            "group": one_of(WORDS["groups"]),
            "caps": one_of(WORDS["capitalised"]),
            "caps1": lambda: random.choice(WORDS["capitalised"]).split()[0],
            "language": one_of(WORDS["languages"]),
            "feeling": one_of(WORDS["feelings"]),
            "animal": one_of(WORDS["animals"]),
            "food": one_of(WORDS["food"]),
            "unit": one_of(WORDS["units"]),
        }

    def _organization(self) -> str:
        roll = self._random.random()
        if roll < 0.6:
            return self._random.choice(WORDS["orgs"])
        name, other = self._names.word(), self._names.word()
        return self._random.choice(
            (
                f"{name} Inc.",
                f"{name} LLC",
                f"{name} & {other}",
                f"{name} GmbH",
                f"{name} and Sons",
                f"{name} Ltd",
                f"{name} Group",
                f"{name}-{other}",
                f"{name}, {other} and {self._names.word()}",
                f"{name} University",
                f"{name} Hospital",
                f"{name} Technologies",
                f"{name} Consulting",
                f"{name} PLC",
                f"{name} Foundation",
                f"{name} High School",
                f"Law Offices of {name}",
                f"{name}'s Bakery",
                f"{name} Motors",
                f"{name} Elementary",
                f"Hotel {name}",
                f"{name} Airlines",
                f"{name} Bank",
                f"St. {name} Hospital",
                f"Bank of {self._random.choice(self._towns)}",
            )
        )

    def _email(self) -> Labelled:
        """Found by its own form; what a tagger thinks of its parts does not matter."""
        domain = self._random.choice(
            ("gmail.com", "example.com", "example.org", "yahoo.com", "corp.example", "outlook.com")
        )
        return Labelled.of(f"{self._names.login()}@{domain}", IGNORE)

    def _user(self) -> str:
        return self._random.choice(
            (self._names.login(), f"{self._random.choice(WORDS['nouns'])}{self._random.randint(1, 99)}")
        )

    def _phone(self) -> str:
        digits = lambda size: "".join(self._random.choice("0123456789") for _ in range(size))  # noqa: E731
        return self._random.choice(
            (
                f"({digits(3)}) {digits(3)}-{digits(4)}",
                f"{digits(3)}-{digits(3)}-{digits(4)}",
                f"+1 {digits(3)} {digits(3)} {digits(4)}",
                f"+44 20 {digits(4)} {digits(4)}",
                f"0{digits(3)} {digits(6)}",
                f"+49 {digits(3)} {digits(7)}",
                digits(10),
            )
        )

    def _id(self) -> str:
        letters = "".join(self._random.choice("ABCDEFGHKLMNPRSTUVWXYZ") for _ in range(3))
        number = self._random.randint(1000, 9_999_999)
        return self._random.choice(
            (f"{letters}-{number}", f"#{number}", str(number), f"{letters}{number}", f"{number:x}")
        )

    def _date(self) -> str:
        day, month, year = self._random.randint(1, 28), self._random.randint(1, 12), self._random.randint(1940, 2026)
        name = WORDS["months"][month - 1]
        return self._random.choice(
            (
                f"{year}-{month:02}-{day:02}",
                f"{day}/{month}/{year}",
                f"{month:02}/{day:02}/{year}",
                f"{name} {day}, {year}",
                f"{day} {name} {year}",
                f"{name[:3]} {day}",
                f"{day} {name[:3]}",
                f"{name} {year}",
                f"{day}.{month}.{year}",
            )
        )

    def _time(self) -> str:
        hour, minute = self._random.randint(0, 23), self._random.choice((0, 15, 30, 45, 7, 52))
        return self._random.choice(
            (
                f"{hour}:{minute:02}",
                f"{hour % 12 + 1}pm",
                f"{hour % 12 + 1}:{minute:02} AM",
                f"{hour:02}:{minute:02}:11",
            )
        )


def lowered(text: Labelled) -> Labelled:
    """In lower case; a name of one word that is a word as well is then a doubtful teacher."""
    lower = text.mapped(str.lower)
    marks = tuple(
        Mark(mark.start, mark.end, IGNORE if lower.text[mark.start : mark.end] in ALSO_WORDS else mark.kind)
        for mark in lower.marks
    )
    return Labelled(lower.text, marks)


def _lines(file: str) -> list[str]:
    return (_HERE / file).read_text().splitlines()
