"""Names of people of many countries, and the forms in which they are written."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import faker.providers.person as faker_person

from .labelled import Labelled, joined
from .words import NAMES

_FIRST = ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary")
_LAST = ("last_names", "last_names_male", "last_names_female")
_PARTICLES = (
    "van",
    "van der",
    "van den",
    "von",
    "de",
    "de la",
    "del",
    "di",
    "da",
    "dos",
    "bin",
    "al",
    "el",
    "le",
    "ter",
)
_SUFFIXES = ("Jr.", "Jr", "Sr.", "III", "II", "IV")
TITLES = ("Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Professor", "Sir", "Judge", "Captain")
ALSO_WORDS = frozenset(NAMES["also_words"])
"""In lower case these are words first: a doubtful teacher."""


@dataclass(frozen=True, slots=True)
class People:
    """First and last names by country: a person's names go together."""

    firsts: tuple[tuple[str, ...], ...]
    lasts: tuple[tuple[str, ...], ...]
    scripts: tuple[bool, ...]
    """Whether the country's names are in Latin letters."""

    @classmethod
    def but(cls, held_out: frozenset[str]) -> People:
        """All that Faker and this file have, without the held-out words (lower case)."""
        pairs = [(first, last) for first, last in (*_of_faker(), *_romanised())]
        kept = [(_without(first, held_out), _without(last, held_out)) for first, last in pairs]
        kept = [(first, last) for first, last in kept if len(first) > 3 and len(last) > 3]
        return cls(
            tuple(first for first, _ in kept),
            tuple(last for _, last in kept),
            tuple(all(ord(name[0]) < 0x250 for name in first[:9]) for first, _ in kept),
        )

    def words(self) -> frozenset[str]:
        """Every word of every name, capitalised as there."""
        return frozenset(word for names in (*self.firsts, *self.lasts) for name in names for word in name.split())


class NameWriter:
    """Makes up people, and writes their names as people do."""

    def __init__(self, people: People, random: Random) -> None:
        self._people = people
        self._random = random
        self._latin = [index for index, latin in enumerate(people.scripts) if latin]
        self._others = [index for index, latin in enumerate(people.scripts) if not latin]

    def any(self) -> Labelled:
        ways = (self.full, self.full, self.full, self.first, self.first, self.last, self.formal, self.short)
        return self._random.choice(ways)()

    def full(self) -> Labelled:
        """With a middle name, an initial, a particle, a double name, a suffix now and then."""
        first, last = self._pair()
        roll = self._random.random()
        if roll < 0.08:
            first = f"{first} {self._initial()}."
        elif roll < 0.12:
            first = f"{first} {self._initial()}"
        elif roll < 0.20:
            first = f"{first} {self._pair()[0]}"
        elif roll < 0.24:
            first = f"{first}-{self._pair()[0]}"
        roll = self._random.random()
        if roll < 0.06:
            last = f"{self._random.choice(_PARTICLES)} {last}"
        elif roll < 0.12:
            last = f"{last}-{self._pair()[1]}"
        elif roll < 0.15:
            last = f"{last} {self._pair()[1]}"
        elif roll < 0.17:
            last = f"O'{last}"
        elif roll < 0.19:
            last = f"{last} {self._random.choice(_SUFFIXES)}"
        return Labelled.of(f"{first} {last}", "PERSON")

    def first(self) -> Labelled:
        first, _ = self._pair()
        return Labelled.of(first if self._random.random() < 0.95 else f"{first}-{self._pair()[0]}", "PERSON")

    def last(self) -> Labelled:
        _, last = self._pair()
        if self._random.random() < 0.04:
            last = f"{self._random.choice(_PARTICLES)} {last}"
        return Labelled.of(last, "PERSON")

    def formal(self) -> Labelled:
        """`Dr. Smith`: the title is not the name."""
        return joined([self._random.choice(TITLES) + " ", self._random.choice((self.last, self.last, self.full))()])

    def short(self) -> Labelled:
        """`J. Smith`, `John S.`, `J.R. Smith`, `Smith J`."""
        first, last = self._pair()
        initial = first[0]
        forms = (
            f"{initial}. {last}",
            f"{initial} {last}",
            f"{initial}.{self._initial()}. {last}",
            f"{initial}. {self._initial()}. {last}",
            f"{first} {last[0]}.",
            f"{last} {initial}.",
        )
        return Labelled.of(self._random.choice(forms), "PERSON")

    def last_first(self) -> Labelled:
        """`Smith, John A.`"""
        first, last = self._pair()
        middle = f" {self._initial()}." if self._random.random() < 0.2 else ""
        return Labelled.of(f"{last}, {first}{middle}", "PERSON")

    def word(self) -> str:
        """A bare last name, for companies and streets that carry one."""
        return self._pair()[1]

    def login(self) -> str:
        first, last = (name.lower().replace(" ", "") for name in self._pair())
        forms = (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}",
            f"{first}{self._random.randint(1, 99)}",
            last,
        )
        return self._random.choice(forms)

    def _pair(self) -> tuple[str, str]:
        others = self._others and self._random.random() < 0.03
        at = self._random.choice(self._others if others else self._latin)
        pair = self._random.choice(self._people.firsts[at]), self._random.choice(self._people.lasts[at])
        if self._random.random() < 0.4:  # many keyboards have no accents
            return _plain(pair[0]), _plain(pair[1])
        return pair

    def _initial(self) -> str:
        return self._random.choice("ABCDEFGHIJKLMNOPRSTVWYZ")


def _plain(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))


def _of_faker() -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    for module in pkgutil.iter_modules(faker_person.__path__):
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider
        # The texts are English: so is every third name.
        for _ in range(8 if module.name in ("en", "en_US", "en_GB", "en_IN", "es_MX") else 1):
            yield _names(provider, _FIRST), _names(provider, _LAST)


def _names(provider: type, attributes: Iterable[str]) -> tuple[str, ...]:
    """Sorted, so that a seed gives the same texts everywhere."""
    lists = [getattr(provider, attribute, ()) for attribute in attributes]
    names = {name for found in lists if not isinstance(found, property) for name in found if isinstance(name, str)}
    return tuple(sorted(name for name in names if len(name) > 1 and len(name.split()) < 3))


def _romanised() -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    for people in NAMES["romanised"]:
        # More often than one of Faker's sixty countries.
        for _ in range(3):
            yield tuple(people["first"]), tuple(people["last"])


def _without(names: Iterable[str], held_out: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in names if held_out.isdisjoint(name.lower().replace("-", " ").split()))
