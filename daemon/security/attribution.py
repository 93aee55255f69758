"""For what a request was made: tags, as reports group by them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import BadRequest
from ..exchange import JsonObject

MAX_TAGS = 16
MAX_USER_LENGTH = 256

# Words only, so that no sentence and no address lands in the ledger as a tag.
_TAG = re.compile(r"[\w.:/+-]{1,64}", re.ASCII)


def header_user(value: str | None) -> str | None:
    """The id of `x-helix-user: <id>`.

    Raises:
        BadRequest: too long for an id, or no text: it is written into the ledger and looked for in budgets.
    """
    if value and (len(value) > MAX_USER_LENGTH or not value.isprintable()):
        raise BadRequest(f"x-helix-user: expected at most {MAX_USER_LENGTH} printable characters", param="x-helix-user")
    return value or None


def header_tags(value: str | None) -> tuple[str, ...]:
    """The tags of `x-helix-tags: a,b`."""
    return _tags(tag.strip() for tag in value.split(",")) if value else ()


def body_tags(body: JsonObject) -> tuple[str, ...]:
    """LiteLLM's `metadata.tags`. Read after `hide`: a tag that held PII is no tag any more."""
    metadata = body.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return _tags(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in tags if _TAG.fullmatch(tag)))[:MAX_TAGS]
