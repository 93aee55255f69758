"""What the slots of the templates are filled with: people, addresses, and what is neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from . import gazetteers, mimesis_data
from .addresses import AddressWriter
from .coined import coined
from .labelled import IGNORE, Labelled
from .names import NameWriter, People
from .wordnet import WordNet, going_on, past
from .words import WORDS

_HOLIDAYS = [thing for thing in WORDS["eponyms"] if thing.endswith(("Day", "Eve", "Friday", "Monday"))]


class Slots(Mapping[str, Callable[[], Labelled | str]]):
    """A new value each time one is asked for; one seed, one sequence of values."""

    def __init__(self, people: People, wordnet: WordNet, random: Random) -> None:
        self._random = random
        self._wordnet = wordnet
        self.names = NameWriter(people, random)
        self._towns = gazetteers.towns()
        self._addresses = AddressWriter(WORDS["cities"] * 60 + self._towns, random)
        self._common = gazetteers.common_words()
        self._companies = mimesis_data.companies()
        self._makers = {
            **self._of_people(),
            **self._of_places(),
            **self._of_numbers(),
            **self._of_words(),
            **self._of_things(),
        }

    def __getitem__(self, slot: str) -> Callable[[], Labelled | str]:
        return self._makers[slot]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def _of_people(self) -> dict[str, Callable[[], Labelled | str]]:
        names = self.names
        return {
            "name": names.any,
            "full": lambda: names.full() if self._random.random() < 0.9 else names.short(),
            "first": names.first,
            "last": names.last,
            "formal": names.formal,
            "short": names.short,
            "lastfirst": names.last_first,
            "someone": names.someone,
            "title": names.title,
        }

    def _of_places(self) -> dict[str, Callable[[], Labelled | str]]:
        return {
            "addr": self._addresses.line,
            "block": self._addresses.block,
            "street": self._addresses.street,
            "city": self._one_place(WORDS["cities"] * 80 + self._towns),
            "country": self._one_place(WORDS["countries"] + gazetteers.countries()),
            "org": lambda: Labelled.of(self._organization(), "ORGANIZATION"),
        }

    def _of_numbers(self) -> dict[str, Callable[[], Labelled | str]]:
        random = self._random
        return {
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
        }

    def _of_words(self) -> dict[str, Callable[[], Labelled | str]]:
        random, wordnet = self._random, self._wordnet
        pick = random.choice

        def noun() -> str:
            return pick(WORDS["nouns"]) if random.random() < 0.5 else pick(wordnet.nouns)

        def topic() -> str:
            return (
                pick(WORDS["topics"]) if random.random() < 0.5 else f"{pick(wordnet.adjectives)} {pick(wordnet.nouns)}s"
            )

        def heading() -> str:
            if random.random() < 0.4:
                return pick(WORDS["capitalised"])
            words = [pick(pick((wordnet.nouns, wordnet.nouns, wordnet.adjectives))) for _ in range(pick((1, 2, 2, 3)))]
            return " ".join(word.capitalize() for word in words)

        return {
            "word": self._one(self._common),
            "Word": lambda: pick(self._common).capitalize(),
            "noun": noun,
            "nouns": lambda: f"{noun()}s",
            "thing": lambda: pick(wordnet.nouns),
            "Thing": lambda: pick(wordnet.nouns).capitalize(),
            "things": lambda: f"{pick(wordnet.nouns)}s",
            "adj": lambda: pick(wordnet.adjectives),
            "Adj": lambda: pick(wordnet.adjectives).capitalize(),
            "verb": lambda: pick(wordnet.verbs),
            "Verb": lambda: pick(wordnet.verbs).capitalize(),
            "verbed": lambda: past(pick(wordnet.verbs)),
            "verbing": lambda: going_on(pick(wordnet.verbs)),
            "Verbing": lambda: going_on(pick(wordnet.verbs)).capitalize(),
            "rare": lambda: pick(wordnet.all),
            "topic": topic,
            "topicword": lambda: topic().split()[-1],
            "caps": heading,
            "heading": heading,
            "caps1": lambda: heading().split()[0],
            "remark": lambda: pick(wordnet.definitions).split(";")[0],
            "coined": lambda: coined(pick((self._common, wordnet.nouns, self._towns)), random).capitalize(),
            "acronym": lambda: "".join(random.choices("ABCDEFGHIKLMNOPRSTUVW", k=pick((2, 3, 3, 4, 5)))),
            "letter": self._one(gazetteers.letters()),
        }

    def _of_things(self) -> dict[str, Callable[[], Labelled | str]]:
        one = self._one
        lists = {
            **{"month": "months", "day": "days", "product": "products", "tech": "tech", "eponym": "eponyms"},
            **{"dept": "departments", "condition": "conditions", "drug": "drugs", "group": "groups"},
            **{"language": "languages", "feeling": "feelings", "animal": "animals", "unit": "units"},
            **{"tool": "tools", "command": "commands", "work": "works", "brand": "brands", "status": "statuses"},
            **{"event": "events", "host": "hosts", "placeholder": "placeholders", "figure": "figures"},
        }
        return {
            **{slot: one(WORDS[name]) for slot, name in lists.items()},
            "flag": one(["true", "false", "yes", "no"]),
            "holiday": one([*_HOLIDAYS, "Christmas", "Easter"]),
            "job": one(WORDS["jobs"] * 10 + gazetteers.jobs()),
            "food": one(WORDS["food"] * 5 + mimesis_data.food()),
            "dish": one([food.lower() for food in mimesis_data.food()]),
            "currency": one(gazetteers.currencies()),
            "colour": one(gazetteers.colours()),
        }

    def _one(self, things: list[str]) -> Callable[[], str]:
        return lambda: self._random.choice(things)

    def _one_place(self, things: list[str]) -> Callable[[], Labelled]:
        return lambda: Labelled.of(self._random.choice(things), "LOCATION")

    def _organization(self) -> str:
        roll = self._random.random()
        if roll < 0.35:
            return self._random.choice(WORDS["orgs"])
        if roll < 0.6:
            return self._random.choice(self._companies)
        if roll < 0.7:
            return coined(self._wordnet.nouns, self._random).capitalize()
        name, other = self.names.word(), self.names.word()
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
                f"{name}, {other} and {self.names.word()}",
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
        return Labelled.of(f"{self.names.login()}@{domain}", IGNORE)

    def _user(self) -> str:
        return self._random.choice(
            (self.names.login(), f"{self._random.choice(WORDS['nouns'])}{self._random.randint(1, 99)}")
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
