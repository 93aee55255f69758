"""Which hidden texts have no near answers, by their characters and by the names that stand where PII stood."""

from __future__ import annotations

import re
from collections import Counter

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]*)_\d+>")

# The embedder reads English word pieces: control and format characters it drops, emoji and most other scripts it
# takes for one unknown word each. Two texts that differ in these alone have the same vector.
_UNSEEN = re.compile(
    "[^\\t\\n\\r\\x20-\\x7e\\xa0-\\xac\\xae-\\u024f\\u1e00-\\u1eff\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20cf]"
)


def placeholders_in(text: str) -> list[str]:
    """All of them, sorted."""
    return sorted(found.group() for found in PLACEHOLDER.finditer(text))


def why_exact_only(text: str) -> str | None:
    """A text with two names of one type has no near answers: "P1 pays P2" is not "P1 is paid by P2". Neither has
    one with characters that the embedder cannot tell apart, or without a word."""
    if _UNSEEN.search(text):
        return "characters that the embedder does not know"
    if not any(map(str.isalnum, text)):
        return "no word in it"
    distinct = {found.group(): found.group(1) for found in PLACEHOLDER.finditer(text)}
    twice = next((entity_type for entity_type, count in Counter(distinct.values()).items() if count > 1), None)
    return f"two different {twice}" if twice else None
