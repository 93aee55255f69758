"""What LLM clients read to find their gateway: variables, and for some agents arguments or a file's content.

Sources: the OpenAI and Anthropic SDKs' client constructors; litellm's main.py (`*_API_BASE` before `*_BASE_URL`);
Claude Code's LLM gateway page; Codex's config reference (`openai_base_url`; its variable is deprecated);
opencode's `provider.<id>.options.baseURL`, merged in from `OPENCODE_CONFIG_CONTENT`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PROXY_VARIABLES = ("HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY")
"""Each also in lower case. The first two catch requests to the gateway, which speaks plain HTTP."""

KEY_VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")

_NO_KEY = "no-key-here"
"""SDKs refuse to start without a key, and the gateway may have one of its own."""

_SIGNED_IN = frozenset({"claude", "codex", "gemini", "opencode"})
"""These may be signed in by other means, which a key that opens nothing would override."""


@dataclass(frozen=True, slots=True)
class Started:
    """How a client is started behind the gateway."""

    command: tuple[str, ...]
    environ: Mapping[str, str]
    warning: str = ""
    """What the person must know; empty: nothing."""


def exports_of(url: str) -> dict[str, str]:
    """The variables that SDKs and tools read. OpenAI's end in /v1, Anthropic's does not; aider and litellm
    read OPENAI_API_BASE."""
    return {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_BASE": f"{url}/v1", "ANTHROPIC_BASE_URL": url}


def behind(url: str, command: Sequence[str], environ: Mapping[str, str], key: str | None = None) -> Started:
    """`command` with all that sends it to the gateway at `url`; `environ` is what it would have had.

    `key` is a virtual key that it shows in place of its own; None: its own go on.
    """
    name = Path(command[0]).stem
    led = {**environ, **exports_of(url), "ANTHROPIC_API_BASE": url, **_around_proxies(url, environ)}
    if key is not None:
        led = _with_key(name, led, key)
    elif name not in _SIGNED_IN:
        led |= {variable: _NO_KEY for variable in KEY_VARIABLES if not environ.get(variable)}
    match name:
        case "codex":
            return Started((command[0], "-c", f'openai_base_url="{url}/v1"', *command[1:]), led)
        case "opencode":
            return Started(tuple(command), led | _opencode(url, environ))
        case "gemini":
            return Started(tuple(command), led, "gemini speaks Google's own protocol, so its calls go past the gateway")
        case _:
            return Started(tuple(command), led)


def intercepting_proxies(url: str, environ: Mapping[str, str]) -> list[str]:
    """The variables that would send what is meant for the gateway to a proxy."""
    if _is_exempt(urlsplit(url).hostname or "", _value(environ, "NO_PROXY")):
        return []
    return [name for name in PROXY_VARIABLES[:2] if _value(environ, name)]


def _with_key(name: str, environ: Mapping[str, str], key: str) -> dict[str, str]:
    """Anthropic's two variables exclude each other. Claude Code asks before it takes a new API key, and takes a
    token as it is."""
    rest = {variable: value for variable, value in environ.items() if variable != "ANTHROPIC_AUTH_TOKEN"}
    if name != "claude":
        return rest | dict.fromkeys(KEY_VARIABLES, key)
    rest.pop("ANTHROPIC_API_KEY", None)
    return rest | {"OPENAI_API_KEY": key, "ANTHROPIC_AUTH_TOKEN": key}


def _around_proxies(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    if not intercepting_proxies(url, environ):
        return {}
    exempt = ",".join(filter(None, (_value(environ, "NO_PROXY"), urlsplit(url).hostname)))
    # Some clients read the upper case only, others prefer the lower one.
    return {"NO_PROXY": exempt, "no_proxy": exempt}


def _is_exempt(host: str, no_proxy: str) -> bool:
    exempt = {entry.strip().lower() for entry in no_proxy.split(",")}
    return not exempt.isdisjoint({host, "*"})


def _value(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.lower()) or environ.get(name) or ""


def _opencode(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """opencode's SDKs want /v1 for both. What is there already stays, where it can be read."""
    try:
        given = json.loads(environ.get("OPENCODE_CONFIG_CONTENT") or "{}")
    except ValueError:
        given = {}
    providers = given.setdefault("provider", {})
    for name in ("openai", "anthropic"):
        providers.setdefault(name, {}).setdefault("options", {})["baseURL"] = f"{url}/v1"
    return {"OPENCODE_CONFIG_CONTENT": json.dumps(given)}
