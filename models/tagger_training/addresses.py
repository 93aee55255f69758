"""Postal addresses as many countries write them."""

from __future__ import annotations

from random import Random

from . import mimesis_data
from .labelled import Labelled, joined
from .words import STREETS

_COUNTRIES = (
    "de",
    "de",
    "de-at",
    "de-ch",
    "nl",
    "nl-be",
    "fr",
    "fr",
    "it",
    "es",
    "pt",
    "pl",
    "sv",
    "no",
    "da",
    "is",
    "cs",
    "sk",
    "tr",
    "hu",
)
_MORE_KINDS = {
    "fr": ("Rue", "Rue de", "Avenue", "Boulevard", "Place", "Chemin de", "Quai"),
    "it": ("Via", "Viale", "Piazza", "Corso", "Vicolo"),
    "es": ("Calle", "C/", "Avenida", "Avda.", "Plaza", "Paseo", "Carrer de"),
    "pt": ("Rua", "R.", "Avenida", "Av.", "Travessa", "Largo", "Praça"),
    "pl": ("ul.", "al.", "pl.", "os."),
}


class AddressWriter:
    """Makes up addresses; the whole of one is marked, town and postcode included."""

    def __init__(self, cities: list[str], random: Random) -> None:
        self._cities = cities
        self._random = random
        self._english_names = [
            name
            for country in ("en", "en", "en-gb", "en-au")
            for name in mimesis_data.street_names(country)
            if name.isalpha()
        ]

    def line(self) -> Labelled:
        """On one line, with or without the town."""
        street = self.street()
        if self._random.random() < 0.45:
            return street
        town = self._town()
        between = self._random.choice((", ", ", ", ", ", " ", ", "))
        whole = joined([street, between, town])
        return Labelled.of(whole.text, "STREET_ADDRESS")

    def block(self) -> Labelled:
        """On two or three lines."""
        return Labelled.of(f"{self.street().text}\n{self._town()}", "STREET_ADDRESS")

    def street(self) -> Labelled:
        ways = (
            *(self._english, self._english, self._english, self._english, self._english),
            *(self._german, self._before, self._behind, self._indian, self._po_box, self._of_a_country),
        )
        weights = (10, 10, 10, 10, 10, 6, 9, 12, 3, 2, 22)
        return Labelled.of(self._random.choices(ways, weights)[0](), "STREET_ADDRESS")

    def _english(self) -> str:
        pick = self._random.choice
        name = pick(STREETS["english_names"] if self._random.random() < 0.5 else self._english_names)
        roll = self._random.random()
        if roll < 0.15:
            name = f"{name} {pick(STREETS['english_names'])}"
        elif roll < 0.28:
            number = self._random.randint(1, 199)
            name = f"{number}{_ordinal(number)}"
        elif roll < 0.40:
            name = pick(self._cities)
        if self._random.random() < 0.12:
            name = f"{pick(('N', 'S', 'E', 'W', 'N.', 'West', 'North', 'East', 'South', 'SW', 'NE'))} {name}"
        letter = pick("abcABC") if self._random.random() < 0.06 else ""
        street = f"{self._number()}{letter} {name} {pick(STREETS['english_kinds'])}"
        if self._random.random() < 0.25:
            unit = pick(("Apt", "Apt.", "Apartment", "Suite", "Ste", "Unit", "Flat", "Floor", "#", "Room", "Bldg"))
            tail = f"{unit} {self._random.randint(1, 40)}{pick(('', '', 'A', 'B', 'C'))}"
            return (
                f"{street}{pick((', ', ' '))}{tail}"
                if unit != "Flat"
                else f"Flat {self._random.randint(1, 40)}, {street}"
            )
        return street

    def _german(self) -> str:
        pick = self._random.choice
        name = pick(
            (
                pick(STREETS["german_names"]) + pick(STREETS["german_kinds"]),
                pick(STREETS["dutch_names"]) + pick(STREETS["dutch_kinds"]),
                f"{pick(STREETS['german_names'])}-{pick(STREETS['german_names'])}-Straße",
                f"Am {pick(STREETS['german_names'])}{pick(('park', 'hof', 'tor'))}",
            )
        )
        behind = pick(("", "", "", "a", "b", f"-{self._random.randint(2, 99)}"))
        return f"{name} {self._random.randint(1, 240)}{behind}"

    def _of_a_country(self) -> str:
        """A street that there is, in one of the countries whose streets mimesis lists."""
        pick, number = self._random.choice, self._random.randint(1, 299)
        country = pick(_COUNTRIES)
        name = pick(mimesis_data.street_names(country))
        kinds = mimesis_data.street_kinds(country)
        if country in ("fr", "it", "es", "pt", "pl"):
            kind = pick((*kinds, *_MORE_KINDS[country]))
            kind = kind.lower() if country == "fr" and self._random.random() < 0.7 else kind
            street = f"{kind} {name}"
        elif country in ("tr", "hu"):
            street = f"{name} {pick(kinds)}"
        else:
            street = name
        if country == "fr":
            return f"{number}{pick((' ', ', '))}{street}"
        between = pick((" ", " ", ", ", " No: " if country == "tr" else " "))
        return f"{street}{between}{number}{pick(('', '', '', 'a', 'B', '/3'))}"

    def _behind(self) -> str:
        """The number stands behind the street."""
        name = self._random.choice(
            STREETS["spanish"] + STREETS["italian"] + STREETS["portuguese"] + STREETS["polish"] + STREETS["nordic"]
        )
        between = self._random.choice((" ", " ", ", ", ", nº ", " n. ", " No. "))
        tail = self._random.choice(("", "", "", ", 3º B", ", piso 2", "/4", ", apto 51", ", 2. tv", " bis"))
        return f"{name}{between}{self._random.randint(1, 2400)}{tail}"

    def _before(self) -> str:
        comma = self._random.choice((" ", " ", ", "))
        bis = self._random.choice(("", "", "", " bis", " ter"))
        street = self._random.choice(STREETS["french"] + STREETS["asian"] + STREETS["african"] + STREETS["indian"])
        return f"{self._random.randint(1, 300)}{bis}{comma}{street}"

    def _indian(self) -> str:
        pick = self._random.choice
        flat = pick(
            (
                f"Flat {self._random.randint(1, 30)}{pick('ABCD')}",
                f"House No. {self._random.randint(1, 400)}",
                f"Plot {self._random.randint(1, 90)}",
                f"{pick('ABCD')}-{self._random.randint(1, 200)}",
                f"Block {self._random.randint(1, 20)}",
                f"#{self._random.randint(1, 30)}-{self._random.randint(1, 90)}",
            )
        )
        return f"{flat}, {pick(STREETS['indian'] + STREETS['asian'])}"

    def _po_box(self) -> str:
        box = self._random.choice(("P.O. Box", "PO Box", "P.O Box", "Postfach", "Apartado"))
        return f"{box} {self._random.randint(10, 99999)}"

    def _town(self) -> str:
        pick, city, digit = self._random.choice, self._random.choice(self._cities), self._random.randint
        british = f"{digit(1, 9)}{pick('ABDEFGHJ')}{pick('ABDEFGHJ')}"
        country = pick(
            ("", "", "", ", USA", ", UK", ", Germany", ", France", ", Canada", ", Australia", ", India", " Spain")
        )
        return (
            pick(
                (
                    f"{city}, {pick(STREETS['states'])} {digit(10000, 99950)}",
                    f"{city}, {pick(STREETS['states'])} {digit(10000, 99950)}",
                    f"{city} {pick(STREETS['states'])} {digit(10000, 99950)}",
                    f"{city}, {pick(STREETS['states'])}",
                    f"{digit(10000, 99999)} {city}",
                    f"{city} {pick('ABCDEGHLMNPRSTW')}{pick('ABCDEHLMNR')}{digit(1, 20)} {british}",
                    f"{city}, {pick('ABCDEGHLMNPRSTW')}{digit(1, 20)} {british}",
                    f"{digit(1000, 9999)} {pick('ABCDEGH')}{pick('ABCDEGH')} {city}",
                    f"{city} {digit(1000, 9999)}",
                    f"{city} - {digit(110000, 799999)}",
                    city,
                    city,
                )
            )
            + country
        )

    def _number(self) -> int:
        return self._random.choice(
            (self._random.randint(1, 99), self._random.randint(1, 999), self._random.randint(100, 19999))
        )


def _ordinal(number: int) -> str:
    return "th" if 10 < number % 100 < 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
