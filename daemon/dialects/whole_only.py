"""What a dialect says of streams where its protocol has none, and of limits where nothing is written."""

from __future__ import annotations

from ..exchange import JsonObject, Usage
from ..json_text import to_json
from .dialect import Place, StreamRestore, StreamRewriter


class WholeOnly:
    """Answers come whole, hold no text, and are not limited in length."""

    def wants_usage(self, body: JsonObject) -> bool:
        return True

    def output_limit(self, body: JsonObject) -> int | None:
        return 0

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        return body

    def ends_stream(self, piece: bytes) -> bool:
        return False

    def delta_texts(self, event: JsonObject) -> list[str]:
        return []

    def cut(self, stream: bytes, usage: Usage) -> bytes:
        return b""

    def assemble(self, stream: bytes) -> JsonObject | None:
        return None

    def assemble_partial(self, stream: bytes) -> JsonObject:
        return {}

    def replay(self, answer: JsonObject, *, with_usage: bool) -> bytes:
        return to_json(answer)

    def rewriter(self, restore: StreamRestore | None, *, with_usage: bool) -> StreamRewriter | None:
        return None

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        return []
