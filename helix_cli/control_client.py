"""The one door to a running daemon: its control API, over loopback, with the token of its runtime file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Self, cast
from urllib.parse import urlencode, urlsplit

from daemon import control_api as api
from daemon.control_api.cache import AuditPlan, CacheAudit, CacheStats, Imported, Why
from daemon.control_api.logs import ExplainedRow, LogRow
from daemon.control_api.spend import InvoiceLine, Reconciliation, Review, Spend

from .diagnostics import CommandFailed, DaemonUnreachable, ExitCode

RUNTIME_FILE = "daemon.json"
TIMEOUT_S = 30.0
AUDIT_TIMEOUT_S = 1_800.0
EXPORTED_LINES = 100
"""At a time: each may be megabytes."""
FOLLOW_TIMEOUT_S = 60.0
"""The daemon sends an empty line every few seconds, so a longer silence means that it is gone."""

_EXIT_CODES = {401: ExitCode.NOT_ALLOWED, 403: ExitCode.NOT_ALLOWED, 404: ExitCode.NOT_FOUND}


class ControlClient:
    """Asks the daemon; one connection per question, so it may be used from several threads.

    Every method raises DaemonUnreachable where nobody answers, and CommandFailed with the daemon's own
    sentence where it refuses.
    """

    def __init__(self, runtime: api.RuntimeFile) -> None:
        self.url = runtime["url"]
        self._token = runtime["token"]

    @classmethod
    def of(cls, data_dir: Path, *, or_demo: bool = False) -> Self:
        """The client of the daemon that runs on this data directory, or else of this user's demo: for who only looks.
        What a client asks must not go to a demo, which has no models but echoes.

        Raises:
            DaemonUnreachable: there is no runtime file.
            CommandFailed: others can read or write it, so the token in it proves nothing.
        """
        path = data_dir / RUNTIME_FILE
        demo = api.demo_dir() / RUNTIME_FILE
        if or_demo and demo.exists() and not path.exists():
            path = demo
        try:
            return cls(json.loads(_read_private(path)))
        except (ValueError, KeyError, TypeError):
            raise DaemonUnreachable(f"{path} is damaged") from None

    def status(self) -> api.Status:
        return cast(api.Status, self._get(api.STATUS))

    def overview(self) -> api.Overview:
        return cast(api.Overview, self._get(api.OVERVIEW))

    def cache_stats(self) -> CacheStats:
        return cast(CacheStats, self._get(api.CACHE_STATS))

    def clear_cache(self, selected: Mapping[str, object]) -> int | None:
        """How many entries were removed; None where it goes on in the background. `selected` is the body of
        `api.CACHE_CLEAR`, of which None is left out."""
        cleared = self._send("POST", api.CACHE_CLEAR, selected)["cleared"]
        return None if cleared is None else int(cleared)

    def plan_audit(self, sample: int, scope: str | None) -> AuditPlan:
        return cast(AuditPlan, self._get(api.CACHE_AUDIT, sample=sample, scope=scope))

    def audit_cache(self, sample: int, max_usd: str, scope: str | None) -> CacheAudit:
        wanted = {"sample": sample, "max_usd": max_usd, "scope": scope}
        return cast(CacheAudit, self._send("POST", api.CACHE_AUDIT, wanted, timeout_s=AUDIT_TIMEOUT_S))

    def cache_lines(self) -> Iterator[list[dict[str, Any]]]:
        """All that is kept, a page of lines at a time."""
        after: int = 0
        while True:
            page = self._get(api.CACHE_LINES, after=after, limit=EXPORTED_LINES)
            if not page["lines"]:
                return
            after = page["last"]
            yield page["lines"]

    def take_cache_lines(self, lines: list[Any], *, scope: str | None) -> Imported:
        return cast(Imported, self._send("POST", api.CACHE_LINES, {"lines": lines, "scope": scope}))

    def why_cached(
        self, text: str, *, model: str | None = None, system: str | None = None, key: str | None = None
    ) -> Why:
        question = {"text": text, "model": model, "system": system, "key": key}
        return cast(Why, self._send("POST", api.CACHE_WHY, question))

    def budgets(self) -> list[api.BudgetRow]:
        return cast("list[api.BudgetRow]", self._get(api.BUDGETS)["budgets"])

    def set_budget(
        self, scope: str, window: str, limit_usd: str, soft_pct: int | None, fallback_model: str | None = None
    ) -> api.BudgetRow:
        budget = {"scope": scope, "window": window, "limit_usd": limit_usd, "soft_pct": soft_pct}
        budget["fallback_model"] = fallback_model
        return cast(api.BudgetRow, self._send("PUT", api.BUDGETS, budget))

    def raise_budget(self, scope: str, window: str | None, by_usd: str, for_s: int) -> api.BudgetRow:
        raised = {"scope": scope, "window": window, "by_usd": by_usd, "for_s": for_s}
        return cast(api.BudgetRow, self._send("POST", api.BUDGET_RAISE, raised))

    def remove_budget(self, scope: str, window: str) -> bool:
        """Whether there was one."""
        return bool(self._send("DELETE", _with(api.BUDGETS, scope=scope, window=window))["removed"])

    def why_budget(self, scope: str) -> tuple[list[api.BudgetRow], list[LogRow]]:
        """The budgets that a scope meets, and what they refused."""
        answer = self._get(api.BUDGET_WHY, scope=scope)
        return answer["budgets"], answer["refusals"]

    def keys(self) -> list[api.KeyRow]:
        return cast("list[api.KeyRow]", self._get(api.KEYS)["keys"])

    def create_key(self, wanted: Mapping[str, object]) -> api.KeyMade:
        """Make a key; `wanted` is the body of `api.KEYS`, of which None is left out."""
        return cast(api.KeyMade, self._send("POST", api.KEYS, wanted))

    def rotate_key(self, key_id: str, grace_s: int) -> api.KeyMade:
        return cast(api.KeyMade, self._send("POST", api.KEY_ROTATE, {"id": key_id, "grace_s": grace_s}))

    def revoke_key(self, key_id: str) -> None:
        self._send("DELETE", _with(api.KEYS, id=key_id))

    def spend(self, *, by: str | None, since: str, until: str | None = None) -> Spend:
        return cast(Spend, self._get(api.SPEND, by=by, since=since, until=until))

    def review_spend(self, *, since: str, until: str | None = None) -> Review:
        return cast(Review, self._get(api.SPEND_REVIEW, since=since, until=until))

    def explain_spend(self, request_id: str) -> list[ExplainedRow]:
        """Each attempt of a request, oldest first."""
        return cast("list[ExplainedRow]", self._get(api.SPEND_EXPLAIN, id=request_id)["rows"])

    def reconcile_spend(self, lines: list[InvoiceLine], provider: str | None) -> Reconciliation:
        return cast(Reconciliation, self._send("POST", api.SPEND_RECONCILE, {"lines": lines, "provider": provider}))

    def focus_spend(self, *, since: str, until: str) -> Iterator[bytes]:
        """The charges as CSV with the columns of FOCUS, piece by piece."""
        with self._asking("GET", _with(api.SPEND_FOCUS, since=since, until=until)) as answer:
            while piece := answer.read(2**16):
                yield piece

    def export_spend(self, path: Path, *, since: str, until: str) -> int:
        """Have the daemon write its raw rows as Parquet; how many."""
        return int(self._send("POST", api.SPEND_PARQUET, {"path": str(path), "since": since, "until": until})["rows"])

    def pii_report(self, *, by: str, since: str) -> api.PiiReport:
        return cast(api.PiiReport, self._get(api.PII_REPORT, by=by, since=since))

    def erase_user(self, user: str) -> api.Erased:
        return cast(api.Erased, self._send("POST", api.ERASE, {"user": user}))

    def rotate_storage_key(self, *, forget_old: bool) -> tuple[str, int]:
        """The file that holds the keys, and how many there are."""
        answer = self._send("POST", api.ROTATE_KEY, {"forget_old": forget_old})
        return answer["file"], answer["keys"]

    def logs(self, limit: int) -> list[LogRow]:
        """The last `limit` requests, oldest first."""
        return cast("list[LogRow]", self._get(api.LOGS, limit=limit)["rows"])

    def follow_logs(self, limit: int) -> Iterator[LogRow | None]:
        """The last `limit` requests, then each as it happens; None is a sign of life while nothing does."""
        with self._asking("GET", _with(api.LOGS_FOLLOW, limit=limit), timeout_s=FOLLOW_TIMEOUT_S) as answer:
            for text in answer:
                yield cast(LogRow, json.loads(text)) if text.strip() else None

    def _get(self, path: str, **query: str | int | None) -> Any:
        return self._send("GET", _with(path, **query))

    def _send(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> Any:
        given = {name: value for name, value in (body or {}).items() if value is not None}
        content = json.dumps(given) if body is not None else None
        with self._asking(method, path, content, timeout_s=timeout_s) as answer:
            return json.loads(answer.read())

    @contextmanager
    def _asking(
        self, method: str, path: str, content: str | None = None, *, timeout_s: float = TIMEOUT_S
    ) -> Iterator[HTTPResponse]:
        where = urlsplit(self.url)
        connection = HTTPConnection(where.hostname or "", where.port, timeout=timeout_s)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, content, headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise _refusal(answer)
            yield answer
        except (OSError, HTTPException) as error:
            raise DaemonUnreachable(f"no daemon answers at {self.url}") from error
        except ValueError as error:
            raise CommandFailed(f"the daemon at {self.url} answered what is not JSON") from error
        finally:
            connection.close()


def _with(path: str, **query: str | int | None) -> str:
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _refusal(answer: HTTPResponse) -> CommandFailed:
    """The daemon's own sentence, in whichever of its two error shapes it comes."""
    try:
        message = json.loads(answer.read())["error"]["message"]
    except (ValueError, KeyError, TypeError):
        message = f"the daemon answered {answer.status}"
    return CommandFailed(str(message), _EXIT_CODES.get(answer.status, ExitCode.FAILURE))


def _read_private(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise DaemonUnreachable(f"no daemon runs on {path.parent}") from None
    except OSError as error:
        raise CommandFailed(f"{path}: cannot be read: {error.strerror}", ExitCode.NOT_ALLOWED) from error
    with os.fdopen(handle, "rb") as file:
        _refuse_what_others_could_have_written(path, os.fstat(handle))
        return file.read()


def _refuse_what_others_could_have_written(path: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid():
        raise CommandFailed(f"{path} belongs to another user", ExitCode.NOT_ALLOWED)
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise CommandFailed(
            f"{path} is open to other users; restart the daemon to get a new token", ExitCode.NOT_ALLOWED
        )
