"""The settings files of coding agents: where they are, and how each is pointed to the gateway.

An edit is text in, text out, and changes no other line, so that comments and order stay. Sources: Claude Code's
settings page (`env`), Codex's config reference (`openai_base_url`), aider's sample `.aider.conf.yml`,
Continue's config.yaml reference (`apiBase` of a model).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .diagnostics import CommandFailed


@dataclass(frozen=True, slots=True)
class AgentFile:
    """One agent's file. `edit` takes its text (empty: there is no file) and the gateway's URL.

    `edit` raises CommandFailed for a text that it cannot read.
    """

    place: Callable[[Mapping[str, str], Path], Path]
    edit: Callable[[str, str], str]
    address: re.Pattern[str]
    """Where the text says which server is asked; its group is the URL."""

    def addresses(self, text: str) -> list[str]:
        """The servers that the file sends its agent to; empty where it says nothing of it."""
        return list(dict.fromkeys(self.address.findall(text)))


def point_claude(text: str, url: str) -> str:
    try:
        settings = json.loads(text or "{}")
        settings.setdefault("env", {})["ANTHROPIC_BASE_URL"] = url
    except (ValueError, AttributeError, TypeError):
        raise CommandFailed("the settings of claude are not a JSON object; correct them first") from None
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"


def point_codex(text: str, url: str) -> str:
    """A key of TOML's root stands before the first table."""
    table = re.search(r"(?m)^\s*\[", text)
    root, tables = (text[: table.start()], text[table.start() :]) if table else (text, "")
    edited = _with_line(root, r"openai_base_url\s*=", f'openai_base_url = "{url}/v1"') + tables
    try:
        tomllib.loads(edited)
    except tomllib.TOMLDecodeError as error:
        raise CommandFailed(f"the settings of codex are not valid TOML: {error}") from None
    return edited


def point_aider(text: str, url: str) -> str:
    """aider hands `set-env` to litellm; where the file has one already, it is left as it is."""
    edited = _with_line(text, r"openai-api-base:", f"openai-api-base: {url}/v1")
    if re.search(r"(?m)^set-env:", edited):
        return edited
    return edited.rstrip("\n") + f"\nset-env:\n  - ANTHROPIC_API_BASE={url}\n"


def point_continue(text: str, url: str) -> str:
    """Give each model of OpenAI and Anthropic its `apiBase`; others speak protocols of their own."""
    lines = text.splitlines()
    edited: list[str] = []
    at = 0
    while at < len(lines):
        end = _end_of_item(lines, at)
        edited += _pointed_model(lines[at:end], url)
        at = end
    if edited == lines and url not in text:
        raise CommandFailed("continue has no model of openai or anthropic yet; add one first")
    return "\n".join(edited) + "\n"


AGENTS: Mapping[str, AgentFile] = {
    "claude": AgentFile(
        lambda environ, home: Path(environ.get("CLAUDE_CONFIG_DIR") or home / ".claude") / "settings.json",
        point_claude,
        re.compile(r'"ANTHROPIC_BASE_URL"\s*:\s*"([^"]+)"'),
    ),
    "codex": AgentFile(
        lambda environ, home: Path(environ.get("CODEX_HOME") or home / ".codex") / "config.toml",
        point_codex,
        re.compile(r'(?m)^\s*openai_base_url\s*=\s*["\']([^"\']+)'),
    ),
    "aider": AgentFile(
        lambda _, home: home / ".aider.conf.yml",
        point_aider,
        re.compile(r'(?m)^openai-api-base:\s*["\']?([^\s"\'#]+)'),
    ),
    "continue": AgentFile(
        lambda environ, home: Path(environ.get("CONTINUE_GLOBAL_DIR") or home / ".continue") / "config.yaml",
        point_continue,
        re.compile(r'(?m)^[\s-]+apiBase:\s*["\']?([^\s"\'#]+)'),
    ),
}


def _with_line(text: str, beginning: str, line: str) -> str:
    """The text with `line` in place of the one that begins so, or at its end."""
    pattern = re.compile(rf"(?m)^{beginning}.*$")
    if pattern.search(text):
        return pattern.sub(lambda _: line, text, count=1)
    separator = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{separator}{line}\n"


_ITEM = re.compile(r"^(\s*)-\s")
_PROVIDER = re.compile(r"""^[\s-]*provider:\s*["']?(openai|anthropic)["']?\s*(#.*)?$""")


def _end_of_item(lines: list[str], start: int) -> int:
    """One past the last line of the list item that begins at `start`; of any other line the next."""
    item = _ITEM.match(lines[start])
    if item is None:
        return start + 1
    dash = len(item[1])
    for at in range(start + 1, len(lines)):
        if lines[at].strip() and len(lines[at]) - len(lines[at].lstrip()) <= dash:
            return at
    return len(lines)


def _pointed_model(item: list[str], url: str) -> list[str]:
    provider = next((at for at, line in enumerate(item) if _PROVIDER.match(line)), None)
    if provider is None:
        return item
    dash = _ITEM.match(item[0])
    keys_at = dash.end() if dash else len(item[0]) - len(item[0].lstrip())
    line = f"{' ' * keys_at}apiBase: {url}/v1/"
    base = re.compile(rf"^ {{{keys_at}}}apiBase:")
    without = [old for old in item if not base.match(old)]
    after = without.index(item[provider]) + 1
    return [*without[:after], line, *without[after:]]
