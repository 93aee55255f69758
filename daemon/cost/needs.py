"""The most that one call may cost, and how far that may be brought down."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from ..dialects.dialect import Dialect
from ..exchange import DialectName, JsonObject
from .habits import CallsOfAKind
from .money import nanos_of, usd_of
from .rates import Price

CALLS_IN_A_ROOM = 8
"""A clamped call takes at most one part in this many of the room, so that others find some as well."""

UNLEARNED_OUTPUT_TOKENS = 256
"""What a call is taken to need before its model has answered once, while there are others to wait for."""

SMALLEST_OUTPUT_TOKENS = 16
"""Below this an answer is of no use, and some providers refuse the limit."""

UNSTATED_OUTPUT_TOKENS = 32_768
"""The longest answer that is reckoned with where neither the request nor the price table states a limit."""


@dataclass(frozen=True, slots=True)
class Need:
    """What a call may cost at most. Its input is certain; its output can be clamped."""

    input_usd: Decimal
    usd_per_output_token: Decimal
    output_tokens: int
    """The most that it may write as it stands."""
    kind: CallsOfAKind
    """Asked at each try: calls that settle while this one waits teach what is usual."""
    is_unseen: bool = False
    """Money is spent later, which no answer tells of."""
    choices: int = 1
    """A call for several answers writes one token for each at least."""

    @property
    def is_nothing(self) -> bool:
        return not self.usd(self.output_tokens)

    def usd(self, output_tokens: int) -> Decimal:
        return self.input_usd + output_tokens * self.usd_per_output_token

    def nanos(self, output_tokens: int) -> int:
        return nanos_of(self.usd(output_tokens))

    def usual_nanos(self) -> int:
        """What calls of its kind usually cost, with this one's input."""
        return self.nanos(min(self.output_tokens, self._usual(at_any_size=False)))

    def output_within(self, room_nanos: int, *, at_any_size: bool) -> int | None:
        """The output tokens to grant in a room; None where too few would fit.

        `at_any_size` is for when there is nobody to wait for: a call that nothing is known of is then not
        kept out for what it might need.
        """
        affordable = self._affordable(usd_of(room_nanos))
        least = min(self.output_tokens, max(self._usual(at_any_size=at_any_size), self.choices))
        if affordable < least:
            return None
        return min(self.output_tokens, max(least, affordable // CALLS_IN_A_ROOM))

    def _affordable(self, room_usd: Decimal) -> int:
        """Negative where not even the input fits."""
        left_usd = room_usd - self.input_usd
        if left_usd < 0:
            return -1
        return int(left_usd // self.usd_per_output_token) if self.usd_per_output_token else self.output_tokens

    def _usual(self, *, at_any_size: bool) -> int:
        usual = self.kind.usual_output()
        if usual is not None:
            return usual
        return SMALLEST_OUTPUT_TOKENS if at_any_size else UNLEARNED_OUTPUT_TOKENS


WORK_OF_NO_MODEL: frozenset[DialectName] = frozenset({"count_tokens", "stored_responses", "filed"})
"""What providers do for nothing: they count, or give back what was paid for when it was made."""

_MEDIA = re.compile(rb'"(?:audio|input_audio|modalities|image|image_url|input_image|file|document)"')
"""Names and types of fields in which any dialect has something else than text."""


def need_of(price: Price | None, dialect: Dialect, body: JsonObject, sent: bytes, kind: CallsOfAKind) -> Need:
    """The worst case of a request: its bytes as tokens, since no tokenizer makes more, at the dearest rate of any
    class that it may be billed in; then all the output it allows. `sent` is the body as JSON. What a body only
    refers to (a picture's URL) is not seen here.

    A call without a price cannot be reckoned. It needs one nano-dollar, so it goes through while there is
    anything left, and is counted as unpriced.
    """
    if dialect.name in WORK_OF_NO_MODEL:
        return Need(Decimal(0), Decimal(0), 0, kind)
    if price is None:
        return Need(usd_of(1), Decimal(0), 0, kind, is_unseen=dialect.spends_unseen(body))
    tier = body.get("service_tier")
    usd_per_input_token, usd_per_output_token = price.dearest(
        len(sent), tier if isinstance(tier, str) else None, with_media=_MEDIA.search(sent) is not None
    )
    choices = dialect.output_limit(dialect.with_output_limit(body, 1)) or 1
    stated = dialect.output_limit(body)
    longest = (price.max_output_tokens or UNSTATED_OUTPUT_TOKENS) * choices
    return Need(
        input_usd=len(sent) * usd_per_input_token,
        usd_per_output_token=usd_per_output_token,
        output_tokens=longest if stated is None else stated,
        kind=kind,
        choices=choices,
    )
