"""Who answers a call."""

from __future__ import annotations

from typing import Protocol

from ..exchange import Answer, Call, DialectName


class Provider(Protocol):
    """Something that answers a call: a server over HTTP, a child process, an echo."""

    speaks: frozenset[DialectName]

    async def ask(self, call: Call) -> Answer:
        """Send the call; return once the status and headers are there.

        An error answer of the provider (401, 429, 500 …) is an Answer like any other.

        Raises:
            UpstreamFailed: it could not be reached, or spoke no HTTP.
            UpstreamTimeout: it did not answer in time.
        """
        ...

    async def aclose(self) -> None: ...
