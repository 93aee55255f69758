"""Reveal: the originals back into an answer, whole or streamed."""

from __future__ import annotations

from ..dialects.dialect import Dialect, TextKind
from ..json_text import parse_object, to_json
from .privacy import Hidden


def reveal_whole(dialect: Dialect, hidden: Hidden, body: bytes) -> bytes:
    """The answer with the vault's originals put back; the same bytes where nothing is to be put back."""
    vault = hidden.vault
    if vault.is_empty:
        return body
    answer = parse_object(body)
    if answer is None:
        return body
    changed = False
    for place in dialect.answer_places(answer):
        text = place.text
        restored = vault.restore_json(text) if place.kind is TextKind.JSON else vault.restore(text)
        if restored != text:
            place.text = restored
            changed = True
    return to_json(answer) if changed else body
