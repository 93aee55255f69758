"""`helix cache warm`: sends the questions of a file through the gateway, as a client would."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from . import diagnostics

HITS = frozenset({"exact", "semantic", "coalesced"})
TIMEOUT_S = 600.0
SHOWN_ERRORS = 5
"""A wrong key fails every line in the same way: a few sentences are enough."""


@dataclass(slots=True)
class WarmResult:
    hits: int = 0
    misses: int = 0
    errors: int = 0

    def as_json(self) -> dict[str, int]:
        lines = self.hits + self.misses + self.errors
        return {"lines": lines, "hits": self.hits, "misses": self.misses, "errors": self.errors}


def warm_cache(url: str, file: Path, *, model: str | None, credential_env: str, concurrency: int) -> WarmResult:
    """Ask every line's question, `concurrency` at a time, with a progress bar on stderr.

    Raises:
        CommandFailed: the file cannot be read.
    """
    lines = _lines(file)
    credential = os.environ.get(credential_env)
    result = WarmResult()
    pool = ThreadPoolExecutor(concurrency)
    try:
        asked = [pool.submit(_ask, url, number, line, model, credential) for number, line in lines]
        for answer in _with_progress(as_completed(asked), len(asked)):
            _count(result, *answer.result())
    finally:
        # After Ctrl-C only what is already asked, and so paid for, is waited for.
        pool.shutdown(cancel_futures=True)
    return result


def _lines(file: Path) -> list[tuple[int, str]]:
    """Numbered from 1; empty lines are left out."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise diagnostics.CommandFailed(f"{file}: cannot be read: {error}") from error
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _with_progress(futures: Iterable[Any], total: int) -> Iterator[Any]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(
        futures, "warming the cache", total=total, console=console, disable=not console.is_terminal, transient=True
    )


def _count(result: WarmResult, verdict: str, sentence: str) -> None:
    if verdict in HITS:
        result.hits += 1
    elif verdict == "miss":
        result.misses += 1
    else:
        result.errors += 1
        if result.errors <= SHOWN_ERRORS:
            diagnostics.say(sentence)


def _ask(url: str, number: int, line: str, model: str | None, credential: str | None) -> tuple[str, str]:
    """The cache's verdict, and the sentence to show where there is none."""
    try:
        return _verdict(url, chat_request(line, model), credential)
    except (ValueError, OSError, HTTPException) as error:
        return "", f"line {number}: {error}"


def chat_request(line: str, model: str | None) -> dict[str, Any]:
    """The chat request that a line stands for.

    Raises:
        ValueError: it stands for none.
    """
    given = json.loads(line)
    if not isinstance(given, dict):
        raise ValueError("expected a JSON object")
    if "messages" not in given:
        text = next((given[name] for name in ("prompt", "text", "question") if name in given), None)
        if not isinstance(text, str):
            raise ValueError('expected "messages", "prompt", "text" or "question"')
        given = {"model": given.get("model"), "messages": [{"role": "user", "content": text}]}
    if not given.get("model") and model is None:
        raise ValueError('no "model": name one with --model')
    return {**given, "model": given.get("model") or model, "stream": False}


def _verdict(url: str, request: Mapping[str, Any], credential: str | None) -> tuple[str, str]:
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    headers = {"Content-Type": "application/json"}
    if credential:
        headers["Authorization"] = f"Bearer {credential}"
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(request), headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError(_message(body) or f"the gateway answered {answer.status}")
        return answer.getheader("x-helix-cache", ""), "the gateway does not cache it"
    finally:
        connection.close()


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""
