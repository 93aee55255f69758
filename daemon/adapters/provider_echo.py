"""`helix/echo`: a model that says what it was told, for trying Helix out with nothing but Helix.

It never leaves this machine, and the same question gets the same answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from ..exchange import Answer, Call, DialectName
from ..json_text import to_json
from .provider_echo_answers import EVENTS, WHOLE, Echo


class EchoProvider:
    """Answers with the last user text, at most as long as the request allows; a stream comes word by word."""

    speaks: frozenset[DialectName] = frozenset(WHOLE)

    async def ask(self, call: Call) -> Answer:
        echo = Echo.of(call)
        if call.stream:
            return Answer(
                200, {"content-type": "text/event-stream"}, _one_by_one(EVENTS[call.dialect](echo, call.body))
            )
        whole = to_json(WHOLE[call.dialect](echo, call.body))
        return Answer(200, {"content-type": "application/json"}, _one_by_one([whole]))

    async def aclose(self) -> None:
        """Nothing is open."""


async def _one_by_one(pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)  # lets others run, as a provider's pauses would
