"""Names of people of many countries, and the forms in which they are written."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import faker.providers.person as faker_person

from . import mimesis_data
from .coined import coined
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
    "van de",
    "ibn",
    "af",
    "zu",
    "e",
)
# So often a name is one that nobody bears: what stands around it has to be enough.
_COINED = 0.22
_SUFFIXES = ("Jr.", "Jr", "Sr.", "III", "II", "IV")
TITLES = tuple(NAMES["titles"])
ALSO_WORDS = frozenset(NAMES["also_words"])
"""In lower case these are words first: a doubtful teacher."""


@dataclass(frozen=True, slots=True)
class People:
    """First and last names by country: a person's names go together."""

    firsts: tuple[tuple[str, ...], ...]
    lasts: tuple[tuple[str, ...], ...]
    scripts: tuple[bool, ...]
    """Whether the country's names are in Latin letters."""
    held_out: frozenset[str]

    @classmethod
    def but(cls, held_out: frozenset[str]) -> People:
        """All that Faker, mimesis and names.toml have, without the held-out words (lower case)."""
        pairs = [(first, last) for first, last in (*_of_faker(), *_of_mimesis(), *_romanised())]
        kept = [(_without(first, held_out), _without(last, held_out)) for first, last in pairs]
        kept = [(first, last) for first, last in kept if len(first) > 3 and len(last) > 3]
        return cls(
            tuple(first for first, _ in kept),
            tuple(last for _, last in kept),
            tuple(all(map(_is_latin, first[:9])) for first, _ in kept),
            held_out,
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

    def someone(self) -> Labelled:
        """As one speaks of somebody in a sentence."""
        return self._random.choice((self.first, self.first, self.full, self.last, self.formal))()

    def full(self) -> Labelled:
        """With a middle name, an initial, a particle, a double name, a suffix now and then."""
        first, last = self._pair()
        if not _is_latin(first):
            return Labelled.of(f"{first} {last}", "PERSON")
        roll = self._random.random()
        if roll < 0.08:
            first = f"{first} {self._initial()}."
        elif roll < 0.12:
            first = f"{first} {self._initial()}"
        elif roll < 0.20:
            first = f"{first} {self._latin_pair()[0]}"
        elif roll < 0.24:
            first = f"{first}-{self._latin_pair()[0]}"
        roll = self._random.random()
        if roll < 0.06:
            last = f"{self._random.choice(_PARTICLES)} {last}"
        elif roll < 0.12:
            last = f"{last}-{self._latin_pair()[1]}"
        elif roll < 0.15:
            last = f"{last} {self._latin_pair()[1]}"
        elif roll < 0.17:
            last = f"O'{last}"
        elif roll < 0.19:
            last = f"{last} {self._random.choice(_SUFFIXES)}"
        return Labelled.of(f"{first} {last}", "PERSON")

    def first(self) -> Labelled:
        first, _ = self._pair()
        if self._random.random() < 0.05 and _is_latin(first):
            first = f"{first}-{self._latin_pair()[0]}"
        return Labelled.of(first, "PERSON")

    def last(self) -> Labelled:
        _, last = self._pair()
        if self._random.random() < 0.04 and _is_latin(last):
            last = f"{self._random.choice(_PARTICLES)} {last}"
        return Labelled.of(last, "PERSON")

    def formal(self) -> Labelled:
        """`Dr. Smith`: the title is not the name."""
        return joined([f"{self.title()} ", self._random.choice((self.last, self.last, self.full))()])

    def title(self) -> str:
        return self._random.choice(TITLES)

    def short(self) -> Labelled:
        """`J. Smith`, `John S.`, `J.R. Smith`, `Smith J`."""
        first, last = self._latin_pair()
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
        return self._latin_pair()[1]

    def login(self) -> str:
        first, last = (name.lower().replace(" ", "") for name in self._latin_pair())
        forms = (
            f"{first}.{last}",
            f"{first[0]}{last}",
            f"{first}_{last}",
            f"{first}{self._random.randint(1, 99)}",
            last,
        )
        return self._random.choice(forms)

    def _latin_pair(self) -> tuple[str, str]:
        return self._pair(others=0.0)

    def _pair(self, others: float = 0.03) -> tuple[str, str]:
        at = self._random.choice(self._others if self._random.random() < others else self._latin)
        pair = self._one(self._people.firsts[at]), self._one(self._people.lasts[at])
        if self._random.random() < 0.4:  # many keyboards have no accents
            return _plain(pair[0]), _plain(pair[1])
        return pair

    def _one(self, names: tuple[str, ...]) -> str:
        if self._random.random() > _COINED:
            return self._random.choice(names)
        name = coined(names, self._random)
        return name if name.lower() not in self._people.held_out else self._random.choice(names)

    def _initial(self) -> str:
        return self._random.choice("ABCDEFGHIJKLMNOPRSTVWYZ")


def _is_latin(name: str) -> bool:
    return ord(name[0]) < 0x250


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


def _of_mimesis() -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    for firsts, lasts, is_english in mimesis_data.people():
        for _ in range(6 if is_english else 1):
            yield firsts, lasts


def _romanised() -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    for people in NAMES["romanised"]:
        # More often than one of Faker's sixty countries.
        for _ in range(3):
            yield tuple(people["first"]), tuple(people["last"])


def _without(names: Iterable[str], held_out: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name in names if held_out.isdisjoint(name.lower().replace("-", " ").split()))
