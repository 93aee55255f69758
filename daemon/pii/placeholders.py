"""`<EMAIL_ADDRESS_1>`: how a placeholder is written, recognised and numbered.

A *name* is what stands between the angle brackets: `EMAIL_ADDRESS_1`. Models give placeholders back in
other case, with `\\_` from Markdown, with blanks for underscores, and escaped for HTML or JSON; each of these
spellings is the same name.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from ..exchange import Span

# `\_` is Markdown's underscore, `\\_` the same inside JSON.
_JOINT = r"(?:\\{0,2}_| )"
_BODY = rf"[A-Za-z](?:[A-Za-z0-9]|{_JOINT}){{0,150}}"
# A backslash that is escaped itself is no beginning of \u003c. It is looked back at from behind: where each way to
# begin has a first character, `re` skips to these, which takes a tenth of the time.
_OPEN = r"(?:<|&lt;|\\(?:(?<!\\\\)|(?<=(?<!\\)\\\\\\))u003[cC])"
_CLOSE = r"(?:>|&gt;|\\u003[eE])"

SPELLING = re.compile(rf"{_OPEN} ?(?P<name>{_BODY}?{_JOINT}[0-9]{{1,9}}) ?{_CLOSE}")
"""A whole placeholder, or what looks like one."""

BEGINNING = re.compile(
    rf"{_OPEN}(?: ?(?P<name>(?:{_BODY})?)(?P<cut>\\{{1,2}}|(?P<close>&(?:g(?:t)?)?|\\u(?:0(?:0(?:3)?)?)?))?)\Z"
    r"|(?:&(?:l(?:t)?)?|\\(?:u(?:0(?:0(?:3)?)?)?)?)\Z"
)
"""What may be the beginning of a placeholder at the end of a text that goes on."""


def may_hold_placeholders(text: str) -> bool:
    """Whether it is worth looking closer; far cheaper than a pattern."""
    return "<" in text or "&lt;" in text or "\\u003" in text


def may_be_in_json(raw: bytes) -> bool:
    """The same of the texts in a JSON value, any character of which may be written as an escape."""
    return b"<" in raw or b"&lt;" in raw or b"\\u00" in raw


def canonical(spelled: str) -> str:
    """The name as it is minted, from any spelling of it."""
    return spelled.replace("\\", "").strip().replace(" ", "_").upper()


def look_alikes_in(text: str) -> Iterator[Span]:
    """Where something stands that reads like a placeholder, as of the kind that it names."""
    if may_hold_placeholders(text):
        for match in SPELLING.finditer(text):
            yield Span(*match.span(), kind_of(canonical(match["name"])), 0.0)


def is_look_alike(span: Span) -> bool:
    """Whether nothing was found there but what `look_alikes_in` told of."""
    return span.score == 0


def look_alikes_apart_from(spans: Sequence[Span], text: str) -> Iterator[Span]:
    """The look-alikes where nothing was found. The spans are sorted and do not overlap."""
    remaining = iter(spans)
    found = next(remaining, None)
    for look_alike in look_alikes_in(text):
        while found is not None and found.end <= look_alike.start:
            found = next(remaining, None)
        if found is None or look_alike.end <= found.start:
            yield look_alike


def name_of(spelled: str) -> str:
    """The name in a whole placeholder, however it is spelled."""
    match = SPELLING.fullmatch(spelled)
    return canonical(match["name"]) if match else ""


def names_in(text: str) -> Iterator[str]:
    """The names of all placeholders and look-alikes in a text."""
    if may_hold_placeholders(text):
        for match in SPELLING.finditer(text):
            yield canonical(match["name"])


def numbers_beside(earlier_turns: str | None) -> int:
    """Behind which number a request begins that goes on from turns which do not stand in it: these have numbers of
    their own, and one that were given out twice would be put back as somebody else. 0 without such turns."""
    if earlier_turns is None:
        return 0
    digest = hashlib.sha256(earlier_turns.encode("utf-8", "replace")).digest()
    return 10_000 * (1 + int.from_bytes(digest[:2], "big"))


def kind_of(name: str) -> str:
    """`EMAIL_ADDRESS` of `EMAIL_ADDRESS_1`."""
    return name.rpartition("_")[0]


_NOTHING_GIVEN: Mapping[str, str] = MappingProxyType({})


class Mint:
    """Gives out names: by kind, numbered by first appearance, one for each value.

    Names that are taken, because the text holds them as look-alikes, are not given out. Of more than `max_values`
    values the first are forgotten, and get a new name when they come again. Numbers begin behind `after`. `given` are
    names and values of earlier turns, which go on to be theirs.
    """

    def __init__(
        self,
        taken: frozenset[str] = frozenset(),
        *,
        max_values: int | None = None,
        after: int = 0,
        given: Mapping[str, str] = _NOTHING_GIVEN,
        on_new: Callable[[str, str], object] | None = None,
    ) -> None:
        """`on_new` is told each name with its value as it is given out."""
        self._on_new = on_new
        self._taken = set(taken)
        self._max_values = max_values
        self._after = after
        self._given: Counter[str] = Counter()
        self._names: dict[tuple[str, str], str] = {(kind_of(name), value): name for name, value in given.items()}
        self._out = set(given)

    def take(self, name: str) -> bool:
        """Never give this name out; False where it is given out already."""
        if name in self._out:
            return False
        self._taken.add(name)
        return True

    def name_for(self, entity_type: str, value: str) -> str:
        """The value's name, a new one where it has none yet."""
        key = (entity_type, value)
        if key not in self._names:
            self._forget_beyond_limit()
            self._names[key] = self._next(entity_type)
            if self._on_new is not None:
                self._on_new(self._names[key], value)
        return self._names[key]

    @property
    def taken(self) -> frozenset[str]:
        """Names that are never given out."""
        return frozenset(self._taken)

    def originals(self) -> dict[str, str]:
        """Name to value, for all that was given out."""
        return {name: value for (_, value), name in self._names.items()}

    def _forget_beyond_limit(self) -> None:
        if self._max_values is not None and len(self._names) >= self._max_values:
            self._out.discard(self._names.pop(next(iter(self._names))))

    def _next(self, entity_type: str) -> str:
        while True:
            self._given[entity_type] += 1
            name = f"{entity_type}_{self._after + self._given[entity_type]}"
            if name not in self._taken and name not in self._out:
                self._out.add(name)
                return name
