"""`helix cache warm`: sends the requests of a file through the gateway, as a client would."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit

from . import diagnostics
from .diagnostics import ExitCode
from .warm_lines import WarmRequest, request_of

T = TypeVar("T")
Outcome = Literal["hit", "asked", "not kept", "error", "left"]

HITS = frozenset({"exact", "semantic", "coalesced"})
TIMEOUT_S = 600.0
SHOWN_SENTENCES = 5
"""What is wrong with each line is often the same: a few sentences are enough."""
TRIES = 4
LONGEST_WAIT_S = 60.0
"""What a limit of requests in a minute can ask for."""


@dataclass(slots=True)
class WarmResult:
    hits: int = 0
    misses: int = 0
    not_kept: int = 0
    errors: int = 0
    left: int = 0
    """Lines that were not asked, because none of them would have been answered."""
    cost_usd: Decimal = Decimal(0)
    stopped: diagnostics.CommandFailed | None = None
    """Why."""

    def as_json(self) -> dict[str, object]:
        lines = self.hits + self.misses + self.not_kept + self.errors + self.left
        return {
            "lines": lines,
            "hits": self.hits,
            "misses": self.misses,
            "not_kept": self.not_kept,
            "errors": self.errors,
            "left": self.left,
            "cost_usd": f"{self.cost_usd:f}",
        }


def warm_cache(
    url: str, file: Path, *, model: str | None, system: str | None, credential_env: str, concurrency: int
) -> WarmResult:
    """Ask every line's request, `concurrency` at a time, with a progress bar on stderr.

    Raises:
        CommandFailed: the file cannot be read.
    """
    lines = _lines(file)
    warmer = _Warmer(url, os.environ.get(credential_env), model=model, system=system)
    pool = ThreadPoolExecutor(concurrency)
    try:
        asked = [pool.submit(warmer.warm, number, line) for number, line in lines]
        for answered in _with_progress(as_completed(asked), len(asked)):
            warmer.count(answered)
    finally:
        # After Ctrl-C only what is already asked, and so paid for, is waited for.
        pool.shutdown(cancel_futures=True)
    return warmer.result


def _lines(file: Path) -> list[tuple[int, str]]:
    """Numbered from 1; empty lines are left out."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise diagnostics.CommandFailed(f"{file}: cannot be read: {error}") from error
    return [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _with_progress(futures: Iterable[T], total: int) -> Iterator[T]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(
        futures, "warming the cache", total=total, console=console, disable=not console.is_terminal, transient=True
    )


class _Line(NamedTuple):
    """What became of a line."""

    outcome: Outcome
    sentence: str = ""
    cost_usd: Decimal = Decimal(0)


class _Reply(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def message(self) -> str:
        try:
            return str(json.loads(self.body)["error"]["message"])
        except (ValueError, KeyError, TypeError):
            return f"the gateway answered {self.status}"

    @property
    def is_over_budget(self) -> bool:
        return self.status == 429 and self.headers.get("x-should-retry") == "false"

    @property
    def cost_usd(self) -> Decimal:
        try:
            return Decimal(self.headers.get("x-helix-cost-usd", "0"))
        except InvalidOperation:
            return Decimal(0)


class _Warmer:
    """Asks lines from several threads; `count` is called from one."""

    def __init__(self, url: str, credential: str | None, *, model: str | None, system: str | None) -> None:
        self.result = WarmResult()
        self._where = urlsplit(url)
        self._credential = credential
        self._model = model
        self._system = system

    def warm(self, number: int, line: str) -> _Line:
        """Ask it, unless none would be answered any more."""
        if self.result.stopped is not None:
            return _Line("left")
        try:
            return self._warmed(request_of(line, model=self._model, system=self._system), f"line {number}: ")
        except (ValueError, OSError, HTTPException) as error:
            return _Line("error", f"line {number}: {error}")

    def count(self, answered: Future[_Line]) -> None:
        line, result = answered.result(), self.result
        result.cost_usd += line.cost_usd
        match line.outcome:
            case "hit":
                result.hits += 1
            case "asked":
                result.misses += 1
            case "not kept":
                result.not_kept += 1
            case "error":
                result.errors += 1
            case "left":
                result.left += 1
        if line.sentence and result.not_kept + result.errors <= SHOWN_SENTENCES:
            diagnostics.say(line.sentence)

    def _warmed(self, request: WarmRequest, where: str) -> _Line:
        reply = self._patiently(request)
        if reply.is_over_budget or reply.status == 401:
            code = ExitCode.BUDGET_EXHAUSTED if reply.is_over_budget else ExitCode.NOT_ALLOWED
            self.result.stopped = diagnostics.CommandFailed(reply.message, code)
            return _Line("left")
        if reply.status != 200:
            return _Line("error", where + reply.message)
        verdict = reply.headers.get("x-helix-cache", "")
        if verdict in HITS:
            return _Line("hit")
        if verdict == "miss":
            return _Line("asked", cost_usd=reply.cost_usd)
        return _Line("not kept", where + "the gateway does not cache it", reply.cost_usd)

    def _patiently(self, request: WarmRequest) -> _Reply:
        """Ask again where a limit says when."""
        for _ in range(TRIES - 1):
            reply = self._ask(request)
            wait_s = reply.headers.get("retry-after", "")
            if reply.status != 429 or reply.is_over_budget or not wait_s.isdecimal():
                return reply
            time.sleep(min(float(wait_s), LONGEST_WAIT_S))
        return self._ask(request)

    def _ask(self, request: WarmRequest) -> _Reply:
        connection = HTTPConnection(self._where.hostname or "", self._where.port, timeout=TIMEOUT_S)
        headers = {"Content-Type": "application/json"}
        if self._credential and request.path == "/v1/messages":
            headers["x-api-key"] = self._credential
        elif self._credential:
            headers["Authorization"] = f"Bearer {self._credential}"
        try:
            connection.request("POST", request.path, json.dumps(request.body), headers)
            answer = connection.getresponse()
            return _Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()
