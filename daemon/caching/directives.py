"""What a request may ask of the cache, by headers, `Cache-Control` and LiteLLM's body field.

Every source is read by itself and then folded into the operator's policy by `stricter`, so no request
can loosen what the owner set, however its wishes are combined.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import reduce

from ..errors import BadRequest
from ..exchange import CacheDirectives, JsonObject
from ..settings import CacheSettings

_WORDS = {
    "on": CacheDirectives(),
    "off": CacheDirectives(look=False, keep=False),
    "exact": CacheDirectives(near=False),
    "refresh": CacheDirectives(look=False),
    "only": CacheDirectives(only=True),
}

_POLICIES = {
    "semantic": CacheDirectives(),
    "exact": CacheDirectives(near=False),
    "off": CacheDirectives(look=False, keep=False, near=False),
}

_SECONDS = re.compile(r"\d{1,12}(\.\d{1,6})?")

MAX_NAMESPACE_LENGTH = 128


def read_directives(headers: Mapping[str, str], body: JsonObject, settings: CacheSettings) -> CacheDirectives:
    """All that the request and the policy say, the strictest of each.

    `headers` finds its names in any case. A namespace in a header wins over one in the body.

    Raises:
        BadRequest: a value that cannot be understood; the header or field is named.
    """
    return (
        reduce(stricter, _wishes(headers, body), policy(settings)) if _has_wishes(headers, body) else policy(settings)
    )


def _has_wishes(headers: Mapping[str, str], body: JsonObject) -> bool:
    """Most requests have none; spelled out, since each of them asks."""
    return (
        "cache" in body
        or "cache-control" in headers
        or "x-helix-cache" in headers
        or "x-helix-cache-ttl" in headers
        or "x-helix-cache-namespace" in headers
    )


def policy(settings: CacheSettings) -> CacheDirectives:
    """What the owner allows."""
    return _POLICIES[settings.mode]


def stricter(one: CacheDirectives, other: CacheDirectives) -> CacheDirectives:
    """What both allow."""
    return CacheDirectives(
        look=one.look and other.look,
        keep=one.keep and other.keep,
        near=one.near and other.near,
        only=one.only or other.only,
        ttl_s=_shorter(one.ttl_s, other.ttl_s),
        max_age_s=_shorter(one.max_age_s, other.max_age_s),
        stale_s=_shorter(one.stale_s, other.stale_s),
        namespace=one.namespace or other.namespace,
    )


def _shorter(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _wishes(headers: Mapping[str, str], body: JsonObject) -> Iterator[CacheDirectives]:
    """One for each source that is there."""
    if (word := headers.get("x-helix-cache")) is not None:
        yield _read_word(word)
    if (ttl := headers.get("x-helix-cache-ttl")) is not None:
        yield _kept_for(_read_seconds(ttl, "x-helix-cache-ttl"))
    if (namespace := headers.get("x-helix-cache-namespace")) is not None:
        yield CacheDirectives(namespace=_read_namespace(namespace, "x-helix-cache-namespace"))
    if "cache-control" in headers:
        yield from _read_cache_control(headers)
    if body.get("cache") is not None:
        yield from _read_body_field(body["cache"])


def _read_word(word: str) -> CacheDirectives:
    wish = _WORDS.get(word.strip().lower())
    if wish is None:
        raise BadRequest(f"x-helix-cache: expected one of {', '.join(_WORDS)}", param="x-helix-cache")
    return wish


def _read_seconds(text: str, name: str) -> float:
    if not _SECONDS.fullmatch(text.strip()):
        raise BadRequest(f"{name}: expected a number of seconds, such as 3600", param=name)
    return float(text)


def _read_namespace(text: str, name: str) -> str:
    if not 0 < len(text) <= MAX_NAMESPACE_LENGTH or not text.isprintable():
        raise BadRequest(f"{name}: expected 1 to {MAX_NAMESPACE_LENGTH} printable characters", param=name)
    return text


def _kept_for(ttl_s: float) -> CacheDirectives:
    return CacheDirectives(ttl_s=ttl_s, keep=ttl_s > 0)


def _read_cache_control(headers: Mapping[str, str]) -> Iterator[CacheDirectives]:
    """Directives that HTTP knows and Helix does not are ignored, as RFC 9111 §5.2 asks."""
    for directive in _cache_control(headers).split(","):
        name, _, argument = directive.strip().partition("=")
        match name.lower():
            case "no-cache":
                yield CacheDirectives(look=False)
            case "no-store":
                yield CacheDirectives(look=False, keep=False)
            case "max-age":
                yield CacheDirectives(max_age_s=_read_seconds(argument.strip('"'), "Cache-Control: max-age"))
            case "stale-while-revalidate":
                seconds = _read_seconds(argument.strip('"'), "Cache-Control: stale-while-revalidate")
                yield CacheDirectives(stale_s=seconds)


def _cache_control(headers: Mapping[str, str]) -> str:
    """All of them: a request may bring the header twice, and `items` of a multidict has each."""
    return ",".join(value for name, value in headers.items() if name.lower() == "cache-control")


def _read_body_field(field: object) -> Iterator[CacheDirectives]:
    """LiteLLM's `cache: {ttl, s-maxage, no-cache, no-store, namespace}`; its other keys are ignored."""
    if not isinstance(field, dict):
        raise BadRequest("cache: expected an object", param="cache")
    if _flag(field, "no-cache"):
        yield CacheDirectives(look=False)
    if _flag(field, "no-store"):
        yield CacheDirectives(look=False, keep=False)
    if (ttl_s := _number(field, "ttl")) is not None:
        yield _kept_for(ttl_s)
    if (max_age_s := _number(field, "s-maxage")) is not None:
        yield CacheDirectives(max_age_s=max_age_s)
    if (namespace := field.get("namespace")) is not None:
        yield CacheDirectives(namespace=_namespace_field(namespace))


def _flag(field: JsonObject, name: str) -> bool:
    value = field.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise BadRequest(f"cache.{name}: expected true or false", param=f"cache.{name}")


def _number(field: JsonObject, name: str) -> float | None:
    value = field.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise BadRequest(f"cache.{name}: expected a number of seconds", param=f"cache.{name}")
    return float(value)


def _namespace_field(value: object) -> str:
    if not isinstance(value, str):
        raise BadRequest("cache.namespace: expected a string", param="cache.namespace")
    return _read_namespace(value, "cache.namespace")
