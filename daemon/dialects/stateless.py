"""What a dialect says of earlier turns where each request holds all of its conversation."""

from __future__ import annotations

from ..exchange import JsonObject


class Stateless:
    """The provider keeps nothing that a later request could refer to."""

    def earlier_turns(self, body: JsonObject) -> str | None:
        return None

    def is_kept(self, body: JsonObject) -> bool:
        return False

    def kept_as(self, body: JsonObject, answer: JsonObject) -> tuple[str, ...]:
        return ()

    def removes_kept(self, body: JsonObject) -> bool:
        return False

    def spends_unseen(self, body: JsonObject) -> bool:
        return False
