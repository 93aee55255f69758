"""What a caller puts up with, in LiteLLM's headers: how long until an answer begins, how many tries."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping

from ..errors import BadRequest, UpstreamTimeout
from ..exchange import Reply
from ..settings import MOST_RETRIES

_HEADER = "x-litellm-timeout"
_RETRIES_HEADER = "x-litellm-num-retries"
_NUMBER = re.compile(r"\d{1,6}", re.ASCII)
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


def asked_retries(headers: Mapping[str, str]) -> int | None:
    """How often the last target may be asked once more; None: as the owner says. More than the owner could set are
    as many as that, and all requests together keep to the retry budget.

    Raises:
        BadRequest: it is no number.
    """
    text = headers.get(_RETRIES_HEADER)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text.strip()):
        raise BadRequest(f"{_RETRIES_HEADER}: expected a number, such as 2", param=_RETRIES_HEADER)
    return min(int(text), MOST_RETRIES)


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
