"""All passes over one text, and what becomes of findings that overlap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

from ...exchange import Span
from .accounts import find_ibans, find_wallets
from .contacts import EMAIL_SIGNS, find_emails, find_phone_numbers
from .credentials import find_secrets
from .drawn_numbers import find_drawn_numbers
from .network import find_network_addresses
from .page import Page
from .people import find_birthdays, find_people, find_streets

_KNOWN_BY_FORM = 0.9


def find_structured(text: str, tlds: frozenset[str]) -> Iterator[Span]:
    """Everything that the patterns find, in no order; findings may overlap.

    Args:
        tlds: the top-level domains in use, in lower case.
    """
    page = Page.of(text)
    yield from find_secrets(page)
    yield from find_people(page)
    yield from find_birthdays(page)
    if any(sign in text for sign in EMAIL_SIGNS):
        yield from find_emails(page, tlds)
    yield from find_network_addresses(page)
    yield from find_wallets(page)
    if page.numbers:
        yield from find_drawn_numbers(page)
        yield from find_phone_numbers(page)
        yield from find_ibans(page)
        yield from find_streets(page)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sorted by start; findings that overlap become one, of the surest kind.

    It covers all of them: cutting the weaker one down would let the rest of its value through.
    """
    result: list[Span] = []
    for span in sorted(_without_bridges(list(spans)), key=lambda span: (span.start, -span.end)):
        if result and span.start < result[-1].end:
            result[-1] = _joined(result[-1], span)
        else:
            result.append(span)
    return tuple(result)


def _without_bridges(spans: list[Span]) -> Iterator[Span]:
    """A guess that reaches from one value into the next, both known by their form, is cut at these: else the two were
    one value of one kind, and what is to be blocked or let through as the other would not be."""
    sure = sorted((span for span in spans if span.score >= _KNOWN_BY_FORM), key=lambda span: span.start)
    if len(sure) < 2 or len(sure) == len(spans):
        yield from spans
        return
    starts = [span.start for span in sure]
    for span in spans:
        crossed = sure[max(0, bisect_right(starts, span.start) - 1) : bisect_left(starts, span.end)]
        crossed = [one for one in crossed if one.end > span.start]
        if span.score >= _KNOWN_BY_FORM or len(crossed) < 2:
            yield span
        else:
            yield from _between(span, crossed)


def _between(span: Span, crossed: list[Span]) -> Iterator[Span]:
    reached = span.start
    for one in [*crossed, Span(span.end, span.end, span.entity_type, span.score)]:
        if reached < one.start:
            yield Span(reached, one.start, span.entity_type, span.score)
        reached = max(reached, one.end)


def _joined(left: Span, right: Span) -> Span:
    surest = max(left, right, key=lambda span: (span.score, span.end - span.start))
    return Span(left.start, max(left.end, right.end), surest.entity_type, surest.score)
