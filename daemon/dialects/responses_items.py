"""Where texts stand in the items of OpenAI's responses: what is said, called, and brought back."""

from __future__ import annotations

from collections.abc import Iterator

from ..exchange import JsonObject
from .dialect import Place, TextKind
from .texts import content_texts, definition_texts, kind_of, strings_at, value_at
from .untrusted import as_object, as_objects

_ITEM_WORDS = frozenset(
    {
        "type",
        "id",
        "role",
        "call_id",
        "status",
        "name",
        "namespace",
        "phase",
        "server_label",
        "approval_request_id",
        "encrypted_content",
    }
)
"""The protocol's own words."""


def input_places(holder: JsonObject, at: str) -> Iterator[Place]:
    """The texts of `input` or `instructions`: a text, or items."""
    if isinstance(holder[at], str):
        yield Place(holder, at)
        return
    for item in as_objects(holder[at]):
        if not _is_sealed(item):
            yield from _item_places(item)


def answer_places(answer: JsonObject) -> Iterator[Place]:
    """The texts that the model wrote, then those of the request that the answer repeats."""
    for item in as_objects(answer.get("output")):
        yield from output_places(item)
    if "instructions" in answer:
        yield from input_places(answer, "instructions")
    for field in ("tools", "text"):
        yield from definition_texts(answer.get(field))
    if "variables" in as_object(answer.get("prompt")):
        yield from strings_at(answer["prompt"], "variables")
    for field in ("prompt_cache_key", "safety_identifier", "user", "metadata"):
        if field in answer:
            yield from value_at(answer, field)


def output_places(item: JsonObject) -> Iterator[Place]:
    """The texts of one item that the model wrote. Reasoning stays as it is: it is sent back sealed."""
    if item.get("type") != "reasoning":
        yield from _written(_item_places(item))


def part_places(part: JsonObject) -> Iterator[Place]:
    """The texts of a content part that the model wrote."""
    if part.get("type") != "reasoning_text":
        yield from _written(content_texts(part))


def _written(places: Iterator[Place]) -> Iterator[Place]:
    """Places of an answer, where a text may be JSON mode."""
    for place in places:
        if place.kind is TextKind.PLAIN:
            place.kind = kind_of(place.text)
        yield place


def _item_places(item: JsonObject) -> Iterator[Place]:
    for field, value in item.items():
        if field in _ITEM_WORDS or _is_picture(item, field):
            continue
        if isinstance(value, str):
            yield Place(item, field, TextKind.JSON if field == "arguments" else TextKind.PLAIN)
        else:
            yield from content_texts(value)


def _is_sealed(item: JsonObject) -> bool:
    """Reasoning that its provider encrypted was made from hidden text, and must come back as it was made."""
    return item.get("type") == "reasoning" and bool(item.get("encrypted_content"))


def _is_picture(item: JsonObject, field: str) -> bool:
    return field == "result" and item.get("type") == "image_generation_call"
