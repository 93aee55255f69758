"""Walking JSON for the texts in it. Without recursion: a body may be nested as deep as the parser allows.

The order is fixed by the JSON alone (the strings of one level first, then what is nested), because
placeholders are numbered by first appearance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..exchange import JsonObject
from ..json_text import parse, to_json
from .dialect import Place, TextKind

_PROTOCOL_KEYS = frozenset(
    {
        "type",
        "id",
        "role",
        "tool_use_id",
        "tool_call_id",
        "file_id",
        "media_type",
        "cache_control",
        # Sealed by the provider: a changed one is refused.
        "signature",
        "encrypted_content",
        "encrypted_index",
        "encrypted_stdout",
        # A file's content.
        "file_data",
    }
)
"""Fields of a content part that hold the protocol's own words."""

_ENVELOPE_KEYS = _PROTOCOL_KEYS | {
    # Ids and words of whole answers.
    "call_id",
    "container_id",
    "finish_reason",
    "item_id",
    "model",
    "object",
    "previous_response_id",
    "service_tier",
    "status",
    "stop_reason",
    "system_fingerprint",
    # Pieces of a text that stands beside them, and numbers.
    "logprobs",
    "top_logprobs",
    "embedding",
}
"""The same of whole answers."""

_FILE_TYPES = frozenset(
    {
        "image",
        "image_url",
        "input_audio",
        "input_image",
        "computer_screenshot",
        "base64",
        "container_upload",
        "redacted_thinking",
        "reasoning.encrypted",
    }
)
_SIGNED_TYPES = frozenset({"thinking", "reasoning.text"})

_SCHEMA_VALUES = frozenset({"default", "examples", "example", "input_examples", "enum", "const"})
_SCHEMA_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_DEFINITION_WORDS = frozenset(
    (  # noqa: SIM905  one word a line would be a page
        # A schema's own words, and grammars.
        "$anchor $dynamicAnchor $dynamicRef $id $ref $schema contentEncoding contentMediaType definition format "
        "pattern propertyName required type "
        # Names, by which one part of a request means another.
        "allowed_tools clear_tool_inputs exclude_tools mcp_server_name name namespace server_label tool_names "
        # What the provider keeps, and what it needs to reach somebody else's server.
        "allowed_domains authorization blocked_domains connector_id container container_id file_id file_ids id "
        "image_url server_url skill_id tunnel_id vector_store_ids version"
    ).split()
)
"""Strings of definitions that have to stay as they are; any other is a text."""
_SPARED_OBJECTS = frozenset({"dependentRequired", "domain_secrets", "headers", "user_location"})
"""Objects of definitions that hold nothing but such strings."""


def kind_of(text: str) -> TextKind:
    """How an answer's text is restored: one that begins like an object is taken for JSON mode.

    The first character that is not blank decides, so a stream and a whole answer decide alike.
    """
    return TextKind.JSON if text.lstrip().startswith("{") else TextKind.PLAIN


@dataclass(slots=True)
class JsonPlace(Place):
    """An object or array that is read and written as its JSON, so that the names and numbers in it are seen, too.

    Setting `text` raises ValueError where it is no JSON, and changes nothing then.
    """

    kind: TextKind = TextKind.JSON

    @property
    def text(self) -> str:
        return to_json(self.holder[self.at]).decode()

    @text.setter
    def text(self, value: str) -> None:
        self.holder[self.at] = parse(value)


def value_at(holder: Any, at: str | int) -> Iterator[Place]:
    """`holder[at]` as one text: a string as it is, an object or array as JSON; of anything else none."""
    value = holder[at]
    if isinstance(value, str):
        yield Place(holder, at)
    elif isinstance(value, dict | list) and value:
        yield JsonPlace(holder, at)


def strings_at(holder: Any, at: str | int) -> Iterator[Place]:
    """`holder[at]` where it is a string, else every string value inside; names of fields are not values."""
    value = holder[at]
    if isinstance(value, str):
        yield Place(holder, at)
        return
    pending = [value]
    while pending:
        holder = pending.pop()
        nested = []
        for key, value in _entries(holder):
            if isinstance(value, str):
                yield Place(holder, key)
            else:
                nested.append(value)
        pending.extend(reversed(nested))


def further_texts(body: JsonObject, known: frozenset[str], callers: tuple[str, ...]) -> Iterator[Place]:
    """The texts of the fields that are not `known`, in the order of their names, then those of `callers`.

    A field that nobody knows yet is scanned: better hidden without need than let out. What says who is asking comes
    last: the cache's key leaves it out, so it may not move the number of a placeholder.
    """
    if not body.keys() <= known:
        for field in sorted(body.keys() - known):
            yield from strings_at(body, field)
    for field in callers:
        if field in body:
            yield from value_at(body, field)


def content_texts(root: Any) -> Iterator[Place]:
    """Every text of content parts of any type, but for files and what a provider has sealed."""
    return _texts(root, _PROTOCOL_KEYS, _is_closed)


def spoken_texts(answer: JsonObject) -> Iterator[Place]:
    """Every text of an answer, those in which nothing is put back included: thoughts, sources, unknown fields."""
    return _texts(answer, _ENVELOPE_KEYS, _is_file)


def _texts(root: Any, words: frozenset[str], is_passed_over: Callable[[dict[str, Any]], bool]) -> Iterator[Place]:
    """Every string whose name is none of the protocol's `words`, outside the objects that are passed over."""
    pending = [root]
    while pending:
        holder = pending.pop()
        if isinstance(holder, dict) and is_passed_over(holder):
            continue
        nested = []
        for key, value in _entries(holder):
            if isinstance(value, str):
                if key not in words and not _is_file_text(holder, key, value):
                    yield Place(holder, key)
            elif key == "input":  # a tool's: all in it is the caller's, also what is called `id` or `type`
                yield from value_at(holder, key)
            elif key not in words:
                nested.append(value)
        pending.extend(reversed(nested))


def definition_texts(root: Any) -> Iterator[Place]:
    """The texts of tool definitions and JSON schemas: descriptions, titles, and values such as defaults and `enum`.

    A model that has to choose among values chooses among their placeholders, which are put back like all others. Names,
    patterns and what a provider needs to do the tool's work stay usable.
    """
    pending: list[tuple[Any, bool]] = [(root, False)]
    while pending:
        holder, is_list_of_schemas = pending.pop()
        if isinstance(holder, dict) and not is_list_of_schemas and _is_file(holder):
            continue
        nested: list[tuple[Any, bool]] = []
        for key, value in _entries(holder):
            if is_list_of_schemas:
                nested.append((value, False))
            elif key in _SCHEMA_VALUES:
                yield from strings_at(holder, key)
            elif key in _DEFINITION_WORDS:
                if not _is_text_or_texts(value):
                    nested.append((value, False))
            elif isinstance(value, str):
                yield Place(holder, key)
            elif key not in _SPARED_OBJECTS:
                nested.append((value, key in _SCHEMA_NAMES))
        pending.extend(reversed(nested))


def _is_text_or_texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(item, str) for item in value))


def _is_closed(part: dict[str, Any]) -> bool:
    """Whether a content part is a file, or thinking that its provider has signed.

    Signed thinking must come back as it was made. It was made from hidden text, and answers are given out
    without restoring it, so it holds placeholders. Thinking without a signature is text like any other.
    """
    return _is_file(part) or (_type_of(part) in _SIGNED_TYPES and bool(part.get("signature")))


def _is_file(part: dict[str, Any]) -> bool:
    """Whether it is nothing but a file, or what its provider has sealed."""
    return _type_of(part) in _FILE_TYPES


def _type_of(part: dict[str, Any]) -> str:
    kind = part.get("type")
    return kind if isinstance(kind, str) else ""


def _entries(holder: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(holder, dict):
        return holder.items()
    return enumerate(holder) if isinstance(holder, list) else ()


def _is_file_text(holder: Any, at: Any, text: str) -> bool:
    """Whether a string is a file: in a URL of its own, the voice of a transcript, a picture that was made."""
    if text.startswith("data:"):
        return ";base64," in text[:128]
    return (at == "data" and "transcript" in holder) or (
        at == "result" and holder.get("type") == "image_generation_call"
    )
