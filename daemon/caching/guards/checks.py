"""The guards, in order: each says whether two questions differ in something that changes the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from . import words
from .antonyms import ANTONYMS
from .features import Features

Guard = Callable[[Features, Features], bool]


def objection(asked: Features, kept: Features) -> str | None:
    """The name of the first guard that objects to giving `asked` the answer of `kept`; None: none objects.

    Every guard is a veto and symmetric. 30 to 50 µs for a pair.
    """
    return objection_of_lists(asked, kept) or next(
        (name for name, differs in WORD_GUARDS if differs(asked, kept)), None
    )


def objection_of_lists(asked: Features, kept: Features) -> str | None:
    """The same without the guards of `objection_of_words`."""
    return next((name for name, differs in LIST_GUARDS if differs(asked, kept)), None)


def objection_of_words(asked: Features, kept: Features) -> str | None:
    """Of the guards that cannot tell a synonym from another word, which the verifier can."""
    return next((name for name, differs in WORD_GUARDS if differs(asked, kept)), None)


def _urls_differ(a: Features, b: Features) -> bool:
    return a.urls != b.urls


def _quotes_differ(a: Features, b: Features) -> bool:
    """What one of them quotes, the other one must hold, quoted or not."""
    return not (_holds_quotes_of(a, b) and _holds_quotes_of(b, a))


def _holds_quotes_of(quoting: Features, other: Features) -> bool:
    return all(quote.casefold() in other.folded for quote in quoting.quoted) and all(
        code in other.text for code in quoting.backticked
    )


def _code_differs(a: Features, b: Features) -> bool:
    """Upper and lower case count: `getUser` is not `getuser`."""
    return a.code != b.code or _is_shouted_in_one(a, b) or _is_shouted_in_one(b, a)


def _is_shouted_in_one(shouting: Features, other: Features) -> bool:
    return any(word.lower() in other.tokens for word in shouting.shouted - other.shouted)


def _numbers_differ(a: Features, b: Features) -> bool:
    return Counter(a.numbers) != Counter(b.numbers)


def _units_differ(a: Features, b: Features) -> bool:
    """`How many km is 5 miles` may be asked without `how many`, but not with other units."""
    are_asked = all(any(measure[0] == "?" for measure in text.measures) for text in (a, b))
    differing = a.measures ^ b.measures
    return any(are_asked or measure[0] != "?" for measure in differing) or _members_differ("unit")(a, b)


def _members_differ(kind: str) -> Guard:
    def differ(a: Features, b: Features) -> bool:
        return Counter(a.members.get(kind)) != Counter(b.members.get(kind))

    return differ


def _negations_differ(a: Features, b: Features) -> bool:
    """As many `not` on both sides, and no `safe` against `unsafe`."""
    if a.negations != b.negations:
        return True
    only_a, only_b = set(a.tokens) - set(b.tokens), set(b.tokens) - set(a.tokens)
    return _negates_one_of(only_a, only_b) or _negates_one_of(only_b, only_a)


def _negates_one_of(longer: set[str], shorter: set[str]) -> bool:
    return any(prefix + word in longer for word in shorter if len(word) > 3 for prefix in words.NEGATING_PREFIXES)


def _are_opposite(a: Features, b: Features) -> bool:
    return (
        any(poles != b.poles.get(pair, poles) for pair, poles in a.poles.items())
        or bool(a.switched and b.switched and a.switched != b.switched)
        or bool(a.limits and b.limits and not a.limits & b.limits)
        or _are_antonyms(a, b)
    )


def _are_antonyms(a: Features, b: Features) -> bool:
    """What one of them says and the other does not, against what the other says alone."""
    only_b = b.stems - a.stems
    return any(not only_b.isdisjoint(ANTONYMS.get(word, ())) for word in a.stems - b.stems)


def _degrees_differ(a: Features, b: Features) -> bool:
    """`taller` in one, `tallest` or `as tall as` in the other."""
    return bool(
        _roots(a, "er") & _roots(b, "est")
        or _roots(a, "est") & _roots(b, "er")
        or a.equated & _roots(b, "er")
        or b.equated & _roots(a, "er")
    )


def _roots(features: Features, ending: str) -> set[str]:
    return {token.removesuffix(ending) for token in features.tokens if token.endswith(ending) and len(token) > 4}


def _order_differs(a: Features, b: Features) -> bool:
    if a.numbers != b.numbers or any(a.members.get(kind) != b.members.get(kind) for kind in _ORDERED_KINDS):
        return True
    if bool(a.doer) != bool(b.doer):
        return _doers_change_places(a, b)
    return (
        (_lead_somewhere(a, b) and a.members.get("technology") != b.members.get("technology"))
        or _entities_change_places(a, b)
        or _letters_change_places(a, b)
        or _numbers_change_places(a, b)
        or _sides_change(a, b)
        or _runs_change_places(a.meanings, b.meanings)
        or _prepositions_turn(a, b)
    )


_ORDERED_KINDS = ("currency", "language", "date", "time zone")


def _lead_somewhere(a: Features, b: Features) -> bool:
    """`from java to python`; in other texts they come as they like: `pip install pandas`, `pandas with pip`."""
    return not (words.PIVOTS.isdisjoint(a.tokens) or words.PIVOTS.isdisjoint(b.tokens))


def _entities_change_places(a: Features, b: Features) -> bool:
    names = a.entities | b.entities
    in_a, in_b = ([token for token in text.tokens if token in names] for text in (a, b))
    return in_a != in_b and sorted(in_a) == sorted(in_b)


def _letters_change_places(a: Features, b: Features) -> bool:
    """`table a into table b` and `table b into table a`."""
    in_a, in_b = ([token for token in text.tokens if len(token) == 1 and token.isalpha()] for text in (a, b))
    return in_a != in_b and sorted(in_a) == sorted(in_b) and not {"i", "a"}.issuperset(in_a)


def _numbers_change_places(a: Features, b: Features) -> bool:
    """`6 am in Paris, and in Boston?` and `in Paris when it is 6 am in Boston`."""
    return any(
        number == other and mine != theirs and mine in b.tokens and theirs in a.tokens
        for number, mine in a.places_of_numbers
        for other, theirs in b.places_of_numbers
    )


def _doers_change_places(a: Features, b: Features) -> bool:
    """`was Rome sacked by the Goths` and `did Rome sack the Goths`: one of them is passive, and yet in one order."""
    common = a.content & b.content
    in_a, in_b = ([meaning for meaning in text.meanings if meaning in common] for text in (a, b))
    return len(in_a) > 1 and in_a == in_b and (a.doer or b.doer) in set(a.tokens) & set(b.tokens)


def _sides_change(a: Features, b: Features) -> bool:
    """`x than y` and `y than x`: two words stand on the other side of the same pivot."""
    shared = words.PIVOTS.intersection(a.tokens).intersection(b.tokens)
    return any(_change_sides(_sides(a, pivot), _sides(b, pivot)) for pivot in shared)


def _change_sides(one: tuple[set[str], set[str]], other: tuple[set[str], set[str]]) -> bool:
    return bool(one[0] & other[1] and one[1] & other[0])


def _sides(text: Features, pivot: str) -> tuple[set[str], set[str]]:
    """The meanings up to four words before the first such pivot, and behind it, but for those on both sides."""
    at = text.tokens.index(pivot)
    left, right = set(text.meanings[max(0, at - 4) : at]) - {""}, set(text.meanings[at + 1 : at + 5]) - {""}
    return left - right, right - left


def _runs_change_places(one: Sequence[str], other: Sequence[str]) -> bool:
    """`the dog bit the man`, `the man bit the dog`: among the meanings that both have, two runs
    changed places around a third that stayed. `python: sort a list`, `sort a list in python` is none.
    """
    common = set(one) & set(other) - {""}
    a, b = _without_equal_ends([m for m in one if m in common], [m for m in other if m in common])
    if sorted(a) != sorted(b) or len(a) > _LONGEST_REORDERED:
        return a != b and sorted(a) == sorted(b)
    return any(
        a[:i] == b[len(a) - i :] and a[j:] == b[: len(a) - j] and a[i:j] == b[len(a) - j : len(a) - i]
        for i in range(1, len(a) - 1)
        for j in range(i + 1, len(a))
    )


# The search is quadratic; a longer reordering is refused unread.
_LONGEST_REORDERED = 24


def _without_equal_ends(a: list[str], b: list[str]) -> tuple[list[str], list[str]]:
    while a and b and a[0] == b[0]:
        a, b = a[1:], b[1:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return a, b


def _prepositions_turn(a: Features, b: Features) -> bool:
    """`from my account` and `to my account`."""
    return any(
        frozenset((mine, theirs)) in words.COUNTERPARTS
        for meaning, prepositions in a.governed.items()
        for mine in prepositions - b.governed.get(meaning, prepositions)
        for theirs in b.governed[meaning] - prepositions
    )


def _tenses_differ(a: Features, b: Features) -> bool:
    """What was and what will be; what was and what is, where that is all. `Why was my card declined` and `my card is
    declined` are of one day."""
    if not a.tenses or not b.tenses or a.tenses & b.tenses:
        return False
    return ("future" in a.tenses | b.tenses and "past" in a.tenses | b.tenses) or a.content == b.content


def _modalities_differ(a: Features, b: Features) -> bool:
    return bool(a.modalities and b.modalities and not a.modalities & b.modalities)


def _persons_differ(a: Features, b: Features) -> bool:
    """`my name` and `your name`; he and she; `I call you` and `you call me`. `Do I`, `do you` may be one."""
    return (
        bool(a.possessives and b.possessives and a.possessives != b.possessives)
        or bool(a.persons and b.persons and _third_persons(a) != _third_persons(b))
        or bool(a.sought and b.sought and a.sought != b.sought)
        or _states_differ(a, b)
        or _take_turns(tuple(dict.fromkeys(a.persons)), tuple(dict.fromkeys(b.persons)))
        or _roles_change(a, b)
    )


def _third_persons(text: Features) -> frozenset[str]:
    return words.THIRD_PERSONS.intersection(text.persons)


def _states_differ(a: Features, b: Features) -> bool:
    return bool(a.states and b.states and a.states != b.states)


def _take_turns(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(one) > 1 and one != other and set(one) == set(other)


def _roles_change(a: Features, b: Features) -> bool:
    """`what do I expect from my boss`, `what does my boss expect from me`: of little else than the same words."""
    return (
        len(a.content ^ b.content) <= _REWORDED
        and _runs_change_places(a.parts, b.parts)
        and _cases_differ(words.ROLES.keys() & a.tokens, words.ROLES.keys() & b.tokens)
    )


def _cases_differ(one: set[str], other: set[str]) -> bool:
    """`I` and `me`; `you` and `her` may be either."""
    return one != other or "you" in one or "her" in one


_REWORDED = 2
"""A verb and its synonym. In longer rewordings persons come and go: `it is not mine`, `I did not do it`."""


def _only_ways_of_asking_differ(a: Features, b: Features) -> bool:
    """Where and when, why and how, of the same; what may stand for any of them but why."""
    ways = {a.way_of_asking, b.way_of_asking} - {""}
    return len(ways) > 1 and ("what" not in ways or "why" in ways) and a.content == b.content


def _questions_differ(a: Features, b: Features) -> bool:
    """Who, when, where, why; a text that asks without these words may ask the same."""
    return bool(a.question_words and b.question_words and a.question_words != b.question_words)


def _entities_differ(a: Features, b: Features) -> bool:
    return not (a.entities <= b.entities | set(b.tokens) and b.entities <= a.entities | set(a.tokens))


def _words_are_exchanged(a: Features, b: Features) -> bool:
    """Each says something that the other does not: what no list knows, in any language."""
    return bool(a.content - b.content and b.content - a.content)


LIST_GUARDS: tuple[tuple[str, Guard], ...] = (
    ("url", _urls_differ),
    ("quoted", _quotes_differ),
    ("code", _code_differs),
    ("number", _numbers_differ),
    ("unit", _units_differ),
    ("date", _members_differ("date")),
    ("currency", _members_differ("currency")),
    ("time zone", _members_differ("time zone")),
    ("language", _members_differ("language")),
    ("technology", _members_differ("technology")),
    ("format", _members_differ("format")),
    ("length", _members_differ("length")),
    ("negation", _negations_differ),
    ("antonym", _are_opposite),
    ("comparative", _degrees_differ),
    ("order", _order_differs),
    ("tense", _tenses_differ),
    ("modality", _modalities_differ),
    ("question", _only_ways_of_asking_differ),
    ("pronoun", _persons_differ),
    ("entity", _entities_differ),
)
"""Cheap and certain ones first: the name of the first is what people see."""

WORD_GUARDS: tuple[tuple[str, Guard], ...] = (
    ("question", _questions_differ),
    ("wording", _words_are_exchanged),
)
GUARDS = (*LIST_GUARDS, *WORD_GUARDS)
