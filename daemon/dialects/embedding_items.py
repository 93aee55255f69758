"""An embeddings request as the texts that it consists of: each has its own vector, whatever stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from ..exchange import JsonObject
from .shares import even_shares
from .untrusted import as_count, as_index, as_object, as_objects

_COUNTS = ("prompt_tokens", "total_tokens")


class EmbeddingItems:
    """Takes embeddings requests and their answers apart, and puts answers together."""

    def apart(self, body: JsonObject) -> list[JsonObject]:
        return [{**body, "input": item} for item in _items(body["input"])]

    def together(self, body: JsonObject, positions: Sequence[int]) -> JsonObject:
        items = _items(body["input"])
        return {**body, "input": [items[position] for position in positions]}

    def answers(self, answer: JsonObject, count: int) -> list[JsonObject]:
        """Each with an equal share of the tokens: the provider counts all together."""
        vectors = as_objects(answer.get("data"))
        places = [as_index(vector.get("index"), otherwise=at) for at, vector in enumerate(vectors)]
        if sorted(places) != list(range(count)):
            return []
        in_order = [vector for _, vector in sorted(zip(places, vectors, strict=True), key=itemgetter(0))]
        return [
            {**answer, "data": [{**vector, "index": 0}], **usage}
            for vector, usage in zip(in_order, _usages(answer, count), strict=True)
        ]

    def joined(self, answers: Sequence[JsonObject], call: JsonObject | None) -> JsonObject:
        vectors = [vector for answer in answers for vector in as_objects(answer.get("data"))]
        data = [{**vector, "index": position} for position, vector in enumerate(vectors)]
        if call is not None:
            return {**call, "data": data}
        return {**answers[0], "data": data, "usage": dict.fromkeys(_COUNTS, 0)}


def _items(given: Any) -> list[Any]:
    """A list of numbers is one item: a text's tokens."""
    return given if isinstance(given, list) and isinstance(given[0], str | list) else [given]


def _usages(answer: JsonObject, count: int) -> list[JsonObject]:
    usage = as_object(answer.get("usage"))
    counted = {name: total for name in _COUNTS if (total := as_count(usage.get(name))) is not None}
    shares = {name: even_shares(total, count) for name, total in counted.items()}
    if not shares:
        return [{}] * count
    return [{"usage": {**usage, **{name: parts[at] for name, parts in shares.items()}}} for at in range(count)]
