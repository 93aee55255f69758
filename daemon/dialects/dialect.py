"""What a wire protocol must say of itself, so that the pipeline need not know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from ..errors import RequestRefused
from ..exchange import DialectName, JsonObject, Usage


class TextKind(Enum):
    PLAIN = "plain"
    JSON = "json"
    """A str that holds JSON, as tool-call arguments do: values inside are restored with JSON's escapes."""


@dataclass(slots=True)
class Place:
    """One text inside a JSON value, `holder[at]`, that may be read and replaced.

    `channel` tells apart the texts that a stream interleaves: pieces of one channel, in order, are one text.
    """

    holder: Any
    at: str | int
    kind: TextKind = TextKind.PLAIN
    channel: str = ""

    @property
    def text(self) -> str:
        return self.holder[self.at]  # type: ignore[no-any-return]

    @text.setter
    def text(self, value: str) -> None:
        self.holder[self.at] = value


@dataclass(frozen=True, slots=True)
class Question:
    """What near look-up needs of a request: the last user text and whether it may be answered by a near hit."""

    text: str
    context: JsonObject
    """The keyed body with the last user text taken out: all that must be equal for a near hit."""
    exact_only: str | None
    """Why only an exact hit may answer (`tools`, `temperature`, `attachments` …); None: near hits may."""


Restore = Callable[[str], str]
"""Placeholders to originals in one plain text."""


class StreamRewriter(Protocol):
    """Rewrites a stream of one answer as it passes; holds back only what may still become a placeholder."""

    def feed(self, piece: bytes) -> bytes:
        """Bytes of the provider in, bytes for the caller out; both may be cut anywhere."""
        ...

    def finish(self) -> bytes:
        """What was held back, when the stream has ended, normally or not."""
        ...


class Items(Protocol):
    """What a protocol says of requests that consist of items, each of which is answered by itself."""

    def apart(self, body: JsonObject) -> list[JsonObject]:
        """For each item the request that asks for it alone."""
        ...

    def together(self, body: JsonObject, positions: Sequence[int]) -> JsonObject:
        """The request for some of its items."""
        ...

    def answers(self, answer: JsonObject, count: int) -> list[JsonObject]:
        """For each item the answer as if it had been asked for alone; none where it does not answer `count` items."""
        ...

    def joined(self, answers: Sequence[JsonObject], call: JsonObject | None) -> JsonObject:
        """The answer for all items. `call` is what was answered now, for some of them; None where nobody was asked."""
        ...


class Dialect(Protocol):
    """One wire protocol. Stateless; one instance serves all requests.

    `answer` is a whole answer as a JSON object. Methods that read an answer accept any JSON object
    without raising: a provider's answer is not ours to trust.
    """

    name: DialectName
    path: str
    """The provider's path below its base: `/chat/completions`, `/v1/messages`."""
    items: Items | None
    """None where a request is one whole."""

    def check(self, body: JsonObject) -> None:
        """Raise BadRequest, naming the parameter, unless the body can be understood. Unknown fields pass."""
        ...

    def places(self, body: JsonObject) -> list[Place]:
        """Every text of a request that is scanned, in the order of the conversation: system, tool
        definitions, all turns, arguments, results, `user`, `metadata`. Names and enum values that the
        protocol itself defines (roles, types, ids, model) are not texts."""
        ...

    def earlier_turns(self, body: JsonObject) -> str | None:
        """By which the provider knows turns that belong to this request and do not stand in it."""
        ...

    def is_kept(self, body: JsonObject) -> bool:
        """Whether the provider keeps the answer, so that later requests may refer to it."""
        ...

    def kept_as(self, body: JsonObject, answer: JsonObject) -> tuple[str, ...]:
        """By which `earlier_turns` of later requests may refer to an answer that is kept; nothing while that is not
        known of an answer that has only begun."""
        ...

    def removes_kept(self, body: JsonObject) -> bool:
        """Whether the provider is asked to keep the answer that `earlier_turns` names no longer."""
        ...

    def spends_unseen(self, body: JsonObject) -> bool:
        """Whether the request costs money later that no answer tells of, so that no budget can hold it."""
        ...

    def is_shareable(self, body: JsonObject) -> bool:
        """Whether the answer may also be given to others who ask the same. False where a call changes something at
        its provider, or where nothing is gained by keeping the answer."""
        ...

    def keyed(self, body: JsonObject) -> JsonObject:
        """A shallow copy without the fields that do not change the answer (DECISIONS: exact key)."""
        ...

    def question(self, body: JsonObject) -> Question:
        """The near look-up's side of a hidden request."""
        ...

    def opening(self, body: JsonObject) -> Any:
        """What all requests of a conversation begin with, as any JSON value: system texts and the first turn. Of a
        protocol without turns, the request."""
        ...

    def for_provider(self, body: JsonObject, *, model: str) -> JsonObject:
        """A shallow copy as it is sent: the target's model, gateways' own fields left out, and usage
        asked for where a stream would not bring it."""
        ...

    def end_user(self, body: JsonObject) -> str | None:
        """Whom the request says it is for: `user`, `metadata.user_id`."""
        ...

    def wants_usage(self, body: JsonObject) -> bool:
        """Whether the caller itself asked for usage in its stream."""
        ...

    def output_limit(self, body: JsonObject) -> int | None:
        """The most output tokens the request allows for all its choices together, None where it says nothing."""
        ...

    def with_output_limit(self, body: JsonObject, tokens: int) -> JsonObject:
        """A shallow copy that allows at most `tokens` of output."""
        ...

    def usage(self, answer: JsonObject) -> Usage | None:
        """The tokens that the provider counted; None where it says none, or what cannot be a count."""
        ...

    def answer_text(self, answer: JsonObject) -> str:
        """All text that the model wrote, for estimates."""
        ...

    def answer_places(self, answer: JsonObject) -> list[Place]:
        """Every text of a whole answer in which a placeholder may be put back, tool-call arguments included."""
        ...

    def spoken_places(self, answer: JsonObject) -> list[Place]:
        """Every text of a whole answer, sealed ones left out: what must hold nobody's PII where it is to be kept."""
        ...

    def is_normal(self, answer: JsonObject) -> bool:
        """Complete and ended normally (not cut by length, a filter or an error): may be kept."""
        ...

    def ends_stream(self, piece: bytes) -> bool:
        """Whether these bytes hold the event after which clients stop reading."""
        ...

    def delta_texts(self, event: JsonObject) -> list[str]:
        """The texts that one event adds to what a stream has written. Thoughts that are sealed may be left out."""
        ...

    def cut(self, stream: bytes, usage: Usage) -> bytes:
        """The events that end a stream after these bytes as its output limit would: what is open is closed, the reason
        is given, and `usage` said."""
        ...

    def assemble(self, stream: bytes) -> JsonObject | None:
        """The whole answer that a stream's bytes amount to; None where it is broken or not ended."""
        ...

    def assemble_partial(self, stream: bytes) -> JsonObject:
        """As much of an answer as a cut stream brought: for the estimate of what it cost."""
        ...

    def replay(self, answer: JsonObject, *, with_usage: bool) -> bytes:
        """A whole answer as the bytes of a stream."""
        ...

    def rewriter(self, restore: StreamRestore | None, *, with_usage: bool) -> StreamRewriter | None:
        """Puts originals back into a stream, where `restore` is given, and hides the usage event from a caller
        that did not ask for it. None where the stream may pass as it is."""
        ...

    def error(self, error: RequestRefused) -> JsonObject:
        """An error reply's body."""
        ...

    def error_event(self, error: RequestRefused) -> bytes:
        """An error in a stream that has begun."""
        ...


class TextRestorer(Protocol):
    """Restores one text that comes in parts, holding back what may still become a placeholder."""

    def feed(self, part: str) -> str: ...

    def finish(self) -> str: ...


StreamRestore = Callable[[TextKind], TextRestorer]
"""A new restorer for each channel of a stream, by the kind of its text."""
