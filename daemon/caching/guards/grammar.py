"""What the small words of a question say: when, who to whom, whether it may or must be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from . import words


def tenses_of(tokens: Sequence[str]) -> frozenset[str]:
    tenses = (("past", words.PAST), ("present", words.PRESENT), ("future", words.FUTURE))
    found = {name for name, markers in tenses if not markers.isdisjoint(tokens)}
    if any(after == "to" and before == "going" for before, after in pairwise(tokens)):
        found = (found - {"present"}) | {"future"}
    if tokens[:1] in (("have",), ("has",)):  # have they arrived
        found = (found - {"present"}) | {"past"}
    if len(found) > 1 and words.PRESENT.intersection(tokens) == {"do"}:  # what did he do
        found -= {"present"}
    return frozenset(found)


def way_of_asking(tokens: Sequence[str]) -> str:
    """Who, when, where, why, how or what, whichever stands first; empty where it is none of these."""
    first = next((token for token in tokens if token in words.INTERROGATIVES), "")
    if (first == "how" and "come" in tokens) or (first == "what" and not words.REASONS.isdisjoint(tokens)):
        return "why"
    return words.WAYS_OF_ASKING.get(first, "")


def modalities_of(tokens: Sequence[str]) -> frozenset[str]:
    """Possible, needed, advised; of a question for yes or no only. `How can I` and `how should I` ask the same."""
    if not words.INTERROGATIVES.isdisjoint(tokens):
        return frozenset()
    found = {words.MODALITIES[token] for token in tokens if token in words.MODALITIES}
    if any(after == "to" and before in ("have", "has") for before, after in pairwise(tokens)):
        found.add("must")
    return frozenset(found)


def sought_of(tokens: Sequence[str]) -> frozenset[str]:
    """`subject` where it is asked who does it, `object` where whom they do it to; empty without who or whom."""
    found = set()
    for before, who, after in zip(("", *tokens), tokens, (*tokens[1:], ""), strict=False):
        if who in ("who", "whom") and before != "by":
            found.add("object" if who == "whom" or after in words.DO else "subject")
        elif who in ("who", "whom"):
            found.add("subject")
    return frozenset(found)


def states_of(tokens: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Who likes, thinks, wants what: in such a question `you` is not just anybody."""
    return frozenset(
        (words.PERSONS[person], verb)
        for person, verb in pairwise(tokens)
        if person in words.PERSONS and verb in words.STATES
    )


def switched_in(tokens: Sequence[str]) -> frozenset[str]:
    """`on` or `off`, of what is turned, switched or put; enabled and activated, disabled and deactivated."""
    found = {words.SWITCHES[token] for token in tokens if token in words.SWITCHES}
    if not words.SWITCHING.isdisjoint(tokens):
        found |= {"off"} if "off" in tokens or "out" in tokens else {"on"} & set(tokens)
    return frozenset(found)


def limits_in(tokens: Sequence[str]) -> frozenset[str]:
    """`upper` of under 5, at most 5, less than 5; `lower` of over 5, at least 5, more than 5. Empty without numbers."""
    if not any(token[0].isdecimal() or token in words.SPELLED_NUMBERS for token in tokens):
        return frozenset()
    phrases = {*tokens, *(f"{one} {other}" for one, other in pairwise(tokens))}
    return frozenset(words.LIMITS[phrase] for phrase in phrases & words.LIMITS.keys())


def places_of_numbers(tokens: Sequence[str]) -> frozenset[tuple[str, str]]:
    """`6` and `paris` of 6 am in Paris."""
    return frozenset(
        (token, tokens[behind + 1])
        for at, token in enumerate(tokens)
        if token[0].isdecimal()
        for behind in range(at + 1, min(at + 3, len(tokens) - 1))
        if tokens[behind] in ("in", "for", "at", "of") and all(t in words.UNITS for t in tokens[at + 1 : behind])
    )


def doer_in(tokens: Sequence[str]) -> str:
    """Who did what was done: the word behind `by` of a passive; empty without one."""
    for at, token in enumerate(tokens[:-1]):
        if token == "by" and not words.BE.isdisjoint(tokens[:at]):  # noqa: S105  a word, no password
            return tokens[at + 1]
    return ""


def equated_in(tokens: Sequence[str]) -> frozenset[str]:
    """`tall` of `as tall as`."""
    triples = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return frozenset(middle for first, middle, last in triples if first == last == "as")


def parts_of(tokens: Sequence[str], meanings: Sequence[str]) -> tuple[str, ...]:
    """The meanings, and the persons who do something or to whom it is done; `her boss` is no such person. Without them
    where one comes twice: `when I travel can I pay`, `can I pay when I travel`."""
    persons = [
        words.ROLES.get(word, "") if word != "her" or not any(meanings[at + 1 : at + 2]) else ""
        for at, word in enumerate(tokens)
    ]
    if len(set(persons) - {""}) != sum(map(bool, persons)):
        return tuple(meanings)
    return tuple(person or meaning for person, meaning in zip(persons, meanings, strict=True))
