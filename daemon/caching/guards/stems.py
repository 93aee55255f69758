"""Words without their endings."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(8_192)
def stem(token: str) -> str:
    """A word without its ending; crude, since it only ever compares words of texts that are near anyway."""
    if len(token) <= 4:
        return token[:-1] if len(token) == 4 and token[-1] == "s" and token[-2] != "s" else token
    suffix = next((s for s in _ENDINGS if token.endswith(s) and len(token) - len(s) >= 3), "")
    token = token[: len(token) - len(suffix)]
    if token[-1] == token[-2] and token[-1] not in "lsz":
        token = token[:-1]
    return token.removesuffix("e").replace("y", "i")


_ENDINGS = (
    "ations",
    "ation",
    "ating",
    "ates",
    "ated",
    "ate",
    "ings",
    "ing",
    "ied",
    "ies",
    "ed",
    "es",
    "ions",
    "ion",
    "s",
)
