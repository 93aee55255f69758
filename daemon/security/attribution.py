"""For what a request was made, and by what: user, tags, session and client, as reports group by them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ..errors import BadRequest
from ..exchange import JsonObject

MAX_TAGS = 16
MAX_USER_LENGTH = 256

# Words only, so that no sentence and no address lands in the ledger as a tag.
_TAG = re.compile(r"[\w.:/+-]{1,64}", re.ASCII)
_ID = re.compile(r"[\w.:/+=-]{1,128}", re.ASCII)

SESSION_HEADERS = (
    "x-helix-session",
    "x-claude-code-session-id",
    "session_id",  # Codex
    "session-id",
    "helicone-session-id",
    "x-litellm-session-id",
    "x-session-id",
)
"""The first that is there counts."""

_PRODUCT = re.compile(r"(?P<name>[A-Za-z][\w.-]{0,31})(?:/(?P<language>[A-Za-z]{1,16})(?=[ /]|$))?", re.ASCII)
"""The first product of a User-Agent. SDKs put their language where others have a version: `OpenAI/Python 1.99`."""

_CLIENTS = {
    "claude-cli": "claude-code",
    "codex_cli_rs": "codex",
    "codex_exec": "codex",
    "codex_vscode": "codex",
    "codex-tui": "codex",
    "mozilla": "browser",
}
"""Programs that call themselves otherwise than people do."""


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


def header_session(headers: Mapping[str, str]) -> str:
    """The conversation or run that a client says its request belongs to; empty where it says nothing that is an id."""
    return next((found for name in SESSION_HEADERS if (found := _id(headers.get(name)))), "")


def body_session(body: JsonObject) -> str:
    """The same from a body: `metadata.session_id`, or what Claude Code hides in `metadata.user_id`. Read after
    `hide`: an id that held PII is none any more."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return ""
    return _id(metadata.get("session_id")) or _claude_code_ids(metadata.get("user_id"))[1]


def lasting_user(user: str) -> str:
    """A user's id without the session that Claude Code puts into it, or each session would be another user."""
    return _claude_code_ids(user)[0] or user


@lru_cache(maxsize=256)
def client_of(user_agent: str | None) -> str:
    """The program behind a `User-Agent`, without its version: `claude-code`, `openai-python`, `curl`."""
    found = _PRODUCT.match(user_agent or "")
    if found is None:
        return ""
    name = found["name"].lower().removeprefix("async")
    return _CLIENTS.get(name) or (f"{name}-{found['language'].lower()}" if found["language"] else name)


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""


def _claude_code_ids(user_id: object) -> tuple[str, str]:
    """User and session of `user_…_account_…_session_<id>` or, as newer ones write, of JSON; empty where neither."""
    if not isinstance(user_id, str):
        return "", ""
    if user_id.startswith("{"):
        return _claude_code_json_ids(user_id)
    user, separator, session = user_id.rpartition("_session_")
    return (user, session) if separator and _id(session) else ("", "")


def _claude_code_json_ids(text: str) -> tuple[str, str]:
    try:
        named = json.loads(text)
    except (ValueError, RecursionError):
        return "", ""
    return _id(named.get("account_uuid")) or _id(named.get("device_id")), _id(named.get("session_id"))


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in tags if _TAG.fullmatch(tag)))[:MAX_TAGS]
