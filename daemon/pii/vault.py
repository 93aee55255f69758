"""What was hidden in one request, and how it comes back: in whole texts, in JSON, in a stream cut anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from ..dialects.dialect import TextKind, TextRestorer
from .placeholders import BEGINNING, SPELLING, canonical, kind_of, may_hold_placeholders, name_of

# As far as a spelling of a placeholder looks back: two backslashes and what stands before them.
_LOOK_BACK = 3


@dataclass(frozen=True, slots=True)
class Vault:
    """The originals of one request by placeholder name. Restores these, in one pass, and nothing else."""

    originals: Mapping[str, str] = field(default_factory=dict, repr=False)
    ambiguous: frozenset[str] = frozenset()
    """Names that stand for one value in one turn and for another in another, or for themselves, as the text had them:
    never put back, nor given out again."""
    numbered_after: int = 0
    """Behind which number its names begin, and those of later turns have to."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be put back."""
        return not self.originals

    @property
    def matters_later(self) -> bool:
        """Whether later turns have to know of it, where their provider keeps this one."""
        return bool(self.originals or self.ambiguous)

    @property
    def names(self) -> frozenset[str]:
        """All that are given out."""
        return self.ambiguous.union(self.originals)

    @property
    def values(self) -> dict[str, str]:
        """Each value with the kind that it was found as; look-alikes were not found."""
        return {value: kind_of(name) for name, value in self.originals.items() if not name_of(value)}

    def joined(self, other: Vault) -> Vault:
        """Both, without the names that mean one value here and another there."""
        differing = {name for name, value in self.originals.items() if other.originals.get(name, value) != value}
        both = {**self.originals, **other.originals}
        after = max(self.numbered_after, other.numbered_after)
        return Vault(both, self.ambiguous | other.ambiguous, after).without(differing)

    def without(self, names: Set[str]) -> Vault:
        """The same where these names can stand for something else as well."""
        ambiguous = self.ambiguous | names
        originals = {name: value for name, value in self.originals.items() if name not in ambiguous}
        return Vault(originals, ambiguous, self.numbered_after)

    def restore(self, text: str) -> str:
        """Put the originals back into a plain text."""
        return self._restored(text, TextKind.PLAIN)

    def restore_json(self, text: str) -> str:
        """Put the originals back, escaped, into a text that holds JSON."""
        return self._restored(text, TextKind.JSON)

    def restorer(self, kind: TextKind) -> TextRestorer:
        return _TextRestorer(self.originals, kind)

    def _restored(self, text: str, kind: TextKind) -> str:
        if self.is_empty or not may_hold_placeholders(text):
            return text
        return SPELLING.sub(_replacement(self.originals, kind), text)


class _TextRestorer:
    """Restores one text that comes in parts.

    Holds back only an end that can still become a placeholder of this vault: at most its own length.
    """

    def __init__(self, originals: Mapping[str, str], kind: TextKind) -> None:
        self._originals = originals
        self._beginnings = frozenset(name[:size] for name in originals for size in range(len(name) + 1))
        self._replacement = _replacement(originals, kind)
        self._held = ""
        self._before = ""

    def feed(self, part: str) -> str:
        if not self._held and not _may_concern_us(part):
            self._remember(part)
            return part
        text = self._before + self._held + part
        hold_at = self._hold_at(text, len(self._before))
        self._held = text[hold_at:]
        return self._restored(text[:hold_at])

    def finish(self) -> str:
        text, self._held = self._before + self._held, ""
        return self._restored(text)

    def _restored(self, text: str) -> str:
        """What follows in the text on that which went out before, restored."""
        begin = len(self._before)
        self._remember(text[begin:])
        return SPELLING.sub(self._replacement, text)[begin:]

    def _remember(self, raw: str) -> None:
        self._before = (self._before + raw)[-_LOOK_BACK:]

    def _hold_at(self, text: str, begin: int) -> int:
        """Where the earliest beginning of one of our placeholders at the end of the text stands; else its end."""
        match = BEGINNING.search(text, begin)
        while match:
            if self._may_become_ours(match):
                return match.start()
            match = BEGINNING.search(text, match.start() + 1)
        return len(text)

    def _may_become_ours(self, match: re.Match[str]) -> bool:
        if match["name"] is None:
            return True
        name = canonical(match["name"])
        return name in (self._originals if match["close"] else self._beginnings)


def _may_concern_us(part: str) -> bool:
    return "<" in part or "&" in part or "\\" in part


def _replacement(originals: Mapping[str, str], kind: TextKind) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        value = originals.get(canonical(match["name"]))
        if value is None:
            return match[0]
        return _json_escaped(value) if kind is TextKind.JSON else value

    return replace


def _json_escaped(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]
