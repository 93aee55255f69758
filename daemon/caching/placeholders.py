"""The names that stand in a hidden text where PII stood, `<PERSON_1>`."""

from __future__ import annotations

import re
from collections import Counter

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]*)_\d+>")


def placeholders_in(text: str) -> list[str]:
    """All of them, sorted."""
    return sorted(found.group() for found in PLACEHOLDER.finditer(text))


def why_exact_only(text: str) -> str | None:
    """A text with two names of one type has no near answers: "P1 pays P2" is not "P1 is paid by P2"."""
    distinct = {found.group(): found.group(1) for found in PLACEHOLDER.finditer(text)}
    twice = next((entity_type for entity_type, count in Counter(distinct.values()).items() if count > 1), None)
    return f"two different {twice}" if twice else None
