"""The nouns: what travels between the rooms. Nothing here does anything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

JsonObject = dict[str, Any]

Vector = NDArray[np.float32]
"""A unit vector of shape (384,)."""

DialectName = Literal[
    "chat",
    "messages",
    "count_tokens",
    "responses",
    "stored_responses",
    "embeddings",
    "completions",
    "passed",
    "filed",
]

TRANSLATED: Mapping[str, frozenset[DialectName]] = MappingProxyType(
    {
        "openai": frozenset({"messages", "count_tokens", "responses"}),
        "anthropic": frozenset({"chat", "responses"}),
    }
)
"""By a provider's type: the protocols that it does not speak and that litellm can put into its own."""


class Verdict(StrEnum):
    """What the cache did for a request, as `x-helix-cache` says it."""

    EXACT = "exact"
    SEMANTIC = "semantic"
    COALESCED = "coalesced"
    MISS = "miss"
    BYPASS = "bypass"


Role = Literal["admin", "member", "viewer"]
"""A member asks models, a viewer looks at the metrics, an admin does both."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `key` is an id that may be stored and shown; `credential` is what a provider
    without a key of its own is sent, None where it must not leave (a Helix key, the master key)."""

    key: str
    user: str | None = None
    team: str | None = None
    org: str | None = None
    credential: str | None = field(default=None, repr=False)
    role: Role = "admin"
    """Who comes without a key or a token of this gateway's own may do what clients can."""

    def for_user(self, user: str) -> Caller:
        """The same caller on behalf of `user`, unless the key itself is bound to one."""
        return self if self.user is not None else replace(self, user=user)


@dataclass(frozen=True, slots=True)
class CacheDirectives:
    """What the request asks of the cache; only ever stricter than the operator's policy."""

    look: bool = True
    keep: bool = True
    near: bool = True
    only: bool = False
    ttl_s: float | None = None
    max_age_s: float | None = None
    stale_s: float | None = None
    """By how much an entry may be older than `max_age_s` if it is asked anew meanwhile."""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """The files of a form; its texts stand in the request's body."""

    boundary: str
    """What parts the form, in none of its files."""
    files: tuple[bytes, ...] = field(repr=False)


class Arrival(NamedTuple):
    """What tells a request from others that are equal: the first fields of its Ask."""

    id: str
    received_at: datetime
    started_s: float


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as its caller sent it, checked and understood. `body` is ours to rewrite until it is hidden."""

    id: str
    received_at: datetime
    started_s: float
    """Monotonic clock at the first byte."""
    dialect: DialectName
    body: JsonObject = field(repr=False)
    model: str
    stream: bool
    caller: Caller
    tags: tuple[str, ...]
    directives: CacheDirectives
    forward_headers: Mapping[str, str] = field(repr=False)
    """Request headers that go upstream, lower case."""
    scan_answer: bool = False
    """Whether the caller wants PII replaced that the model itself brings."""
    session: str = ""
    """The conversation or run that it belongs to, by its client's own id."""
    client: str = ""
    """Which program asks: `claude-code`, `openai-python`."""
    prompt_print: str = ""
    """Equal for equal prompts to one model, whoever asks; known once the body is hidden."""
    swapped_from: str = ""
    """The model that would have answered, had no rule chosen a cheaper one."""
    retries: int | None = None
    """How often its caller wants a target asked once more; None: as the owner says."""
    names_model: bool = True
    """Whether the caller chose `model`; False where it only leads to a provider."""
    upload: Upload | None = None
    bytes_print: bytes = b""
    """By which it is known when it comes again; empty where it is not to be remembered."""
    is_repeat: bool = False
    """It came before, and nothing in it has to be hidden."""


@dataclass(frozen=True, slots=True)
class Span:
    """A found value: `text[start:end]`, in code points."""

    start: int
    end: int
    entity_type: str
    score: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by the class they are billed in. Input, output and what a provider's cache read and wrote are
    disjoint. Audio, pictures and reasoning are parts of the input or output, which they never exceed together."""

    input_tokens: int
    output_tokens: int
    cached_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    reasoning_tokens: int = 0
    service_tier: str | None = None
    """The tier that the provider applied, in its words."""
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    output_audio_tokens: int = 0
    output_image_tokens: int = 0
    web_searches: int = 0
    """Those that the provider ran for the answer and bills by the piece."""

    @property
    def prompt_tokens(self) -> int:
        """All that was read, cached or not."""
        return self.input_tokens + self.cached_read_tokens + self.cache_write_5m_tokens + self.cache_write_1h_tokens


@dataclass(frozen=True, slots=True)
class Target:
    """One place that can answer: a provider's name and the model as the provider knows it."""

    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at a provider. `body` is what is sent, already hidden."""

    target: Target
    dialect: DialectName
    body: JsonObject = field(repr=False)
    stream: bool
    headers: Mapping[str, str] = field(repr=False)
    credential: str | None = field(default=None, repr=False)
    upload: Upload | None = None


_FILES = ("application/binary", "application/jsonl", "application/octet-stream", "audio/", "image/", "video/")


@dataclass(slots=True)
class Answer:
    """What a provider sends back: status and headers at once, the body in pieces as they come.

    A whole answer is a stream with few pieces. Whoever takes it closes `pieces` (`aclosing`);
    closing early ends the call. Reading raises UpstreamFailed where the connection breaks.
    """

    status: int
    headers: Mapping[str, str]
    """Lower-case names; hop-by-hop headers are left out."""
    pieces: AsyncGenerator[bytes, None]

    @property
    def is_event_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def is_file(self) -> bool:
        """Whether it passes as it comes, because nothing in it can be read: audio, a picture, lines of a batch."""
        return self.status == 200 and self.headers.get("content-type", "").startswith(_FILES)


class Pieces(Protocol):
    """Bytes as they come. Whoever gets them closes them, also where none was read: that gives up the call."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def aclose(self) -> None: ...


@dataclass(slots=True)
class Reply:
    """What a caller gets: either the `body`, which may have a stream's form, or `pieces` over time."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    pieces: Pieces | None = None


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A whole, normal answer that is kept, with all that is needed to judge whether it fits.

    `question` and `answer` are hidden texts: placeholders stand where PII stood.
    """

    key: bytes
    """SHA-256, see caching/keys.py."""
    partition: bytes
    """SHA-256 of the exact key's parts without the last user text."""
    scope: str
    dialect: DialectName
    model: str
    question: str
    answer: bytes
    """The whole answer in its dialect, as JSON."""
    vector: bytes | None
    """float16 little-endian, 384 values; None: exact only."""
    cost_nanos: int
    """What the call cost that made it, in nano-dollars: what a hit saves."""
    input_tokens: int
    output_tokens: int
    made_in_ms: int
    """How long the provider took: the time that a hit saves."""
    created_at: float
    """Unix seconds."""
    expires_at: float
    id: int = 0
    """Given by the store, rising; 0 until then."""
    user: str = ""
    """For whom it was made, as the ledger names them: to whom it belongs when a person's data is erased."""
    namespace: str = ""
    tags: tuple[str, ...] = ()
    """Those of the request that it was made for."""


class Selectable(Protocol):
    """What a selection looks at: an entry, or as much of it."""

    @property
    def id(self) -> int: ...
    @property
    def scope(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def created_at(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of the entries: those that are all that is given; all of them where nothing is."""

    id: int | None = None
    scope: str | None = None
    namespace: str | None = None
    model: str | None = None
    tag: str | None = None
    user: str | None = None
    made_before: float | None = None
    """Unix seconds."""

    @property
    def is_everything(self) -> bool:
        return self == EVERYTHING

    def covers(self, entry: Selectable) -> bool:
        return (
            self.id in (None, entry.id)
            and self.scope in (None, entry.scope)
            and self.namespace in (None, entry.namespace)
            and self.model in (None, entry.model)
            and self.user in (None, entry.user)
            and (self.tag is None or self.tag in entry.tags)
            and (self.made_before is None or entry.created_at < self.made_before)
        )


EVERYTHING = Selection()


RowKind = Literal["call", "hit", "refused"]
Outcome = Literal["settled", "estimated", "unpriced", "unknown", "failed", ""]


@dataclass(slots=True)
class LedgerRow:
    """One line of the ledger: an attempt at a provider, a hit, or a refusal.

    Money is Decimal US dollars. `cost_usd` is None where it is not known (`unpriced`, `unknown`);
    `bound_usd` is then the most that it can be.
    """

    id: str
    request_id: str
    at: datetime
    kind: RowKind
    outcome: Outcome
    dialect: str
    model: str
    provider: str = ""
    upstream_model: str = ""
    key: str = ""
    user: str | None = None
    team: str | None = None
    org: str | None = None
    tags: tuple[str, ...] = ()
    cache: str = ""
    similarity: float | None = None
    status: int = 0
    streamed: bool = False
    input_tokens: int = 0
    """Tokens read by the model, cached ones included."""
    output_tokens: int = 0
    cached_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal | None = None
    saved_usd: Decimal | None = None
    bound_usd: Decimal | None = None
    price_source: str = ""
    """Which price of which table, and what of it: `litellm 1.106.2 gpt-5.4, flex, above 272000 tokens`,
    `helix.toml models.fast`."""
    ttft_ms: float | None = None
    total_ms: float | None = None
    pii: str = ""
    """`EMAIL_ADDRESS=2,PERSON=1`: kinds and counts, never a value."""
    reason: str = ""
    price_parts: str = ""
    """Tokens and US dollars for one, class by class: `input=812@0.00000015,output=50@0.0000006`."""
    session: str = ""
    client: str = ""
    saved_ms: float | None = None
    """Of a hit: how long the provider took to make the answer."""
    prompt_print: str = ""
    """Of a call: equal for equal prompts to one model. Keyed by the installation, so it gives no prompt away."""
    with_tools: bool = False
    swapped_from: str = ""
