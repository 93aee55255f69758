"""What Helix passes on without knowing its protocol: images, audio, moderations, rerank, files and batches.

What stands for such a request inside is an object: `method`, `path` below the provider's base, `query` as pairs,
`model`, which leads to the provider, and the body: `json`, or the `form` of an upload, whose texts stand here and whose
files do not. https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..errors import BadRequest
from ..exchange import DialectName, JsonObject, Usage
from ..json_text import parse_object
from .dialect import Items, Place, Question
from .parameters import check_model, check_parameters, check_query, is_boolean
from .refusals import OpenAiErrors
from .sse import stream_data
from .stateless import Stateless
from .texts import strings_at, value_at
from .untrusted import as_count, as_object, as_objects, as_text
from .whole_only import WholeOnly

_PATH = re.compile(r"(?:/[\w.-]{1,200}){1,3}", re.ASCII)
"""Narrow, because ids are not scanned for what should not leave."""

_WITHOUT_TEXT = frozenset(
    (  # noqa: SIM905  one name a line would be a page
        "background completion_window encoding_format endpoint input_fidelity input_file_id language "
        "max_chunks_per_doc max_tokens_per_doc model moderation n output_compression output_format partial_images "
        "purpose quality response_format return_documents size speed stream stream_format style "
        "temperature timestamp_granularities[] top_n voice"
    ).split()
)
"""Fields of these protocols that hold no text; any other is scanned. `voice`: they are called like people."""

_FILES_IN_ANSWERS = frozenset({"b64_json", "url", "id", "object", "model"})


class PassedDialect(OpenAiErrors, Stateless, WholeOnly):
    """A request that makes something: a picture, speech, a transcript, a verdict, an order, a batch."""

    name: DialectName = "passed"
    path = ""
    items: Items | None = None

    def check(self, body: JsonObject) -> None:
        if not _PATH.fullmatch(body["path"]):
            raise BadRequest("the address holds what no id does")
        check_query(body["query"])
        check_model(body)
        check_parameters(as_object(body.get("json")), {"stream": is_boolean})

    def places(self, body: JsonObject) -> list[Place]:
        return [*_json_texts(body), *_form_texts(body)]

    def end_user(self, body: JsonObject) -> str | None:
        return as_text(as_object(body.get("json")).get("user")) or None

    def is_shareable(self, body: JsonObject) -> bool:
        return False

    def spends_unseen(self, body: JsonObject) -> bool:
        """A batch is worked off later, at a price that nobody here learns."""
        return bool(body["path"] == "/batches")

    def keyed(self, body: JsonObject) -> JsonObject:
        return body

    def question(self, body: JsonObject) -> Question:
        return Question("", body, "it is passed on")

    def opening(self, body: JsonObject) -> Any:
        return None

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        """With the target's model where the request names one."""
        sent = {**body, "model": model}
        if "model" in as_object(body.get("json")):
            sent["json"] = {**body["json"], "model": model}
        if "form" in body:
            sent["form"] = [{**part, "text": model} if _is_model(part) else part for part in body["form"]]
        return sent

    def output_limit(self, body: JsonObject) -> int | None:
        return None

    def usage(self, answer: JsonObject) -> Usage | None:
        """Tokens, as images, transcripts and rerankers count them; None for what is billed otherwise."""
        usage = as_object(answer.get("usage"))
        read = as_count(usage.get("input_tokens", usage.get("prompt_tokens", usage.get("total_tokens"))))
        wrote = as_count(usage.get("output_tokens", 0))
        if read is None or wrote is None:
            return None
        details = as_object(usage.get("input_tokens_details") or usage.get("input_token_details"))
        audio = min(as_count(details.get("audio_tokens")) or 0, read)
        return Usage(
            input_tokens=read,
            output_tokens=wrote,
            input_audio_tokens=audio,
            input_image_tokens=min(as_count(details.get("image_tokens")) or 0, read - audio),
            output_audio_tokens=wrote if as_text(answer.get("type")).startswith("speech.") else 0,
            output_image_tokens=wrote if _are_pictures(answer) else 0,
        )

    def answer_text(self, answer: JsonObject) -> str:
        return ""

    def answer_places(self, answer: JsonObject) -> list[Place]:
        """Such as the prompt that a picture was really made of, or the documents in their order."""
        return [place for place in strings_at({"": answer}, "") if place.at not in _FILES_IN_ANSWERS]

    def is_normal(self, answer: JsonObject) -> bool:
        return False

    def ends_stream(self, piece: bytes) -> bool:
        """The last event is the one that counts."""
        return b'"usage"' in piece

    def assemble(self, stream: bytes) -> JsonObject | None:
        events = (parse_object(data) or {} for data in stream_data(stream))
        return next((event for event in events if "usage" in event), None)

    def assemble_partial(self, stream: bytes) -> JsonObject:
        return self.assemble(stream) or {}


class FiledDialect(PassedDialect):
    """Files and batches that the provider keeps: brought, listed, fetched, removed, at no cost."""

    name: DialectName = "filed"

    def spends_unseen(self, body: JsonObject) -> bool:
        return False

    def output_limit(self, body: JsonObject) -> int | None:
        return 0

    def usage(self, answer: JsonObject) -> Usage | None:
        """What a batch used, which it says, is not used again by asking; a refusal uses nothing."""
        return None if "error" in answer and "object" not in answer else Usage(0, 0)


def _json_texts(body: JsonObject) -> Iterator[Place]:
    fields = as_object(body.get("json"))
    for name in fields:
        if name == "metadata":  # its names are the caller's as well
            yield from value_at(fields, name)
        elif name not in _WITHOUT_TEXT:
            yield from strings_at(fields, name)


def _form_texts(body: JsonObject) -> Iterator[Place]:
    for part in body.get("form", ()):
        if "text" in part and part["name"] not in _WITHOUT_TEXT:
            yield Place(part, "text")


def _is_model(part: JsonObject) -> bool:
    return part["name"] == "model" and "text" in part


def _are_pictures(answer: JsonObject) -> bool:
    return "b64_json" in answer or any("b64_json" in item or "url" in item for item in as_objects(answer.get("data")))
