"""Words and phrases that stand in a text as whole words, in any case."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

_WORD = re.compile(r"\w+|[^\w\s]")


class WordList:
    """Looked up by their first word: the cost does not grow with the length of the list."""

    def __init__(self, phrases: Iterable[str]) -> None:
        by_first_word: defaultdict[str, set[str]] = defaultdict(set)
        for phrase in phrases:
            by_first_word[_first_word(phrase)].add(phrase)
        self._patterns = {word: _any_of(found) for word, found in by_first_word.items()}

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        for word in _WORD.finditer(text):
            pattern = self._patterns.get(word[0].casefold())
            if pattern and (match := pattern.match(text, word.start())):
                yield match.span()


def _first_word(phrase: str) -> str:
    first: str = _WORD.findall(phrase)[0]
    return first.casefold()


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """The longest one that stands there; blanks in it are any white space."""
    forms = ["\\s+".join(map(re.escape, phrase.split())) for phrase in sorted(phrases, key=len, reverse=True)]
    return re.compile(rf"(?:{'|'.join(forms)})(?!\w)", re.IGNORECASE)
