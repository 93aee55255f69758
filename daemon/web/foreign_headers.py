"""What other gateways' clients send, in Helix's own words: LiteLLM, Helicone, Portkey, Cloudflare's AI Gateway.

Nothing here loosens what the owner set: it all becomes headers that any caller may send, and those are read as ever.
Helix's own header wins where both are there; being told not to cache adds up. None of them goes upstream.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from multidict import CIMultiDict

from ..errors import BadRequest

PREFIXES = ("x-litellm-", "helicone-", "x-portkey-", "cf-aig-")

_PROPERTY = "helicone-property-"


def in_own_words(headers: Mapping[str, str], foreign: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """All of `headers`, and what the foreign ones among them stand for; their names are in lower case.

    Raises:
        BadRequest: a number that is none; the header is named. Metadata that cannot be read says nothing.
    """
    own = CIMultiDict(headers)
    tags = [own.get("x-helix-tags", "")]
    for name, value in foreign:
        tags += _tags(name, value)
        _add_rules(own, name, value)
    own["x-helix-tags"] = ",".join(filter(None, tags))
    return own


def _tags(name: str, value: str) -> Iterator[str]:
    match name:
        case "x-litellm-tags":
            yield value
        case "helicone-session-id":
            yield f"session:{value}"
        case "x-portkey-trace-id":
            yield f"trace:{value}"
        case "x-portkey-metadata" | "cf-aig-metadata":
            yield from (f"{key}:{word}" for key, word in _metadata(value).items() if key != "_user")
        case _ if name.startswith(_PROPERTY):
            yield f"{name.removeprefix(_PROPERTY)}:{value}"


def _add_rules(own: CIMultiDict[str], name: str, value: str) -> None:
    match name:
        case "helicone-user-id":
            own.setdefault("x-helix-user", value)
        case "x-portkey-metadata" if user := _metadata(value).get("_user"):
            own.setdefault("x-helix-user", user)
        case "x-portkey-cache-namespace":
            own.setdefault("x-helix-cache-namespace", value)
        case "cf-aig-cache-ttl":
            own.setdefault("x-helix-cache-ttl", _seconds(value, name))
        case "helicone-cache-enabled" if value.strip().lower() == "false":
            own.add("cache-control", "no-store")
        case "cf-aig-skip-cache" if value.strip().lower() == "true":
            own.add("cache-control", "no-store")


def _metadata(text: str) -> dict[str, str]:
    """Its words, numbers and truths; what holds other things is no tag."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: str(value) for key, value in found.items() if isinstance(value, str | int | float)}


def _seconds(text: str, name: str) -> str:
    if not text.strip().isdecimal():
        raise BadRequest(f"{name}: expected a number of seconds, such as 3600", param=name)
    return text
