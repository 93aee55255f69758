"""How long a caller wants to wait for an answer's beginning: LiteLLM's `x-litellm-timeout`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping

from ..errors import BadRequest, UpstreamTimeout
from ..exchange import Reply

_HEADER = "x-litellm-timeout"
_SECONDS = re.compile(r"\d{1,6}(\.\d{1,6})?", re.ASCII)


def asked_patience(headers: Mapping[str, str]) -> float | None:
    """In seconds; None: as long as the owner's settings allow, which hold in any case.

    Raises:
        BadRequest: it is no number of seconds.
    """
    text = headers.get(_HEADER)
    if text is None:
        return None
    if not _SECONDS.fullmatch(text.strip()) or float(text) == 0:
        raise BadRequest(f"{_HEADER}: expected a number of seconds, such as 30", param=_HEADER)
    return float(text)


async def within(patience_s: float, reply: Awaitable[Reply]) -> Reply:
    """The reply, or its head where it is a stream. Giving up is as if the caller had hung up: it is settled.

    Raises:
        UpstreamTimeout: it did not begin in time.
    """
    try:
        async with asyncio.timeout(patience_s) as limit:
            return await reply
    except TimeoutError:
        if not limit.expired():
            raise
        raise UpstreamTimeout(f"no answer within the {patience_s:g} s of {_HEADER}") from None
